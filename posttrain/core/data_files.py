"""Reads training data from JSON Lines, Parquet and `datasets` folders, as plain dicts with each row's place.

Place in the flow: the first step of a trainer; `rows` turns the dicts into typed rows. The one rule: held-out
splits are never read. Within a folder, a file is left out if any part of its path begins with test,
validation, valid, dev or eval. A file that codemill wrote is checked before it is read: by its seal,
or by the `SHA256SUMS` of its export.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
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
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]


def read_files(paths: Sequence[Path]) -> Iterator[tuple[str, dict[str, object]]]:
    """Each row with its place (`file: row n (id)`), null columns left out."""
    for file in (file for path in paths for file in data_files(path)):
        check_file(file)
        for number, row in enumerate(_read_file(file), 1):
            name = f" ({row['id']})" if isinstance(row.get("id"), str) else ""
            yield (
                f"{file}: row {number}{name}",
                {key: value for key, value in row.items() if value is not None},
            )


def check_file(file: Path) -> None:
    """Raises DatasetError for a file that is no longer what codemill wrote. Of others nothing is known."""
    try:
        if file.suffix == ".parquet":
            check_parquet_file(file)
        check_sums(file)
    except Damage as error:
        raise DatasetError(Problem(str(file), str(error), repair_command(file))) from error


def _read_file(file: Path) -> Iterator[dict[str, object]]:
    if file.suffix == ".jsonl":
        yield from _read_lines(file)
        return
    import pyarrow
    from pyarrow import ipc, parquet

    try:
        batches = (
            parquet.ParquetFile(file, page_checksum_verification=True).iter_batches()
            if file.suffix == ".parquet"
            else ipc.open_stream(pyarrow.memory_map(str(file)))
        )
        for batch in batches:
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DatasetError(Problem(str(file), f"cannot be read: {error}", repair_command(file))) from error


def _read_lines(file: Path) -> Iterator[dict[str, object]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DatasetError(
                    Problem(f"{file}:{number}", f"is not JSON: {error}", "correct the line")
                ) from error
            if not isinstance(row, dict):
                raise DatasetError(Problem(f"{file}:{number}", "must be one JSON object", "correct the line"))
            yield row
