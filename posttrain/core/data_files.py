"""Reads training data from JSON Lines, Parquet and `datasets` folders, as plain dicts with each row's place.

Place in the flow: the first step of a trainer; `rows` turns the dicts into typed rows. The one rule: held-out
splits are never read. Within a folder, a file is left out if any part of its path begins with test,
validation, valid, dev or eval. A file that codemill wrote is checked before it is read: by its seal,
or by the `SHA256SUMS` of its export.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from synth.errors import DatasetError, Problem
from synth.store.seals import Damage, check_parquet_file, check_sums, repair_command

_HELD_OUT = re.compile(r"(test|validation|valid|dev|eval)([-_.]|$)")


def data_files(path: Path) -> list[Path]:
    """The files of a data set: the file itself, or the training shards of a folder. Raises DatasetError if
    there are none."""
    if path.is_file() and path.suffix in (".jsonl", ".parquet", ".arrow"):
        return [path]
    files = (
        [file for file in _shards(path) if not any(map(_HELD_OUT.match, file.relative_to(path).parts))]
        if path.is_dir()
        else []
    )
    if not files:
        expected = (
            "must be a .jsonl or .parquet file, or a folder of .parquet, .jsonl or .arrow shards "
            "(as `datasets` saves them)"
        )
        raise DatasetError(
            Problem(f"data set {path}", expected if path.exists() else "does not exist", "correct the path")
        )
    return files


def _shards(folder: Path) -> list[Path]:
    return [file for suffix in ("parquet", "jsonl", "arrow") for file in sorted(folder.rglob(f"*.{suffix}"))]


def data_hash(paths: Sequence[Path]) -> str:
    """Hash of the bytes of all files, in order: identifies training data independently of its path."""
    digest = hashlib.sha256()
    for file in (file for path in paths for file in data_files(path)):
        about = file.stat()
        digest.update(_file_hash(file, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns))
    return digest.hexdigest()[:16]


@lru_cache(maxsize=4096)
def _file_hash(file: Path, *_state: int) -> bytes:
    """Read once for as long as size and times stay."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def check_file(file: Path) -> None:
    """Raises DatasetError for a file that is no longer what codemill wrote. Of others nothing is known."""
    try:
        if file.suffix == ".parquet":
            check_parquet_file(file)
        check_sums(file)
    except Damage as error:
        raise DatasetError(Problem(str(file), str(error), repair_command(file))) from error
