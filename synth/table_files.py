"""Rows in the files that data sets are published in: JSON Lines, JSON (both also `.gz`), Parquet, Arrow.

Place in the flow: readers of benchmark problems (`verify/formats/tables.py`), of data sets (`audit`) and of
benchmarks for decontamination (`filters/benchmarks.py`) read here, and say what to do about an error. The one
rule: rows stream, and what has to be held or unpacked at once has a limit, whatever the file says about its
size.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from synth.unpacking import MB, TooLargeError, read_gzip

if TYPE_CHECKING:
    import pyarrow as pa

MOST_HELD: Final = 1024 * MB
"""Bytes of a JSON document, of all that a compressed file unpacks to, or of one group of rows of a table."""
BATCH_ROWS: Final = 16
_SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".gz", ".parquet", ".arrow")


class TableFileError(Exception):
    """A file, or a row of it, that cannot be read: where, and why as a predicate."""

    def __init__(self, where: str, words: str) -> None:
        super().__init__(f"{where}: {words}")
        self.where, self.words = where, words


def read_rows(path: Path) -> Iterator[tuple[int, object]]:
    """Each row with its number: that of its line, or its place from 1. Raises TableFileError."""
    try:
        if path.suffix in (".parquet", ".arrow"):
            batches = parquet_batches(path) if path.suffix == ".parquet" else arrow_batches(path)
            rows = (row for batch in batches for row in slices(batch))
            yield from enumerate(rows, start=1)
        elif path.name.endswith((".json", ".json.gz")):
            yield from _document(path)
        elif path.name.endswith(_SUFFIXES):
            yield from _lines(path)
        else:
            raise TableFileError(str(path), f"must end in one of {', '.join(_SUFFIXES)}")
    except TooLargeError as error:
        raise TableFileError(str(path), f"cannot be read at once: {error}") from None
    except (
        OSError,
        EOFError,
        zlib.error,
        ValueError,
    ) as error:  # those of pyarrow are ValueErrors or OSErrors
        raise TableFileError(str(path), f"cannot be read: {error}"[:300]) from error


def _lines(path: Path) -> Iterator[tuple[int, object]]:
    """The lines of a file as they come. Of a compressed one no more than the limit is unpacked."""
    read, packed = 0, path.suffix == ".gz"
    with gzip.open(path) if packed else path.open("rb") as file:
        for number, line in bounded_lines(file, path):
            read += len(line)
            if packed and read > MOST_HELD:
                raise TooLargeError(MOST_HELD)
            if line.strip():
                yield number, read_json(line, f"{path}:{number}")


def bounded_lines(file: IO[bytes] | gzip.GzipFile, path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers. Raises TableFileError for one that is longer than the limit."""
    number = 1
    while line := file.readline(MOST_HELD + 1):
        if len(line) > MOST_HELD:
            raise TableFileError(
                f"{path}:{number}", f"is a line that is too long: {TooLargeError(MOST_HELD)}"
            )
        yield number, line
        number += 1


def read_json(text: bytes, where: str) -> object:
    """The value of a text in UTF-8. Raises TableFileError."""
    try:
        return json.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        words = f"is not UTF-8 text: byte {error.start} is 0x{text[error.start]:02x}"
        raise TableFileError(where, words) from None
    except (ValueError, RecursionError) as error:
        raise TableFileError(where, f"is not JSON: {error}"[:200]) from None


def read_held(path: Path) -> bytes:
    """A whole file, unpacked. Raises TooLargeError, OSError, EOFError, zlib.error."""
    if path.suffix == ".gz":
        return read_gzip(path, MOST_HELD)
    if path.stat().st_size > MOST_HELD:
        raise TooLargeError(MOST_HELD)
    return path.read_bytes()


def _document(path: Path) -> Iterator[tuple[int, object]]:
    """The rows of one JSON value, or of lines of JSON in a file that says `.json` all the same."""
    data = read_held(path)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
        if len(lines) < 2 or data.lstrip()[:1] == b"[":
            raise TableFileError(str(path), f"cannot be read: is not JSON: {error}"[:300]) from None
        yield from ((number, read_json(line, f"{path}:{number}")) for number, line in lines)
        return
    yield from enumerate(_rows_of(document), start=1)


def _rows_of(document: object) -> list[Any]:
    """The rows of a JSON document: a list, a list under a name, or an object of rows by their ids."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return [document]
    lists = [value for value in document.values() if isinstance(value, list)]
    if len(document) == 1 and lists:
        return lists[0]
    if document and all(isinstance(row, dict) for row in document.values()):
        return [{"id": name, **row} for name, row in document.items()]
    return [document]


def parquet_batches(
    path: Path, group: int | None = None, columns: list[str] | None = None
) -> "Iterator[pa.RecordBatch]":
    """The rows of a file or of one of its groups, a few at a time, since a value that is written once can
    stand in every row. Raises TooLargeError for a group of too many bytes; what pyarrow raises."""
    from pyarrow import parquet

    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        for number in range(file.num_row_groups) if group is None else (group,):
            held = 0
            for batch in file.iter_batches(
                BATCH_ROWS, row_groups=[number], columns=columns, use_threads=False
            ):
                held += batch.nbytes
                if held > MOST_HELD:
                    raise TooLargeError(MOST_HELD)
                yield batch


def arrow_schema(path: Path) -> "pa.Schema":
    """The columns of an Arrow file or stream."""
    return _opened(path)[0]


def arrow_batches(path: Path) -> "Iterator[pa.RecordBatch]":
    """The rows of an Arrow file or stream, mapped into memory, as long as what had to be unpacked fits.
    Raises TooLargeError; what pyarrow raises."""
    import pyarrow

    _, batches = _opened(path)
    before = pyarrow.total_allocated_bytes()
    for batch in batches:
        if pyarrow.total_allocated_bytes() - before > MOST_HELD:
            raise TooLargeError(MOST_HELD)
        yield batch


def _opened(path: Path) -> "tuple[pa.Schema, Iterator[pa.RecordBatch]]":
    import pyarrow

    source = pyarrow.memory_map(str(path))
    try:
        stream = pyarrow.ipc.open_stream(source)
        return stream.schema, iter(stream)
    except pyarrow.ArrowInvalid:
        file = pyarrow.ipc.open_file(source)
        return file.schema, map(file.get_batch, range(file.num_record_batches))


def slices(batch: "pa.RecordBatch") -> Iterator[dict[str, Any]]:
    """The rows of a batch as objects, a few at a time."""
    for at in range(0, batch.num_rows, BATCH_ROWS):
        yield from batch.slice(at, BATCH_ROWS).to_pylist()
