"""Finds and reads source files: which folders are walked, and which files are rejected and why.

The one rule: the order depends only on the names of the files and, if they are shuffled, on the recipe's seed
and the round; memory does not grow with the number of files.
"""

import fnmatch
import hashlib
import heapq
import os
import re
import stat
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from synth.config import SourceTreeSeedsConfig
from synth.errors import Problem, RecipeError
from synth.filters.protocol import Reject
from synth.ids import derive_random
from synth.languages.registry import normalize_language, source_extensions
from synth.seeds.licences import find_licence
from synth.seeds.order import in_turn, shuffled, take_within
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
    """The files of the recipe's languages. Without `max_files` they come shuffled, folders in random order
    and the paths of the recipe in turn, or as they are named if the recipe wants that. `max_files` limits
    them to a random sample of all, in the order of their names. Both change with the round."""
    names = {normalize_language(language) for language in config.languages}
    limits = {normalize_language(language): count for language, count in config.limits.items()}
    roots = [resolve_root(path, recipe_folder) for path in config.paths]

    def draw(source: str, name: str) -> int:
        return _draw(source, name, random_seed, round_)

    refs: Iterator[FileRef]
    if config.max_files is not None:
        refs = chain.from_iterable(_read_root(*root, config, names) for root in roots)
        return iter(_sample(refs, config.max_files, limits, draw))
    if config.shuffle:
        streams = (_read_root(*root, config, names, draw) for root in roots)
        refs = shuffled(in_turn(streams, len(roots)), derive_random(random_seed, "files", round_))
    else:
        refs = chain.from_iterable(_read_root(*root, config, names) for root in roots)
    return take_within(refs, lambda ref: ref.language, limits, languages=names)


Draw = Callable[[str, str], int]
"""A random number for the name of a file or folder of a source."""


def _draw(source: str, name: str, random_seed: int, round_: int) -> int:
    """A random number that depends only on the file's name, the seed and the round."""
    text = f"{random_seed} {round_} {source} {name}"
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _sample(refs: Iterable[FileRef], most: int, limits: Mapping[str, int], draw: Draw) -> list[FileRef]:
    """So many of the files, and of each language no more than its limit, drawn from all; in their order."""
    held: defaultdict[str, list[tuple[int, int, FileRef]]] = defaultdict(list)
    for number, ref in enumerate(refs):
        heap = held[ref.language]
        heapq.heappush(heap, (-draw(ref.source, ref.relative), number, ref))
        if len(heap) > min(most, limits.get(ref.language, most)):
            heapq.heappop(heap)
    chosen = heapq.nlargest(most, chain.from_iterable(held.values()))
    return [ref for _, _, ref in sorted(chosen, key=lambda one: one[1])]


def _read_root(
    source: str,
    root: Path,
    config: SourceTreeSeedsConfig,
    languages: Collection[str],
    draw: Draw | None = None,
) -> Iterator[FileRef]:
    """The files of one folder of the recipe, as they are named or, if they are drawn, in random order."""

    def order(path: Path) -> tuple[int, str]:
        name = path.relative_to(root).as_posix()
        return (0 if draw is None else draw(source, name), name)

    for found in _walk(root, config.exclude, order):
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


def _walk(root: Path, exclude: tuple[str, ...], order: Callable[[Path], tuple[int, str]]) -> Iterator[_Found]:
    """Files below the folder, each folder's sorted by `order` of their paths. Links to folders are not
    followed, so a cycle of links does no harm."""
    closed: list[_Found] = []

    def note(error: OSError) -> None:
        closed.append(_Found(Path(os.fsdecode(error.filename)), is_folder=True))

    for folder, folders, names in os.walk(root, onerror=note, followlinks=False):
        here = Path(folder)
        wanted = [name for name in folders if not _is_skipped(here / name, root, exclude)]
        wanted.sort(key=lambda name: order(here / name))
        folders[:] = [name for name in wanted if not (here / name).is_symlink()]
        yield from (_Found(here / name, is_folder=True) for name in wanted if name not in folders)
        yield from (
            _Found(here / name)
            for name in sorted(names, key=lambda name: order(here / name))
            if not _is_excluded(here / name, root, exclude)
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
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        why = "binary" if b"\0" in data else f"not UTF-8 at byte {error.start}"
        return Reject("unreadable", {"error": why})
    return check_text(text) or SourceFile(ref, text)


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


def check_text(text: str) -> Reject | None:
    """Why a file's text, or a row's, cannot be used: it is binary, too long, empty, generated or minified."""
    if (length := len(text.encode("utf-8", "surrogatepass"))) > MAX_FILE_BYTES:
        return Reject("too_long", {"bytes": length, "limit": MAX_FILE_BYTES})
    if "\0" in text:
        return Reject("unreadable", {"error": "binary"})
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
