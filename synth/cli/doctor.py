"""`codemill doctor`: what this machine can do, and the exact command to install each missing part.

The one rule: nothing heavy is imported and nothing is changed. Versions come from package metadata,
`nvidia-smi` and the toolchains themselves.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from synth.cli.app import AsJson
from synth.errors import Problem, UserError
from synth.plain_text import plain

if TYPE_CHECKING:
    from synth.config import Package

State = Literal["ok", "missing", "note"]

_TRAINING_PACKAGES = ("torch", "transformers", "trl", "peft", "datasets", "accelerate")
_GIB = 1 << 30
_INSTALLERS = ("apt-get install -y ", "npm install -g ", "pip install ", "brew install ")
"""Commands that differ only in their packages are joined into one, in this order."""


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One line of the table. `install` is empty if nothing is missing or nothing can be done."""

    group: str
    name: str
    state: State
    found: str
    install: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the table."""

    findings: tuple[DoctorRow, ...]
    """One row per thing examined."""

    def install_commands(self) -> list[str]:
        """Each command once; those that differ only in their packages are joined into one line."""
        commands = list(dict.fromkeys(finding.install for finding in self.findings if finding.install))
        joined = [
            f"{prefix}{' '.join(packages)}"
            for prefix in _INSTALLERS
            if (packages := _packages(commands, prefix))
        ]
        return [*joined, *(command for command in commands if not command.startswith(_INSTALLERS))]


def _packages(commands: list[str], prefix: str) -> list[str]:
    words = [
        word
        for command in commands
        if command.startswith(prefix)
        for word in command.removeprefix(prefix).split()
    ]
    return list(dict.fromkeys(words))


def examine(only: str | None = None) -> Report:
    """Examine everything, or one group. Takes a second or two: the toolchains report their
    versions in parallel.

    Raises UserError for an unknown group.
    """
    if only is not None and only not in GROUPS:
        from synth.recipe.explain import nearest

        raise UserError(
            Problem(
                f"--group {only}",
                f"must be one of {', '.join(GROUPS)}",
                f"--group {nearest(only, GROUPS) or 'languages'}",
            )
        )
    return Report(
        findings=tuple(finding for name, look in GROUPS.items() if only in (None, name) for finding in look())
    )


def _machine() -> Iterator[DoctorRow]:
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    yield DoctorRow(group="machine", name="python", state="ok", found=sys.version.split()[0])
    yield DoctorRow(group="machine", name="cores", state="ok", found=str(cores))
    state: State = "ok" if memory.total >= 6 * _GIB else "note"
    yield DoctorRow(
        group="machine",
        name="memory",
        state=state,
        found=f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB free",
    )
    state = "ok" if disk.free >= 8 * _GIB else "note"
    yield DoctorRow(group="machine", name="disk", state=state, found=f"{disk.free / _GIB:.1f} GiB free here")


def _gpu() -> Iterator[DoctorRow]:
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    lines = _output(query).splitlines() if shutil.which("nvidia-smi") else []
    for index, line in enumerate(lines):
        yield DoctorRow(group="gpu", name=f"gpu {index}", state="ok", found=line.strip())
    if not lines:
        yield DoctorRow(
            group="gpu", name="gpu", state="note", found="nvidia-smi finds none; models run on the CPU"
        )


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _engines() -> Iterator[DoctorRow]:
    from synth.config import ENGINE_CONFIGS

    for kind, config in ENGINE_CONFIGS.items():
        if config.needs_package is not None:
            yield _engine(kind, config.needs_package)


def _engine(kind: str, package: "Package") -> DoctorRow:
    names = package.distributions or (package.module,)
    name = next((name for name in names if package_version(name)), None)
    if name is None:
        found = f"{package.display_name} is not installed"
        return DoctorRow(group="engines", name=kind, state="missing", found=found, install=package.install)
    found = f"{name} {package_version(name)}"
    if name != names[0] and shutil.which("nvidia-smi"):
        found, install = f"{found}, although this machine has a GPU", package.install_gpu
        return DoctorRow(group="engines", name=kind, state="note", found=found, install=install)
    return DoctorRow(group="engines", name=kind, state="ok", found=found)


def _training() -> Iterator[DoctorRow]:
    for name in _TRAINING_PACKAGES:
        found = package_version(name)
        install = "" if found else "pip install 'codemill[train]'"
        yield DoctorRow(
            group="training",
            name=name,
            state="ok" if found else "missing",
            found=found or "not installed",
            install=install,
        )


def _sandbox() -> Iterator[DoctorRow]:
    from synth.execution.isolation.capabilities import detect_level

    report = detect_level()
    state: State = "ok" if report.level in ("A", "B") else "missing" if report.level is None else "note"
    found = f"level {report.level}" if report.level else "no isolation available"
    yield DoctorRow(
        group="sandbox",
        name="isolation",
        state=state,
        found=f"{found}, {'root' if report.root else 'not root'}",
    )
    yield DoctorRow(group="sandbox", name="launcher", state="ok", found=report.launcher)
    for feature, why in report.features.items():
        yield DoctorRow(group="sandbox", name=feature, state="note" if why else "ok", found=why or "yes")


def _languages() -> Iterator[DoctorRow]:
    from concurrent.futures import ThreadPoolExecutor

    from synth.languages.registry import all_languages
    from synth.languages.toolchain import find_toolchain

    languages = all_languages()
    with ThreadPoolExecutor(4) as pool:
        toolchains = list(pool.map(find_toolchain, [language.name for language in languages]))
    for language, toolchain in zip(languages, toolchains, strict=True):
        if toolchain is not None:
            yield DoctorRow(group="languages", name=language.name, state="ok", found=toolchain.version)
        else:
            found = f"{', '.join(language.tools)} not found"
            yield DoctorRow(
                group="languages", name=language.name, state="missing", found=found, install=language.install
            )


GROUPS: dict[str, Callable[[], Iterator[DoctorRow]]] = {
    "machine": _machine,
    "gpu": _gpu,
    "engines": _engines,
    "training": _training,
    "sandbox": _sandbox,
    "languages": _languages,
}


def package_version(name: str) -> str:
    """Version of an installed distribution, or an empty string."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def render(report: Report) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=160)
    table = Table("", "part", "found", "to install", box=None, pad_edge=False)
    marks = {"ok": Text("ok", "green"), "missing": Text("missing", "red"), "note": Text("note", "yellow")}
    group = ""
    for finding in report.findings:
        if finding.group != group:
            group = finding.group
            table.add_row("", Text(group, "bold"), "", "")
        table.add_row(
            marks[finding.state], Text(finding.name), Text(plain(finding.found)), Text(finding.install)
        )
    console.print(table)


def doctor(
    as_json: AsJson = False,
    install_hints: Annotated[
        bool, typer.Option("--install-hints", help="Print only the commands that install the missing parts.")
    ] = False,
    group: Annotated[
        str | None, typer.Option("--group", help=f"Examine one group only: {', '.join(GROUPS)}.")
    ] = None,
) -> None:
    """Show which engines, GPUs, sandbox levels and toolchains this machine has, and how to
    install the rest."""
    report = examine(group)
    if as_json:
        print(
            json.dumps(
                {**asdict(report), "install": report.install_commands()},
                indent=2,
                ensure_ascii=False,
            )
        )
    elif install_hints:
        print("".join(f"{command}\n" for command in report.install_commands()), end="")
    else:
        render(report)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)
