"""Builds folders of packages: one for each language that is asked for.

Place in the flow: `codemill packages build` calls it; `store.py` finds what it made. The one rule: a folder
gets its name when it is complete, so what fails costs nothing that was built.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from synth.errors import Problem
from synth.execution.isolation.folders import remove_tree, unfinished
from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain
from synth.packages.command import PackageError
from synth.packages.managers import fill
from synth.packages.store import (
    SEE,
    BuiltPackages,
    Manifest,
    digest_of,
    find_built,
    folder_of,
    packages_home,
    read_built,
)


class BuildAnswer(NamedTuple):
    """What became of the packages of one language."""

    language: str
    built: BuiltPackages | None = None
    was_there: bool = False
    error: PackageError | None = None


def build_all(names: Mapping[str, tuple[str, ...]], again: bool = False) -> Iterator[BuildAnswer]:
    """Build what is not there yet, one language after the other; with `again`, also what is."""
    for language, packages in names.items():
        try:
            yield build(language, packages, again)
        except PackageError as error:
            yield BuildAnswer(language, error=error)


def build(name: str, packages: tuple[str, ...], again: bool = False) -> BuildAnswer:
    """The packages of one language. Raises PackageError, SandboxError."""
    language, where = get_language(name), f"packages of {name}"
    toolchain = find_toolchain(name)
    if toolchain is None:
        missing = f"need {' and '.join(language.tools)}, which this machine does not have"
        raise PackageError(Problem(where, missing, language.install, SEE))
    there = find_built(name, packages)
    if there is not None and there.manifest.toolchain == toolchain.version and not again:
        return BuildAnswer(name, there, was_there=True)
    folder = folder_of(name, packages)
    try:
        packages_home().mkdir(mode=0o700, exist_ok=True)
        with unfinished(packages_home(), folder.name) as made:
            files = made / "files"
            files.mkdir()
            installed = fill(language, toolchain, packages, files)
            manifest = Manifest(
                language=name,
                names=tuple(sorted(packages)),
                toolchain=toolchain.version,
                installed=installed,
                digest=digest_of(files),
            )
            (made / "manifest.json").write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
            _close(made)
            _put(made, folder)
    except OSError as error:
        fix = "free some space there, or set XDG_CACHE_HOME to another folder"
        raise PackageError(
            Problem(where, f"cannot be kept in {folder}: {error.strerror}", fix, SEE)
        ) from error
    found = read_built(folder)
    assert found is not None, "just written"
    return BuildAnswer(name, found)


def _close(folder: Path) -> None:
    """Let everybody read and nobody write; only the top, which one day has to be removed, stays ours."""
    folder.chmod(0o755)
    for place, _, names in os.walk(folder):
        for path in (Path(place), *(Path(place, name) for name in names)):
            if path != folder and not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(0o555 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o444)


def _put(made: Path, folder: Path) -> None:
    """Give the folder its name; one that had it before is removed when the new one is complete."""
    old = folder.with_name(f"{made.name}-old")
    if folder.exists():
        folder.rename(old)
    made.rename(folder)
    if old.exists():
        remove_tree(old)
