"""Rows of a JSON Lines file. A bad row is a rejection with its line number; a missing file, or one in which
no row has the column, is a user error.

A large file is read in blocks of lines, so that they can be read in any order. The one rule: a line is held
only up to a limit, whatever its length.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Final, NamedTuple

from synth.config import JsonlSeedsConfig
from synth.errors import Problem, RecipeError
from synth.filters.protocol import Reject
from synth.seeds.columns import check_columns
from synth.seeds.rows import DataPart, DataRow, RowReader

MAX_LINE_BYTES: Final = 16 << 20
BLOCK_LINES: Final = 1000
_LOOKED_AT: Final = 100
"""Rows in which the column is looked for before anything is read."""


class _Block(NamedTuple):
    """Lines that stand together: where they begin, and the number of the first."""

    offset: int
    number: int


def open_jsonl(config: JsonlSeedsConfig, recipe_folder: Path) -> tuple[RowReader, list[list[DataPart]]]:
    """How the rows are read, and the parts of the file. Raises RecipeError if the file does not exist, or
    none of its first rows has the column."""
    path = recipe_folder / config.path
    if not path.is_file():
        raise RecipeError(
            Problem(
                f"data.seeds.path = {config.path!r}",
                f"must be an existing file: {path} is not one",
                "name a JSON Lines file, relative to the recipe",
            )
        )
    parts = open_lines(path, {"code_column": config.code_column}, shuffle=config.shuffle)
    return RowReader(path.name, config, config.code_column, config.language_column), [parts]


def open_lines(path: Path, needed: Mapping[str, str], *, shuffle: bool) -> list[DataPart]:
    """The parts of a JSON Lines file. `needed`: columns that its rows must have, by the recipe's key. Raises
    RecipeError if none of its first rows has one of them."""
    head = (row.values for row in islice(read_lines(path, _Block(0, 1), None), _LOOKED_AT))
    seen = [name for values in head if not isinstance(values, Reject) for name in values]
    for key, column in needed.items() if seen else ():
        check_columns(f"data.seeds.{key}", column, dict.fromkeys(seen), path.name)
    blocks = _find_blocks(path) if shuffle else [_Block(0, 1)]
    lines = BLOCK_LINES if shuffle else None
    return [
        DataPart(f"{path.name}:{block.number}", partial(read_lines, path, block, lines)) for block in blocks
    ]


def read_lines(path: Path, block: _Block, lines: int | None) -> Iterator[DataRow]:
    """The rows of so many lines, without the blank ones."""
    with path.open("rb") as file:
        file.seek(block.offset)
        for number, (line, length) in enumerate(islice(_lines(file), lines), start=block.number):
            if length > MAX_LINE_BYTES:
                yield DataRow(
                    path.name, number, Reject("too_long", {"bytes": length, "limit": MAX_LINE_BYTES})
                )
            elif line.strip():
                yield DataRow(path.name, number, _read_line(line))


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Each line as far as the limit, and its whole length."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        length, rest = len(line), line
        while not rest.endswith(b"\n") and (rest := file.readline(MAX_LINE_BYTES)):
            length += len(rest)
        yield line, length


def _find_blocks(path: Path) -> list[_Block]:
    """Where every thousandth line begins."""
    blocks, offset = [_Block(0, 1)], 0
    with path.open("rb") as file:
        for number, (_, length) in enumerate(_lines(file), start=1):
            offset += length
            if number % BLOCK_LINES == 0:
                blocks.append(_Block(offset, number + 1))
    return blocks


def _read_line(line: bytes) -> dict[str, object] | Reject:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Reject("unreadable", {"error": f"not UTF-8 at byte {error.start}"})
    except (ValueError, RecursionError) as error:
        return Reject("unreadable", {"error": f"not JSON: {error}"[:200]})
    return (
        row
        if isinstance(row, dict)
        else Reject("unreadable", {"error": f"a JSON {type(row).__name__}, not an object"})
    )
