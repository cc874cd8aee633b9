"""Packages out of Debian's archive: fetched with what they need, and unpacked; sources are compiled then.

Place in the flow: `managers.py` calls it for the languages whose `PackageUse` says so. The one rule: nothing
is installed, and what this machine has installed has no part in what a folder holds.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from synth.errors import Problem
from synth.languages.package_use import PackageUse
from synth.languages.spec import Language
from synth.languages.support.sources import read_source
from synth.languages.toolchain import Toolchain, find_tool
from synth.packages.command import PackageError, lacks, run
from synth.packages.store import SEE
from synth.packages_config import debian_name, parted


def fill_from_debian(
    language: Language, toolchain: Toolchain, names: Sequence[str], files: Path
) -> tuple[str, ...]:
    """Put the packages and what they need into an empty folder. Their names and versions. Raises
    PackageError."""
    use, where = language.packages, f"packages of {language.name}"
    assert use is not None, "asked by build"
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if find_tool(tool) is None:
            raise lacks(where, tool, "build them on a Debian-like Linux")
    tools = [toolchain.tools.get(tool) or _own_tool(where, tool, use) for tool in use.compile_tools]
    chosen = [_debian_package(use, name, where) for name in names]
    with TemporaryDirectory() as folder:
        held = Path(folder)
        run(["apt-get", "download", "--quiet", *_with_needed(use, chosen, where, held)], where, held)
        fetched = sorted(held.glob("*.deb"))
        for archive in fetched:
            place = held if use.compile_script else files
            run(["dpkg-deb", "--extract", str(archive), str(place)], where, held)
        if use.compile_script:
            _compile(use, tools, chosen, held, files, where)
    return tuple(" ".join(path.name.split("_")[:2]) for path in fetched)


def _own_tool(where: str, tool: str, use: PackageUse) -> str:
    found = find_tool(tool)
    if found is None:
        raise lacks(where, tool, f"apt-get install -y {tool}")
    return found


def _debian_package(use: PackageUse, name: str, where: str) -> str:
    """Debian's name of a package, with its version if one was asked for. Raises PackageError."""
    short, version = parted(name)
    known = debian_name(short)
    bare = re.sub(r"^([\w-]+)\.\w+/", r"\1/", short.lower())  # Debian leaves the end of a host's name out
    bare = re.sub("[_/]", "-", bare)
    tried = [known] if known else [pattern.format(name=bare) for pattern in use.debian_names]
    for candidate in tried:
        command = ["apt-cache", "show", "--no-all-versions", candidate]
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
        if shown.returncode == 0 and shown.stdout.strip():
            return f"{candidate}={version}" if version else candidate
    raise PackageError(
        Problem(
            f"{where}: {name}",
            f"is not among Debian's packages on this machine (looked for {', '.join(tried)})",
            "correct the name, or run `apt-get update` first",
            SEE,
        )
    )


def _with_needed(use: PackageUse, chosen: Sequence[str], where: str, held: Path) -> list[str]:
    """The packages and those that Debian would install with them on an empty machine, as far as they are of
    the same kind: libraries of the language. Raises PackageError."""
    nothing = held / "nothing-installed"
    nothing.touch()
    options = ("-qq", "--simulate", "--install-recommends", "-o", f"Dir::State::status={nothing}")
    said = run(["apt-get", *options, "install", *chosen], where, held)
    kind = re.escape(use.debian_names[0]).replace(re.escape("{name}"), ".*")
    found = re.findall(rf"^Inst ({kind}) \((\S+)", said, re.MULTILINE)
    bare = {name.partition("=")[0] for name in chosen}
    return sorted({*chosen, *(f"{name}={version}" for name, version in found if name not in bare)})


def _compile(
    use: PackageUse, tools: Sequence[str], chosen: Sequence[str], held: Path, files: Path, where: str
) -> None:
    """Make libraries of the unpacked sources. Raises PackageError."""
    wanted = [next(held.glob(f"{name.partition('=')[0]}_*.deb")) for name in chosen]
    listed = [
        run(["sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -t', str(one)], where, held) for one in wanted
    ]
    (held / "wanted").write_text("".join(listed), encoding="utf-8")
    script = read_source(use.compile_script)
    run(
        ["/bin/sh", "-c", script, "sh", str(files), *tools], where, held, "ask for another package or version"
    )
