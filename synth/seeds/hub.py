"""Rows of a Hugging Face data set, by hub id or local folder, streamed to keep memory constant.

The one rule: a data set that cannot be opened, or that lacks a column, is a user error with a fix; a bad file
in it is a rejection; a network that fails while it is read is waited for, and then ends the run as
interrupted. It is never taken for the end of the data.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from synth.config import DataSetSeedsConfig, HubSeedsConfig
from synth.errors import OutageError, Problem, RecipeError
from synth.filters.protocol import Reject
from synth.links import links_out
from synth.seeds.columns import check_columns
from synth.seeds.rows import DataPart, DataRow, RowReader

_SEE: Final = "docs/architecture/seeds.md"
_LOCAL_PARTS: Final = 64
"""Parts of a saved data set, which is one table."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 10.0
_NETWORK: Final = ("httpx", "httpcore", "aiohttp", "requests", "urllib3", "huggingface_hub", "fsspec")
"""Packages whose errors in the middle of a stream are faults of the network."""


class Patience(NamedTuple):
    """How long a failing network is waited for."""

    seconds: float = 900.0
    pause: Callable[[float], None] = time.sleep


USUAL_PATIENCE: Final = Patience()


def open_hub(
    config: HubSeedsConfig, recipe_folder: Path, round_: int = 1, patience: Patience = USUAL_PATIENCE
) -> tuple[RowReader, list[list[DataPart]]]:
    """How the rows are read, and the parts of each folder. Raises RecipeError if `datasets` is missing, the
    data set cannot be opened or has no such column."""
    needed = {"code_column": config.code_column, "language_column": config.language_column}
    streams = open_data_set(config, recipe_folder, needed, round_, patience)
    reader = RowReader(
        config.dataset,
        config,
        config.code_column,
        config.language_column,
        "" if config.language_column else config.language,
    )
    return reader, streams


def open_data_set(
    config: DataSetSeedsConfig,
    recipe_folder: Path,
    needed: Mapping[str, str | None],
    round_: int = 1,
    patience: Patience = USUAL_PATIENCE,
) -> list[list[DataPart]]:
    """The parts of each folder of a data set. `needed`: the columns that it must have, by the recipe's key.
    Raises RecipeError."""
    streams = []
    for folder in config.data_dirs or (None,):
        data = _open(config, recipe_folder, folder)
        for key, column in needed.items():
            if column is not None and data.column_names:
                check_columns(f"data.seeds.{key}", column, data.column_names, config.dataset)
        streams.append(_parts(config, data, folder or config.split, round_, patience))
    return streams


# untyped library
def _open(config: DataSetSeedsConfig, recipe_folder: Path, folder: str | None) -> Any:  # noqa: ANN401
    """The rows of the data set, or of one of its folders, as a stream of parts."""
    try:
        import datasets
    except ImportError as error:
        raise _problem(
            config, "needs the package `datasets`, which is not installed", "pip install 'codemill[train]'"
        ) from error
    local = recipe_folder / config.dataset
    if local.is_dir() and (strays := links_out(local)):
        raise _problem(
            config, f"holds a symbolic link that leads out of it: {strays[0]}", "replace the link by its file"
        )
    try:
        if (local / "dataset_info.json").exists() or (local / "dataset_dict.json").exists():
            saved = datasets.load_from_disk(str(local))
            table = saved[config.split] if hasattr(saved, "keys") else saved
            return table.to_iterable_dataset(num_shards=max(1, min(_LOCAL_PARTS, len(table) // 1000)))
        name = str(local) if local.exists() else config.dataset
        files = list(config.data_files) or None
        return datasets.load_dataset(
            name,
            config.subset,
            split=config.split,
            streaming=True,
            data_dir=folder,
            data_files=files,
            revision=config.revision,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _problem(
            config,
            f"cannot be opened{f' at {folder}' if folder else ''}: {type(error).__name__}: {error}"[:400],
            "check the name, subset, split, folders and network",
        ) from error


def _parts(
    config: DataSetSeedsConfig,
    data: Any,  # noqa: ANN401
    name: str,
    round_: int,
    patience: Patience,
) -> list[DataPart]:
    """The parts of one stream. With a limit, each later round begins where about as many rows as an earlier
    round takes have passed, since a part is often longer than what is held to shuffle."""
    count = data.num_shards
    wanted = config.limit or sum(config.limits.values())
    folders = max(1, len(config.data_dirs))
    start = max(0, round_ - 1) * wanted // (count * folders) if config.shuffle else 0
    parts = []
    for index in range(count):
        part = data if count == 1 else data.shard(num_shards=count, index=index)
        place = f"{name}/{index}"
        parts.append(DataPart(place, partial(_read_part, part, place, start, config.dataset, patience)))
    return parts


def _read_part(
    part: Any,  # noqa: ANN401
    name: str,
    start: int,
    dataset: str,
    patience: Patience,
) -> Iterator[DataRow]:
    """All rows of a part, from `start` on and then those before it."""
    yield from _read(part, name, start, None, dataset, patience)
    if start:
        yield from _read(part, name, 0, start, dataset, patience)


def _read(
    part: Any,  # noqa: ANN401
    name: str,
    begin: int,
    end: int | None,
    dataset: str,
    patience: Patience,
) -> Iterator[DataRow]:
    """Rows `begin` to `end` of a part, counted from 0. Raises OutageError when patience ends."""
    at, waited, wait = begin, 0.0, FIRST_PAUSE_S
    while end is None or at < end:
        try:
            rows = part.skip(at) if at else part
            for row in rows if end is None else rows.take(end - at):
                at += 1
                waited, wait = 0.0, FIRST_PAUSE_S
                yield DataRow(name, at, dict(row))
            return
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:300]
            if not _is_of_network(error):
                yield DataRow(name, at + 1, Reject("unreadable", {"error": why}))
                return
            if waited >= patience.seconds:
                raise _outage(dataset, name, at, why) from error
        patience.pause(wait)
        waited, wait = waited + wait, min(2 * wait, LONGEST_PAUSE_S)


def _is_of_network(error: BaseException) -> bool:
    """Whether the network or the server failed, and not the file: such an error may pass."""
    if isinstance(error, FileNotFoundError | PermissionError):
        return False
    modules = {one.__module__.split(".")[0] for one in type(error).__mro__}
    return isinstance(error, OSError) or not modules.isdisjoint(_NETWORK)


def _outage(dataset: str, name: str, at: int, why: str) -> OutageError:
    return OutageError(
        Problem(
            f"data set {dataset}, {name}",
            f"cannot be read on after row {at}: {why}",
            "mend the network, then give the same command again: what was read is kept",
            _SEE,
        )
    )


def _problem(config: DataSetSeedsConfig, expected: str, fix: str) -> RecipeError:
    return RecipeError(Problem(f"data.seeds.dataset = {config.dataset!r}", expected, fix, _SEE))
