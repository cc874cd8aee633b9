"""Parquet files with fixed writer settings, so that the same rows are the same bytes. A thin
adapter over pyarrow.

Every page has a checksum, and the file a seal (`seals.py`). The one rule: no timestamps, no host names and no
defaults that may change between machines get into a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synth.errors import Problem, StoreError
from synth.store.atomic import atomic_file
from synth.store.seals import PARQUET_KEY, ZEROS, Damage, check_files, check_parquet, damaged, seal_parquet

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 10_000


class WrittenFile(NamedTuple):
    """The rows of a file that was written, and its seal."""

    rows: int
    sha256: str


def write_rows(
    path: Path,
    schema: pa.Schema,
    rows: Iterable[dict[str, Any]],
    group_rows: int = ROW_GROUP_ROWS,
    notes: Mapping[str, str] | None = None,
    *,
    shared: bool = False,
) -> WrittenFile:
    """Write rows in the given order, a row group in memory at a time, atomically. `notes` go into the footer.
    Raises StoreError on a full disk."""
    import pyarrow.parquet as pq

    count = 0
    with atomic_file(path, shared=shared) as file:
        with pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=3,
            version="2.6",
            data_page_version="1.0",
            write_page_checksum=True,
        ) as writer:
            for batch in _batches(rows, group_rows):
                writer.write_table(_table(path, schema, batch), row_group_size=group_rows)
                count += len(batch)
            writer.add_key_value_metadata({**(notes or {}), PARQUET_KEY: ZEROS})
        seal = seal_parquet(file)
    return WrittenFile(count, seal)


def read_rows(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """All rows of one file. Raises StoreError when it is missing, damaged or not Parquet."""
    return read_sealed(path, columns).rows


class SealedRows(NamedTuple):
    """The rows of a file, the notes of its footer and its seal; a file of an older version has no seal."""

    rows: list[dict[str, Any]]
    notes: dict[str, str]
    sha256: str


def read_sealed(path: Path, columns: Sequence[str] | None = None) -> SealedRows:
    """A file whose seal was checked on the very bytes that are read. Raises StoreError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = path.read_bytes()
        seal = check_parquet(data)
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            notes = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
            return SealedRows(list(file.read(columns=columns).to_pylist()), notes, seal)
    except Damage as error:
        raise damaged(path, str(error)) from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise damaged(path, f"cannot be read as a Parquet file: {error}") from error


def count_rows(path: Path) -> int:
    """Number of rows, from the footer of a file whose seal was checked. Raises StoreError."""
    import pyarrow.parquet as pq

    check_files([path])
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
