"""The package managers of this machine: pip, npm and Debian's, each told to fill a folder of ours.

Place in the flow: `build.py` calls one of them for each language. The one rule: nothing is installed on the
machine, and no program that a package brings is run, but for what builds it: pip's builds of packages that
have no wheel, and cargo's of crates.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from synth.errors import Problem
from synth.languages.spec import Language
from synth.languages.toolchain import Toolchain
from synth.packages.command import PackageError, lacks, run
from synth.packages.debian import fill_from_debian
from synth.packages.store import SEE
from synth.packages_config import parted


def fill(language: Language, toolchain: Toolchain, names: Sequence[str], files: Path) -> tuple[str, ...]:
    """Put the packages and what they need into an empty folder. The names and versions of all of them. Raises
    PackageError."""
    assert language.packages is not None, "asked by build"
    manager = {"pip": _pip, "npm": _npm, "debian": fill_from_debian}[language.packages.manager]
    return manager(language, toolchain, names, files)


def _pip(language: Language, toolchain: Toolchain, names: Sequence[str], files: Path) -> tuple[str, ...]:
    python = toolchain.tools[language.tools[0]]
    where = f"packages of {language.name}"
    if subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        fix = "apt-get install -y python3-pip"
        raise PackageError(Problem(where, f"need pip, which {python} does not have", fix, SEE))
    wanted = ["==".join(filter(None, parted(name))) for name in names]
    options = ("--no-input", "--disable-pip-version-check", "--quiet", "--root-user-action=ignore")
    run([python, "-I", "-m", "pip", "install", *options, "--target", str(files), "--", *wanted], where, files)
    found = (path.name.removesuffix(".dist-info") for path in files.glob("*.dist-info"))
    return tuple(sorted(name.replace("-", " ", 1) for name in found))


def _npm(language: Language, toolchain: Toolchain, names: Sequence[str], files: Path) -> tuple[str, ...]:
    where = f"packages of {language.name}"
    npm = shutil.which("npm", path=f"/usr/local/bin:/usr/bin:{os.defpath}") or shutil.which("npm")
    if npm is None:  # by its own name: it finds its parts beside the place that it was called at
        raise lacks(where, "npm", "apt-get install -y npm")
    wanted = ["@".join(filter(None, parted(name))) for name in names]
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
    run([npm, "install", *options, "--prefix", str(files), "--", *wanted], where, files)
    said = run([npm, "ls", "--all", "--parseable", "--long", "--prefix", str(files)], where, files)
    found = (line.split(":")[1].rpartition("@") for line in said.splitlines()[1:] if ":" in line)
    return tuple(sorted({f"{name} {version}" for name, _, version in found}))
