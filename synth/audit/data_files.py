"""The rows of a data set in a file: JSON Lines (also `.gz`), a JSON array, Parquet or Arrow.

Place in the flow: `audit.py` reads rows here and binds its report to the digest. The one rule: rows stream,
except in forms that cannot be entered in the middle, and what is unpacked has a limit.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from synth.errors import Problem, UserError
from synth.unpacking import MB, TooLargeError, read_gzip
from synth.verify.row_files import file_lines, read_object

PAGE: Final = "docs/architecture/audit.md"
Fields = Mapping[str, object]

_MOST_UNPACKED: Final = 1024 * MB
_MOST_JSON: Final = 1024 * MB
_BATCH: Final = 64
_SUFFIXES: Final = (".jsonl", ".json", ".gz", ".parquet", ".arrow")


def digest_of(path: Path) -> str:
    """The SHA-256 of the file's bytes. Raises UserError for what is no readable file."""
    if not path.is_file():
        raise _problem(path, "must be a file of rows", "correct the path")
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def read_rows(path: Path) -> Iterator[tuple[int, Fields]]:
    """Each row with its number: that of its line, or its place from 1. Raises UserError."""
    try:
        yield from _read(path)
    except (TooLargeError, OSError, EOFError, zlib.error, ValueError) as error:
        raise _problem(path, f"cannot be read: {error}"[:300], "download or write the file again") from None


def _read(path: Path) -> Iterator[tuple[int, Fields]]:
    name = path.name.removesuffix(".gz")
    if path.suffix not in _SUFFIXES:
        raise _problem(path, f"must end in one of {', '.join(_SUFFIXES)}", "convert the file")
    if path.suffix in (".parquet", ".arrow"):
        yield from enumerate(_table(path), start=1)
    elif name.endswith(".json") and _begins_with(path, b"["):
        yield from _array(path)
    elif path.suffix == ".gz":
        lines = read_gzip(path, _MOST_UNPACKED).split(b"\n")
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, read_object(line, f"{path}:{number}")
    else:
        for number, line in file_lines(path):
            yield number, read_object(line, f"{path}:{number}")


def _contents(path: Path) -> bytes:
    if path.suffix == ".gz":
        return read_gzip(path, _MOST_UNPACKED)
    if path.stat().st_size > _MOST_JSON:
        raise TooLargeError(_MOST_JSON)
    return path.read_bytes()


def _begins_with(path: Path, mark: bytes) -> bool:
    if path.suffix == ".gz":
        return _contents(path).lstrip()[:1] == mark
    with path.open("rb") as data:
        return data.read(4096).lstrip()[:1] == mark


def _array(path: Path) -> Iterator[tuple[int, Fields]]:
    for number, row in enumerate(json.loads(_contents(path)), start=1):
        if not isinstance(row, dict):
            raise _problem(path, f"row {number} must be a JSON object", "correct the row")
        yield number, row


def _table(path: Path) -> Iterator[Fields]:
    import pyarrow
    import pyarrow.parquet

    if path.suffix == ".parquet":
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(_BATCH, use_threads=False):
                yield from batch.to_pylist()
        return
    with pyarrow.memory_map(str(path)) as source:
        try:
            batches = iter(pyarrow.ipc.open_stream(source))
        except pyarrow.ArrowInvalid:
            found = pyarrow.ipc.open_file(source)
            batches = map(found.get_batch, range(found.num_record_batches))
        for batch in batches:
            for at in range(0, batch.num_rows, _BATCH):
                yield from batch.slice(at, _BATCH).to_pylist()


def _problem(path: Path, what: str, fix: str) -> UserError:
    return UserError(Problem(str(path), what, fix, PAGE))
