"""The files of a data set as rows, and new files in their layout.

Place in the flow: `sieve.py` decides about rows that come from here and writes them back here. The one rule:
a kept row of JSON Lines has the bytes that it had, and a kept row of Parquet the columns and types.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from synth.errors import Problem, UserError
from synth.links import links_out
from synth.store.atomic import atomic_file
from synth.table_files import TableFileError, bounded_lines, parquet_batches, read_json, read_rows

if TYPE_CHECKING:
    import pyarrow as pa

PAGE: Final = "docs/architecture/curation.md"
SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet", ".arrow")
_LINES: Final = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class RowFile:
    """One file of a data set, and where its kept rows go below the output folder."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands: its number (of its line, or its place from 1), its value, or why it cannot be read,
    and its bytes if it is a line."""

    number: int
    value: object
    problem: str = ""
    line: bytes = b""


def list_files(given: Iterable[Path]) -> list[RowFile]:
    """The files, and those in folders. Raises UserError for what is none, and for links out of a folder."""
    found = [file for path in given for file in _files_at(path)]
    names = [_kept_name(file.name) for file in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise _problem(repeated[0], "is the name of two files", "give the folder that holds both")
    return found


def _files_at(path: Path) -> list[RowFile]:
    ends = ", ".join(SUFFIXES)
    if path.is_dir():
        if strays := links_out(path):
            raise _problem(str(strays[0]), f"is a link that leads out of {path}", "replace it by its file")
        inside = [one for one in sorted(path.rglob("*")) if one.is_file() and one.name.endswith(SUFFIXES)]
        if not inside:
            raise _problem(str(path), f"holds no file that ends in one of {ends}", "name another folder")
        return [RowFile(one, str(one.relative_to(path))) for one in inside]
    if not path.is_file():
        raise _problem(str(path), "must be a file of rows, or a folder of such files", "correct the path")
    if not path.name.endswith(SUFFIXES):
        raise _problem(str(path), f"must end in one of {ends}", "convert the file")
    return [RowFile(path, path.name)]


def _kept_name(name: str) -> str:
    """Files that hold one document, and Arrow, come back as JSON Lines and Parquet."""
    if name.endswith(".arrow"):
        return f"{name.removesuffix('.arrow')}.parquet"
    if name.endswith((".json", ".json.gz")):
        return f"{name.removesuffix('.gz').removesuffix('.json')}.jsonl"
    return name


def iter_rows(file: RowFile) -> Iterator[RawRow]:
    """The rows. A line that cannot be read is a row with its problem. Raises UserError for a file that
    cannot."""
    try:
        if file.path.name.endswith(_LINES):
            yield from _lines(file.path)
        else:
            yield from (RawRow(number, value) for number, value in read_rows(file.path))
    except TableFileError as error:
        raise _problem(error.where, error.words, "download, convert or write the file again") from None
    except (OSError, EOFError) as error:
        raise _problem(str(file.path), f"cannot be read: {error}"[:300], "write the file again") from None


def _lines(path: Path) -> Iterator[RawRow]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        for number, line in bounded_lines(stream, path):
            if not line.strip():
                continue
            try:
                value, problem = read_json(line, f"{path}:{number}"), ""
            except TableFileError as error:
                value, problem = None, error.words
            yield RawRow(number, value, problem, line if line.endswith(b"\n") else line + b"\n")


class KeptRows:
    """Writes the kept rows of one file under its name in `folder`; complete when the block ends well."""

    def __init__(self, file: RowFile, folder: Path) -> None:
        self.path = folder / _kept_name(file.name)
        self._file, self._stack = file, ExitStack()
        self._out: IO[bytes] | None = None
        self._numbers: set[int] = set()
        self._table = self.path.suffix == ".parquet"

    def __enter__(self) -> "KeptRows":
        self._stack.__enter__()
        stream = self._stack.enter_context(atomic_file(self.path, shared=True))
        self._raw = stream
        packed = self.path.suffix == ".gz"
        self._out = cast(
            "IO[bytes]",
            self._stack.enter_context(gzip.GzipFile("", "wb", 6, stream, 0)) if packed else stream,
        )
        return self

    def add(self, row: RawRow) -> None:
        """Keep a row."""
        if self._table:
            self._numbers.add(row.number)
        elif self._out is not None:
            self._out.write(row.line or (json.dumps(row.value, ensure_ascii=False) + "\n").encode())

    def __exit__(self, *error: object) -> bool | None:
        if self._table and error[0] is None:
            self._write_table()
        return self._stack.__exit__(*error)  # type: ignore[arg-type]

    def _write_table(self) -> None:
        """The kept rows of a table, read once more: only their numbers were remembered."""
        import pyarrow as pa
        from pyarrow import parquet

        from synth.table_files import arrow_batches

        read = parquet_batches if self._file.path.suffix == ".parquet" else arrow_batches
        number, schema = 0, self._schema()
        writer = parquet.ParquetWriter(self._raw, schema)
        for batch in read(self._file.path):
            mask = [number + at + 1 in self._numbers for at in range(batch.num_rows)]
            number += batch.num_rows
            kept = pa.Table.from_batches([batch], schema=batch.schema).filter(pa.array(mask, pa.bool_()))
            writer.write_table(kept.cast(schema))
        writer.close()

    def _schema(self) -> "pa.Schema":
        from pyarrow import parquet

        from synth.table_files import arrow_schema

        if self._file.path.suffix == ".parquet":
            return parquet.read_schema(self._file.path)
        return arrow_schema(self._file.path)


def _problem(where: str, what: str, fix: str) -> UserError:
    return UserError(Problem(where, what, fix, PAGE))
