"""Rows from files: one entry per row, read when needed.

Place in the flow: a file of rows -> entries -> `verify.py`. The one rule: rows stream; only the current row
is in memory, and a line that cannot be read is an error that names file and line.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from synth.errors import Problem
from synth.verify.rows import PAGE, RowError, VerifyRow, read_row

_KEY_BYTES = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: its place, its number from 1, the hash of its contents, and how to read
    it (raises RowError)."""

    where: str
    number: int
    key: int
    read: Callable[[], VerifyRow]


def hash_row(text: bytes, salt: str) -> int:
    """64-bit hash of everything that determines an answer: the text of the row and the command's settings."""
    return (
        int.from_bytes(hashlib.blake2b(salt.encode() + b"\n" + text, digest_size=_KEY_BYTES).digest(), "big")
        or 1
    )


def file_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers. Raises RowError if the file does not exist."""
    if not path.is_file():
        raise RowError(
            Problem(str(path), "must be a file of rows, one JSON object per line", "correct the path", PAGE)
        )
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if text := line.strip():
                yield number, text


_LINE_FIX = "correct or remove the line, or use --skip-bad to skip it"


def read_object(line: bytes, where: str, fix: str = _LINE_FIX) -> dict[str, object]:
    """The JSON object of a line. Raises RowError."""
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _unreadable(
            where, f"is not UTF-8 text: byte {error.start} is 0x{line[error.start]:02x}", fix
        ) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(where, f"is not JSON: {error}"[:200], fix) from None
    if not isinstance(value, dict):
        raise _unreadable(where, f"must be a JSON object, but is a {type(value).__name__}", fix)
    return value


def _unreadable(where: str, expected: str, fix: str) -> RowError:
    return RowError(Problem(where, expected, fix, PAGE))


def file_entries(path: Path, salt: str) -> Iterator[Entry]:
    """The rows of a JSON Lines file."""
    for number, line in file_lines(path):
        where = f"{path}:{number}"
        yield Entry(where, number, hash_row(line, salt), partial(_read_line, line, where))


def given_entries(rows: Iterable[VerifyRow | Mapping[str, object]], salt: str) -> Iterator[Entry]:
    """Rows passed in by a program."""
    for number, row in enumerate(rows, start=1):
        where = f"row {number}"
        key = hash_row(repr(row).encode("utf-8", "surrogatepass"), salt)
        yield Entry(where, number, key, partial(_read_given, row, where))


def _read_line(line: bytes, where: str) -> VerifyRow:
    return read_row(read_object(line, where), where)


def _read_given(row: VerifyRow | Mapping[str, object], where: str) -> VerifyRow:
    return row if isinstance(row, VerifyRow) else read_row(dict(row), where)
