"""The rows of a data set in a file, and the digest of the file.

Place in the flow: `audit.py` reads rows here, by `synth/table_files.py`, and binds its report to the digest.
The one rule: every row is an object, or an error that names its place.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from synth import table_files
from synth.errors import Problem, UserError

PAGE: Final = "docs/architecture/audit.md"
Fields = Mapping[str, object]


def digest_of(path: Path) -> str:
    """The SHA-256 of the file's bytes. Raises UserError for what is no readable file."""
    if not path.is_file():
        raise _problem(path, "must be a file of rows", "correct the path")
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def read_rows(path: Path) -> Iterator[tuple[int, Fields]]:
    """Each row with its number: that of its line, or its place from 1. Raises UserError."""
    try:
        for number, row in table_files.read_rows(path):
            if not isinstance(row, dict):
                words = f"row {number} must be a JSON object, but is a {type(row).__name__}"
                raise UserError(Problem(str(path), words, "correct the row", PAGE))
            yield number, row
    except table_files.TableFileError as error:
        fix = "download, convert or write the file again"
        raise UserError(Problem(error.where, error.words, fix, PAGE)) from None


def _problem(path: Path, what: str, fix: str) -> UserError:
    return UserError(Problem(str(path), what, fix, PAGE))
