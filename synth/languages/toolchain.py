"""The tools of a language on this machine: their places, their versions, and whether they have changed.

Place in the flow: sandboxes and `doctor` call it before they run a language. The one rule: it starts no
programs except tools, to get their version.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from synth.languages.package_use import NOTHING, MachinePackages, read_machine
from synth.languages.registry import get_language
from synth.languages.spec import Language

_WHEELS: Final = {"zig": "ziglang"}
"""Tools shipped in a Python package of another name."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The tools of a language on this machine."""

    tools: Mapping[str, str]
    """Maps names to real paths, with links and shims resolved."""
    version: str
    digest: str
    """Changes when the toolchain does: part of the key of cached results."""
    readonly: tuple[str, ...] = ()
    """Folders that must be visible inside the sandbox, in addition to /usr."""
    marks: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Size and time of each tool's file and of its library folder when they were found; empty for a toolchain
    on another machine."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables by which programs and compilers find packages,"""
    compile_words: tuple[str, ...] = ()
    """and words after a compile command, by which compilers do that read no variables."""
    machine: MachinePackages = NOTHING
    modules: frozenset[str] | None = None
    """What programs can import besides their own files; None where nobody has looked: then nothing is called
    missing."""
    digest_alone: str = ""
    """The digest without a folder of packages, of which what is prepared once knows nothing; empty on another
    machine."""

    def stated_for(self, language: str) -> str:
        """The text that observations state."""
        return f"{language} {self.version} {self.digest}"

    @property
    def is_unchanged(self) -> bool:
        """Whether the tools are still there, and still the same files."""
        try:
            return all(_mark(path) == mark for path, mark in self.marks.items())
        except OSError:
            return False


def _marks(tools: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Marks of the tools and their library folders: a toolchain may be removed piece by
    piece, libraries first."""
    libraries = {Path(path).parents[1] / "lib" for path in tools.values()}
    return {
        path: _mark(path)
        for path in (*tools.values(), *(str(folder) for folder in libraries if folder.is_dir()))
    }


def _mark(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116  # called after each program
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=256)
def find_toolchain(language_name: str) -> Toolchain | None:
    """The toolchain of a language on this machine, or None if a tool is missing. Looked up
    once per process."""
    language = get_language(language_name)
    tools = {name: path for name in language.tools if (path := find_tool(name))}
    if len(tools) < len(language.tools):
        return None
    first = tools[language.tools[0]]
    version = (
        _version([first, *language.version_arguments]) if language.version_arguments else Path(first).name
    )
    if version is None:
        return None
    marks = _marks(tools)
    machine = _machine_packages(language, tools)
    marks |= {folder: _mark(folder) for folder in machine.folders if Path(folder).is_dir()}
    own = [
        f"{path}:{':'.join(map(str, marks[path]))}" for path in tools.values()
    ]  # libraries change with any package
    packages = [machine.digest] if machine.folders else []
    digest = hashlib.sha256("\n".join([version, *own, *packages]).encode()).hexdigest()[:12]
    shown = {root for path in tools.values() if (root := _root(path))} | {
        path for path in language.paths if Path(path).exists()
    }
    found = Toolchain(tools, version, digest, tuple(sorted(shown)), marks, machine=machine)
    return with_packages(language, found)


def _machine_packages(language: Language, tools: Mapping[str, str]) -> MachinePackages:
    if language.packages is None or not language.packages.machine:
        return NOTHING
    return read_machine(tuple(word.format_map(tools) for word in language.packages.machine))


def with_packages(language: Language, found: Toolchain, folder: str = "", digest: str = "") -> Toolchain:
    """The toolchain whose programs also see the packages in a folder, which has this digest. Without a
    folder: whose programs see what the machine has."""
    use, machine = language.packages, found.machine
    if use is None:
        return found
    seen = [folder, *machine.folders] if folder else list(machine.folders)
    places = [str(Path(folder, use.place)), *machine.folders] if folder else machine.folders
    return replace(
        found,
        digest_alone=found.digest,
        digest=hashlib.sha256(f"{found.digest} {digest}".encode()).hexdigest()[:12]
        if digest
        else found.digest,
        readonly=tuple(sorted({*found.readonly, *(place for place in seen if _is_outside(place))})),
        marks={**found.marks, **({folder: _mark(folder)} if folder else {})},
        environment=use.environment(machine, folder),
        compile_words=use.compile_words(folder) if folder else (),
        modules=use.modules(places) | machine.modules if machine.modules or not use.machine else None,
    )


def find_tool(name: str) -> str | None:
    """The real path of a tool. System folders come first: a version manager's shim costs 100 ms per start."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin") or shutil.which(name)
    real = _unshim(name, found) if found else _in_wheel(name)
    return real or (str(Path(sys.executable).resolve()) if name == "python3" else None)


def _in_wheel(name: str) -> str | None:
    """The path of a tool shipped in a Python package."""
    places = [Path(folder) / _WHEELS[name] / name for folder in sys.path] if name in _WHEELS else []
    return next((str(place.resolve()) for place in places if place.is_file()), None)


def _unshim(name: str, found: str) -> str | None:
    """The program itself. An npm package may put a node script before it."""
    real = Path(found).resolve()
    if real.suffix == ".js" and real.with_name(name).is_file():
        return str(real.with_name(name))
    if real.name == "rustup":
        toolchains = Path(os.environ.get("RUSTUP_HOME", Path.home() / ".rustup")) / "toolchains"
        candidates = sorted(toolchains.glob(f"stable*/bin/{name}")) or sorted(
            toolchains.glob(f"*/bin/{name}")
        )
        return str(candidates[0]) if candidates else None
    return str(real) if Path(found).parent.name != "shims" else None


def _root(path: str) -> str:
    """The folder outside /usr that contains a tool (`<root>/bin/tool`), or nothing."""
    return str(Path(path).parent.parent) if _is_outside(path) else ""


def _is_outside(path: str) -> bool:
    """Whether a path is not visible in every sandbox."""
    return not path.startswith(("/usr/", "/bin/", "/lib"))


def _version(command: list[str]) -> str | None:
    """The first line of the tool's answer that is not a warning from a virtual machine."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [
        line.strip()
        for line in (done.stdout + done.stderr).splitlines()
        if line.strip() and "warning:" not in line
    ]
    return lines[0] if lines and done.returncode == 0 else None
