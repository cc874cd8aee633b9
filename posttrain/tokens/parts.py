"""Data files cut into parts, each read on its own as a stream: any process can take any part.

Place in the flow: `data_files` -> here -> `shards`, which makes one shard of tokens from a part. The one
rule: the parts depend on the data alone, so a build that was interrupted finds the same parts again.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from posttrain.core.data_files import check_file
from posttrain.core.rows import UnusableRow
from synth.errors import DatasetError, Problem
from synth.store.seals import repair_command

LEAST_BYTES = 1 << 20
"""Of text in a part: about a second of work for one process, so that all end at about the same time."""
MOST_PARTS = 256
"""Of a data set, about: each shard is one open file of the trainer."""


@dataclass(frozen=True, slots=True)
class DataRange:
    """Rows of one file: bytes `begin` to `end` of JSON Lines; row groups of Parquet, batches of Arrow."""

    file: str
    begin: int
    end: int
    first_row: int
    """Number of its first row in the file, counted from 1."""
    first_line: int
    bytes: int
    """Of text, about."""


class RowFound(NamedTuple):
    """A row with its place (`file: row n (id)`), or why it cannot be read."""

    where: str
    row: dict[str, object] | UnusableRow


def cut(files: Sequence[Path]) -> Iterator[DataRange]:
    """The parts of a data set, in order. Raises DatasetError for a file that is damaged or cannot be read."""
    goal = max(LEAST_BYTES, sum(file.stat().st_size for file in files) // MOST_PARTS)
    for file in files:
        check_file(file)
        yield from _cut_lines(file, goal) if file.suffix == ".jsonl" else _cut_table(file, goal)


def read_part(part: DataRange) -> Iterator[RowFound]:
    """Its rows, null columns left out. Raises DatasetError for a file that cannot be read."""
    rows = _read_lines(part) if part.file.endswith(".jsonl") else _read_table(part)
    for number, found in enumerate(rows, part.first_row):
        if isinstance(found, RowFound):
            yield found
            continue
        name = f" ({found['id']})" if isinstance(found.get("id"), str) else ""
        yield RowFound(
            f"{part.file}: row {number}{name}",
            {key: value for key, value in found.items() if value is not None},
        )


# --- JSON Lines ---------------------------------------------------------------------------------------------


def _cut_lines(file: Path, goal: int) -> Iterator[DataRange]:
    begin = end = 0
    row, line, first_row, first_line = 1, 1, 1, 1
    with file.open("rb") as lines:
        for text in lines:
            end += len(text)
            line += 1
            row += not text.isspace()
            if end - begin >= goal:
                yield DataRange(str(file), begin, end, first_row, first_line, end - begin)
                begin, first_row, first_line = end, row, line
    if end > begin:
        yield DataRange(str(file), begin, end, first_row, first_line, end - begin)


def _read_lines(part: DataRange) -> Iterator[dict[str, Any] | RowFound]:
    at = part.begin
    with Path(part.file).open("rb") as lines:
        lines.seek(at)
        for number, line in enumerate(lines, part.first_line):
            if at >= part.end:
                return
            at += len(line)
            if not line.isspace():
                row = _read_line(line)
                yield row if isinstance(row, dict) else RowFound(f"{part.file}:{number}", row)


def _read_line(line: bytes) -> dict[str, Any] | UnusableRow:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return UnusableRow(f"is not JSON: {error}")
    return row if isinstance(row, dict) else UnusableRow("must be one JSON object")


# --- tables -------------------------------------------------------------------------------------------------


def _cut_table(file: Path, goal: int) -> Iterator[DataRange]:
    begin, first_row, rows, size = 0, 1, 0, 0
    sizes = _sizes(file)
    for index, (count, length) in enumerate(sizes, 1):
        rows, size = rows + count, size + length
        if size >= goal or index == len(sizes):
            yield DataRange(str(file), begin, index, first_row, 0, size)
            begin, first_row, rows, size = index, first_row + rows, 0, 0


def _sizes(file: Path) -> list[tuple[int, int]]:
    """Rows and bytes of each row group, or of each batch."""
    import pyarrow
    from pyarrow import parquet

    try:
        if file.suffix == ".parquet":
            about = parquet.read_metadata(file)
            groups = map(about.row_group, range(about.num_row_groups))
            return [(group.num_rows, group.total_byte_size) for group in groups]
        with pyarrow.memory_map(str(file)) as source:
            return [(batch.num_rows, batch.nbytes) for batch in pyarrow.ipc.open_stream(source)]
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(str(file), error) from error


def _read_table(part: DataRange) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        if part.file.endswith(".parquet"):
            groups = range(part.begin, part.end)
            with parquet.ParquetFile(part.file, page_checksum_verification=True) as table:
                for batch in table.iter_batches(batch_size=1000, row_groups=groups):
                    yield from batch.to_pylist()
            return
        with pyarrow.memory_map(part.file) as source:
            for index, batch in enumerate(pyarrow.ipc.open_stream(source)):
                if part.begin <= index < part.end:
                    yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(part.file, error) from error


def _unreadable(file: str, error: Exception) -> DatasetError:
    return DatasetError(Problem(file, f"cannot be read: {error}", repair_command(Path(file))))
