"""The keys of a recipe that name files, folders and models: what must exist, and what it resolves to.

The one rule: a relative path is relative to the recipe, or to the current folder if `--set` gives it. After
loading, every path is absolute, so later stages need not know where the recipe was.
"""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from synth.config import ENGINE_CONFIGS
from synth.recipe.benchmark_files import HUB_PREFIX, SUFFIXES, is_benchmark
from synth.recipe.finding import Finding
from synth.recipe.source import Document, KeyPath, Plain, lookup
from synth.roles import ROLES
from synth.training_data_config import HUB, ROUND

_SUITES: tuple[KeyPath, ...] = (("evaluation", "hard", "suite"), ("evaluation", "development", "suite"))
_FILES: tuple[KeyPath, ...] = (
    ("data", "seeds", "path"),
    ("evaluation", "suite"),
    *_SUITES,
    ("launch", "accelerate_config"),
)
_FOLDERS: tuple[KeyPath, ...] = (*((role, "path") for role in ROLES), ("execution", "path"))
_TRAINED: tuple[KeyPath, ...] = (("sft", "coarse"), ("sft", "fine"), ("dpo",), ("kto",))
_TRAINING_SETS: tuple[KeyPath, ...] = tuple(
    (*section, key) for section in _TRAINED for key in ("data", "eval_data")
)
_LISTS: tuple[KeyPath, ...] = (("data", "seeds", "paths"), ("data", "filters", "decontaminate"))
_BENCHMARKS: KeyPath = ("evaluation", "benchmarks")
_MODELS: tuple[KeyPath, ...] = (("policy", "model"), *((role, "model") for role in ROLES))

_NOT_PATHS = {"pocket-heldout", "pocket-deep", "pocket-development", "pocket"}
_HUB_MODEL = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
_HUB_DATA_SET = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
_MODEL_MARKS = ("config.json", "adapter_config.json", "policy.json")
"""Files that mark a folder as a model, an adapter or one of our checkpoints."""


class Named(NamedTuple):
    """One path that the recipe names."""

    path: KeyPath
    text: str
    file: Path


def check_paths(document: Document, folder: Path) -> Iterator[Finding]:
    """Every file or folder that the recipe names and that does not exist. `folder` contains the recipe."""
    for named in _named(document, folder, (*_FILES, *_training_sets(document))):
        if not named.file.exists():
            yield _missing(named, "file")
        elif named.path in _FILES and named.file.is_dir():
            yield Finding(
                (named.path,), f"must be a file, but {named.file} is a folder", "name the file inside it"
            )
    for named in _named(document, folder, _FOLDERS):
        if not named.file.is_dir():
            yield _missing(named, "folder")
    for named in _benchmarks(document, folder):
        if not named.file.exists():
            yield _missing(named, "file")
    for named in _list_items(document, folder):
        if not named.file.exists():
            yield _missing(named, "folder" if named.path[-2] == "paths" else "file")
        elif named.path[-2] == "decontaminate" and not is_benchmark(named.file):
            yield Finding(
                (named.path,),
                f"must end with {', '.join(SUFFIXES)}, or be a folder of such files",
                "name the benchmark's file as it is published",
            )
    yield from _check_models(document, folder)
    yield from _check_data_set(document, folder)
    yield from _check_hub_sets(document, folder)


def resolve_paths(document: Document, folder: Path) -> None:
    """Make every path in the document absolute, in place."""
    for named in [
        *_named(document, folder, (*_FILES, *_FOLDERS, *_training_sets(document))),
        *_list_items(document, folder),
        *_benchmarks(document, folder),
    ]:
        _replace(document.data, named.path, str(named.file))
    for named in _models(document, folder):
        if named.file.is_dir():
            _replace(document.data, named.path, str(named.file))
    for named in _named(document, folder, (("data", "seeds", "dataset"),)):
        if _looks_local(named.text):
            _replace(document.data, named.path, str(named.file))


def _replace(data: Plain, path: KeyPath, value: str) -> None:
    holder = lookup(data, path[:-1])
    if isinstance(holder, dict | list):
        holder[path[-1]] = value  # type: ignore[index]  # the path was found in the data


def _named(document: Document, folder: Path, paths: tuple[KeyPath, ...]) -> Iterator[Named]:
    for path in paths:
        text = lookup(document.data, path)
        if isinstance(text, str) and text not in _NOT_PATHS and not text.startswith(("@", HUB_PREFIX)):
            yield Named(path, text, _absolute(document, folder, path, text))


def _training_sets(document: Document) -> Iterator[KeyPath]:
    """Where the paths of data sets to train on stand: a text, a mapping, or a list of both."""
    for path in _TRAINING_SETS:
        value = lookup(document.data, path)
        places = [(*path, at) for at in range(len(value))] if isinstance(value, list) else [path]
        for place in places:
            source = (*place, "source") if isinstance(lookup(document.data, place), dict) else place
            if lookup(document.data, source) != ROUND:
                yield source


def _list_items(document: Document, folder: Path) -> Iterator[Named]:
    for path in _LISTS:
        items = lookup(document.data, path)
        positions = tuple((*path, index) for index in range(len(items))) if isinstance(items, list) else ()
        yield from _named(document, folder, positions)


def _benchmarks(document: Document, folder: Path) -> Iterator[Named]:
    """The problems of benchmarks: files, or folders of them."""
    items = lookup(document.data, _BENCHMARKS)
    for index in range(len(items) if isinstance(items, list) else 0):
        yield from _named(document, folder, ((*_BENCHMARKS, index, "problems"),))


def _models(document: Document, folder: Path) -> Iterator[Named]:
    yield from (named for named in _named(document, folder, _MODELS) if not _is_remote(document, named.path))


def _is_remote(document: Document, path: KeyPath) -> bool:
    """Whether the engine's owner chooses the model's name, so that it is not a path."""
    config = ENGINE_CONFIGS.get(str(lookup(document.data, (path[0], "kind"))))
    return config is not None and config.is_remote


def _absolute(document: Document, folder: Path, path: KeyPath, text: str) -> Path:
    base = Path.cwd() if document.place(path).startswith("--set") else folder
    return (base / Path(text).expanduser()).resolve()


def _looks_local(text: str) -> bool:
    return text.startswith((".", "/", "~"))


def _check_models(document: Document, folder: Path) -> Iterator[Finding]:
    for named in _models(document, folder):
        if named.file.is_dir() and not any((named.file / mark).is_file() for mark in _MODEL_MARKS):
            expected = f"is not a model: {named.file} has no config.json, adapter_config.json or policy.json"
            yield Finding((named.path,), expected, "name a folder that has one of them")
        elif named.file.is_file():
            yield Finding(
                (named.path,),
                f"must be a folder with a config.json, but {named.file} is a file",
                "name the folder",
            )
        elif not named.file.is_dir() and (_looks_local(named.text) or not _HUB_MODEL.match(named.text)):
            yield _missing(
                named, "folder", "`pocket`, an existing folder, or a hub id like Qwen/Qwen2.5-Coder-0.5B"
            )


def _check_data_set(document: Document, folder: Path) -> Iterator[Finding]:
    path: KeyPath = ("data", "seeds", "dataset")
    for named in _named(document, folder, (path,)):
        if not named.file.exists() and (_looks_local(named.text) or not _HUB_DATA_SET.match(named.text)):
            yield _missing(named, "folder", "an existing folder, or a hub id like owner/name")


def _check_hub_sets(document: Document, folder: Path) -> Iterator[Finding]:
    """Data sets to train on that are named with `hub:`: an id, or a local folder."""
    for path in _training_sets(document):
        text = lookup(document.data, path)
        if not isinstance(text, str) or not text.startswith(HUB):
            continue
        name = text.removeprefix(HUB)
        named = Named(path, name, _absolute(document, folder, path, name))
        if not named.file.exists() and (_looks_local(name) or not _HUB_DATA_SET.match(name)):
            yield _missing(named, "folder", "`hub:` and an existing folder, or an id like owner/name")


def _missing(named: Named, what: str, expected: str = "") -> Finding:
    return Finding(
        (named.path,),
        f"must be {expected}" if expected else f"must be an existing {what}: {named.file} does not exist",
        _closest(named.file),
    )


def _closest(file: Path) -> str:
    """The fix: the most similar name in the folder, if there is one."""
    parent = file.parent
    if not parent.is_dir():
        return f"correct the path: {parent} does not exist either"
    found = difflib.get_close_matches(file.name, [entry.name for entry in parent.iterdir()], n=1)
    return f"did you mean {parent / found[0]}?" if found else f"correct the path, or put the file in {parent}"
