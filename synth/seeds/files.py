"""Finds and reads source files: which folders are walked, and which files are rejected and why.

The one rule: files are sorted by name, so the order is the same in every run; memory does not grow with the
number of files.
"""

import fnmatch
import hashlib
import heapq
import os
import re
import stat
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from synth.config import SourceTreeSeedsConfig
from synth.errors import Problem, RecipeError
from synth.filters.protocol import Reject
from synth.languages.registry import normalize_language, source_extensions
from synth.seeds.licences import find_licence
from synth.seeds.protocol import FileRef, SourceFile

SKIPPED_FOLDERS = frozenset(
    ".git .hg .svn .tox .nox .venv venv .mypy_cache .ruff_cache .pytest_cache __pycache__ node_modules "
    "bower_components vendor vendored "
    "_vendor _vendored third_party third-party thirdparty external build dist target site-packages "
    "dist-packages".split()
)
"""Other people's code, build output and caches. A folder named in the recipe itself is always read."""

MAX_FILE_BYTES = 1 << 20
LONGEST_LINE = 2000
LONGEST_MEAN_LINE = 160

_GENERATED = re.compile(
    r"(?i)@generated|do not edit|auto[- "
    r"]?generated|\b(?:this|file|code|module)\b[^.\n]{0,40}\bgenerated (?:by|from|using|with)"
)
_COMMENT_STARTS = ("#", "//", "/*", "*", "--", ";", "<!--", '"""', "'''")


def resolve_root(path: str, recipe_folder: Path) -> tuple[str, Path]:
    """Name and folder of a source. `@stdlib` and `@site-packages` mean the folders of the running
    Python. Raises RecipeError."""
    special = {"@stdlib": "stdlib", "@site-packages": "purelib"}
    if path in special:
        return path[1:], Path(sysconfig.get_paths()[special[path]])
    root = (recipe_folder / Path(path).expanduser()).resolve()
    if path.startswith("@") or not root.is_dir():
        known = ", ".join(special)
        raise RecipeError(
            Problem(
                f"data.seeds.paths = {path!r}",
                f"must be an existing folder: {root} is not one",
                f"name a folder, or one of {known}",
                "docs/recipes.md",
            )
        )
    return root.name, root


def find_files(
    config: SourceTreeSeedsConfig, recipe_folder: Path, random_seed: int = 0, round_: int = 0
) -> Iterator[FileRef]:
    """The files of the recipe's languages, in order. `max_files` limits them to a random sample that changes
    with the round."""
    refs = _walk_all(config, recipe_folder)
    if config.max_files is None:
        return refs
    chosen = heapq.nsmallest(
        config.max_files, enumerate(refs), key=lambda pair: _draw(pair[1], random_seed, round_)
    )
    return (ref for _, ref in sorted(chosen, key=lambda pair: pair[0]))


def _draw(ref: FileRef, random_seed: int, round_: int) -> bytes:
    """A random number that depends only on the file's name, the seed and the round."""
    return hashlib.blake2b(
        f"{random_seed} {round_} {ref.source} {ref.relative}".encode(), digest_size=8
    ).digest()


def _walk_all(config: SourceTreeSeedsConfig, recipe_folder: Path) -> Iterator[FileRef]:
    languages = {normalize_language(language) for language in config.languages}
    for path in config.paths:
        source, root = resolve_root(path, recipe_folder)
        for found in _walk(root, config.exclude):
            language = source_extensions().get(found.path.suffix.lower())
            if found.is_folder or language in languages:
                relative = _name(found.path.relative_to(root))
                licence = find_licence(source, root, relative)
                spoken = "" if found.is_folder or language is None else language
                yield FileRef(source, str(found.path), relative, spoken, licence)


def _name(relative: Path) -> str:
    """The path as text; bytes that are not UTF-8 are spelled out, so that two names never become one."""
    return os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace")


class _Found(NamedTuple):
    path: Path
    is_folder: bool = False
    """A folder that is not entered, because it is a link or cannot be listed. Reading it says why."""


def _walk(root: Path, exclude: tuple[str, ...]) -> Iterator[_Found]:
    """Files below the folder, sorted by name. Links to folders are not followed, so a cycle of links
    does no harm."""
    closed: list[_Found] = []

    def note(error: OSError) -> None:
        closed.append(_Found(Path(os.fsdecode(error.filename)), is_folder=True))

    for folder, folders, names in os.walk(root, onerror=note, followlinks=False):
        here = Path(folder)
        wanted = sorted(name for name in folders if not _is_skipped(here / name, root, exclude))
        folders[:] = [name for name in wanted if not (here / name).is_symlink()]
        yield from (_Found(here / name, is_folder=True) for name in wanted if name not in folders)
        yield from (
            _Found(here / name) for name in sorted(names) if not _is_excluded(here / name, root, exclude)
        )
    yield from closed


def _is_skipped(folder: Path, root: Path, exclude: tuple[str, ...]) -> bool:
    if folder.name in SKIPPED_FOLDERS or folder.name.endswith((".egg-info", ".dist-info")):
        return True
    return _is_environment(folder) or _is_excluded(folder, root, exclude)


def _is_environment(folder: Path) -> bool:
    try:
        return (folder / "pyvenv.cfg").exists()
    except PermissionError:
        return False  # listing it will say so


def _is_excluded(path: Path, root: Path, exclude: tuple[str, ...]) -> bool:
    relative = path.relative_to(root).as_posix()
    return any(
        fnmatch.fnmatch(relative, pattern) or fnmatch.fnmatch(path.name, pattern) for pattern in exclude
    )


def read_file(ref: FileRef) -> SourceFile | Reject:
    """The file's text, or why it is rejected: symbolic_link, unreadable, too_long, generated_file."""
    try:
        data = _read_regular(Path(ref.path))
    except OSError as error:
        return Reject("unreadable", {"error": error.strerror or type(error).__name__})
    if isinstance(data, Reject):
        return data
    if b"\0" in data:
        return Reject("unreadable", {"error": "binary"})
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Reject("unreadable", {"error": f"not UTF-8 at byte {error.start}"})
    return _check_text(text) or SourceFile(ref, text)


def _read_regular(path: Path) -> bytes | Reject:
    """The bytes of a regular file. Never opens a device, follows a link, waits for a pipe or reads on for
    ever; the kind is asked before the file is opened and again of what was opened."""
    kind = path.lstat().st_mode
    if stat.S_ISLNK(kind):
        return Reject("symbolic_link")
    if stat.S_ISDIR(kind):
        return Reject("unreadable", {"error": "the folder cannot be listed"})
    if not stat.S_ISREG(kind):
        return Reject("unreadable", {"error": "not a regular file"})
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(opened, "rb") as file:  # noqa: PTH123  # a descriptor, not a path
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            return Reject("unreadable", {"error": "not a regular file"})
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        return Reject("too_long", {"bytes": max(found.st_size, len(data)), "limit": MAX_FILE_BYTES})
    return data


def _check_text(text: str) -> Reject | None:
    if not text.strip():
        return Reject("too_short", {"lines": 0})
    marker = _GENERATED.search(text, 0, 1500)
    if marker and _is_in_comment(text, marker.start()):
        return Reject("generated_file", {"marker": marker.group()})
    lines = text.splitlines()
    longest, mean = max(map(len, lines)), len(text) / len(lines)
    if longest > LONGEST_LINE or mean > LONGEST_MEAN_LINE:
        return Reject("generated_file", {"longest_line": longest, "mean_line": round(mean, 1)})
    return None


def _is_in_comment(text: str, at: int) -> bool:
    """Whether the character is in a comment line, or in the block comment or docstring at
    the file's start."""
    if text[text.rfind("\n", 0, at) + 1 : at].lstrip().startswith(_COMMENT_STARTS):
        return True
    head = text.lstrip()
    opening = head[:3] if head[:3] in ('"""', "'''") else head[:2]
    closing = {"/*": "*/"}.get(opening, opening if len(opening) == 3 else "")
    offset = len(text) - len(head)
    return bool(closing) and at < text.find(closing, offset + len(opening))
