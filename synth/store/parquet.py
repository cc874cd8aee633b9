"""Parquet files with fixed writer settings, so that the same rows are the same bytes. A thin
adapter over pyarrow.

The one rule: no timestamps, no host names and no defaults that may change between machines get into a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.errors import Problem, StoreError
from synth.store.atomic import atomic_file

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 10_000


def write_rows(
    path: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]], group_rows: int = ROW_GROUP_ROWS
) -> int:
    """Write rows in the given order, a row group in memory at a time, atomically; how many. Raises StoreError
    on a full disk."""
    import pyarrow.parquet as pq

    count = 0
    with (
        atomic_file(path) as file,
        pq.ParquetWriter(
            file, schema, compression="zstd", compression_level=3, version="2.6", data_page_version="1.0"
        ) as writer,
    ):
        for batch in _batches(rows, group_rows):
            writer.write_table(_table(path, schema, batch), row_group_size=group_rows)
            count += len(batch)
    return count


def read_rows(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """All rows of one file. Raises StoreError when it is missing or not Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile reads this one file; read_table would take folder names like `a=b` for partitions.
        with pq.ParquetFile(path) as file:
            return list(file.read(columns=columns).to_pylist())
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            Problem(str(path), f"cannot be read as a Parquet file: {error}", "restore or remove the file")
        ) from error


def count_rows(path: Path) -> int:
    """Number of rows, from the footer alone."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _table(path: Path, schema: pa.Schema, batch: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.Table.from_pylist(batch, schema=schema)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
        expected = f"cannot take a row, since columns hold UTF-8 text or 64-bit numbers: {error}"
        raise StoreError(
            Problem(
                str(path),
                expected,
                "fix the stage that made the row",
            )
        ) from error


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterable[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
