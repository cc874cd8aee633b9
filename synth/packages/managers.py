"""The package managers of this machine: pip, npm and Debian's, each told to fill a folder of ours.

Place in the flow: `build.py` calls one of them for each language. The one rule: nothing is installed on the
machine, and no program that a package brings is run, but for pip's builds of packages that have no wheel.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from synth.errors import CodemillError, Problem
from synth.languages.spec import Language
from synth.languages.toolchain import Toolchain, find_tool
from synth.packages.store import SEE
from synth.packages_config import debian_name

BUILD_S: Final = 3600.0
_SHOWN: Final = 700


class PackageError(CodemillError):
    """Packages cannot be built; what was built before is as it was."""


def fill(language: Language, toolchain: Toolchain, names: Sequence[str], files: Path) -> tuple[str, ...]:
    """Put the packages and what they need into an empty folder. The names and versions of all of them. Raises
    PackageError."""
    assert language.packages is not None, "asked by build"
    manager = {"pip": _pip, "npm": _npm, "debian": _debian}[language.packages.manager]
    return manager(language, toolchain, names, files)


def _pip(language: Language, toolchain: Toolchain, names: Sequence[str], files: Path) -> tuple[str, ...]:
    python = toolchain.tools[language.tools[0]]
    where = f"packages of {language.name}"
    if subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        raise PackageError(
            Problem(where, f"need pip, which {python} does not have", "apt-get install -y python3-pip", SEE)
        )
    options = ("--no-input", "--disable-pip-version-check", "--quiet", "--root-user-action=ignore")
    _run([python, "-I", "-m", "pip", "install", *options, "--target", str(files), "--", *names], where, files)
    found = (path.name.removesuffix(".dist-info") for path in files.glob("*.dist-info"))
    return tuple(sorted(name.replace("-", " ", 1) for name in found))


def _npm(language: Language, toolchain: Toolchain, names: Sequence[str], files: Path) -> tuple[str, ...]:
    where = f"packages of {language.name}"
    npm = find_tool("npm") or _lacks(where, "npm", "apt-get install -y npm")
    wanted = [re.sub("(?<=.)==", "@", name) for name in names]
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
    _run([npm, "install", *options, "--prefix", str(files), "--", *wanted], where, files)
    said = _run([npm, "ls", "--all", "--parseable", "--long", "--prefix", str(files)], where, files)
    return tuple(
        sorted({line.split(":")[1].replace("@", " ")[::1] for line in said.splitlines()[1:] if ":" in line})
    )


def _debian(language: Language, toolchain: Toolchain, names: Sequence[str], files: Path) -> tuple[str, ...]:
    where = f"packages of {language.name}"
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if find_tool(tool) is None:
            _lacks(where, tool, "build them on a Debian-like Linux")
    chosen = [_debian_package(language, name, where) for name in names]
    with TemporaryDirectory() as held:
        _run(["apt-get", "download", "--quiet", *_with_needed(chosen, where)], where, Path(held))
        fetched = sorted(Path(held).glob("*.deb"))
        for archive in fetched:
            _run(["dpkg-deb", "--extract", str(archive), str(files)], where, files)
    return tuple(" ".join(path.name.split("_")[:2]) for path in fetched)


def _debian_package(language: Language, name: str, where: str) -> str:
    """Debian's name of a package. Raises PackageError."""
    assert language.packages is not None, "asked by build"
    short, _, version = name.partition("==")
    known = debian_name(short)
    patterns = language.packages.debian_names
    tried = (
        [known] if known else [pattern.format(name=short.replace("_", "-").lower()) for pattern in patterns]
    )
    for candidate in tried:
        shown = subprocess.run(
            ["apt-cache", "show", "--no-all-versions", candidate], capture_output=True, text=True, check=False
        )
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


def _with_needed(chosen: Sequence[str], where: str) -> list[str]:
    """The packages and those they depend on, of the same kind: a library of a language."""
    no = [
        f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    ]
    bare = [name.partition("=")[0] for name in chosen]
    said = _run(["apt-cache", "depends", "--recurse", *no, *bare], where, Path("/"))
    kinds = re.compile(r"^(?:lib.*-java|lua-.*)$")
    return sorted({*chosen, *(name for name in said.splitlines() if kinds.match(name) and name not in bare)})


def _lacks(where: str, tool: str, fix: str) -> str:
    raise PackageError(Problem(where, f"need {tool}, which this machine does not have", fix, SEE))


def _run(command: Sequence[str], where: str, folder: Path) -> str:
    """What a package manager says on stdout. Raises PackageError with its last words."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=BUILD_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageError(Problem(where, f"cannot be built: {error}", "try it again", SEE)) from error
    if done.returncode != 0:
        raise PackageError(
            Problem(where, f"cannot be built: {_words(done.stderr or done.stdout)}", "correct the names", SEE)
        )
    return done.stdout


def _words(said: str) -> str:
    """The errors in what a package manager said, or its end."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)(npm )?(err(or)?|E)\b[:!]?", line)]
    return " ".join(errors or lines[-5:])[:_SHOWN] or "it said nothing"
