"""Problems in local files, found by name: JSON Lines, JSON, Parquet, Arrow, or a folder of them (as
`datasets` saves one).

Place in the flow: `samples.py` asks for the problem of a sample. The one rule: of a table only names and
places are held, and the problem at hand; small files that cannot be entered in the middle (.gz, .json)
are the exception.
"""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from synth.errors import Problem, UserError
from synth.links import leads_out
from synth.table_files import (
    BATCH_ROWS,
    TableFileError,
    arrow_batches,
    arrow_schema,
    bounded_lines,
    parquet_batches,
    read_rows,
)
from synth.unpacking import TooLargeError
from synth.verify.formats.spec import Fields, Format
from synth.verify.row_files import read_object
from synth.verify.rows import PAGE

if TYPE_CHECKING:
    import pyarrow as pa

Place = tuple[int, ...]

_MOST_ROWS: Final = 10_000_000


class Table(Protocol):
    """One file of problems."""

    def names(self, fields: tuple[str, ...]) -> Iterator[tuple[object, Place]]:
        """The name of each problem and where it stands."""
        ...

    def get(self, place: Place) -> Fields:
        """The problem that stands there."""
        ...


class JsonLines:
    """Read at its byte offset."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("rb")

    def names(self, fields: tuple[str, ...]) -> Iterator[tuple[object, Place]]:
        at = 0
        for number, line in bounded_lines(self._file, self._path):
            if line.strip():
                yield (
                    _name(read_object(line, f"{self._path}:{number}"), fields, f"{self._path}:{number}"),
                    (at, number),
                )
            at += len(line)

    def get(self, place: Place) -> Fields:
        self._file.seek(place[0])
        return read_object(self._file.readline(), f"{self._path}:{place[1]}")


class Held:
    """A compressed file or one JSON document: held as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = [_object(row, f"{path}: problem {number}") for number, row in read_rows(path)]

    def names(self, fields: tuple[str, ...]) -> Iterator[tuple[object, Place]]:
        for index, row in enumerate(self._rows):
            yield _name(row, fields, f"{self._path}: problem {index + 1}"), (index,)

    def get(self, place: Place) -> Fields:
        return self._rows[place[0]]


def _object(row: object, where: str) -> Fields:
    if not isinstance(row, dict):
        raise TableFileError(where, f"must be a JSON object, but is a {type(row).__name__}")
    return row


class Parquet:
    """One group of rows is held, the last that was asked for."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet

        self._path = path
        with pyarrow.parquet.ParquetFile(path) as file:
            self._columns, self._groups = file.schema_arrow.names, file.num_row_groups
            if file.metadata.num_rows > _MOST_ROWS:
                raise ValueError(f"it has more than {_MOST_ROWS:,} rows")
        self._group = -1
        self._rows: list[pa.RecordBatch] = []

    def names(self, fields: tuple[str, ...]) -> Iterator[tuple[object, Place]]:
        column = _column(self._columns, fields, self._path)
        for group in range(self._groups):
            for at, batch in enumerate(self._batches(group, [column])):
                for index, name in enumerate(batch.column(0).to_pylist()):
                    yield name, (group, at * BATCH_ROWS + index)

    def get(self, place: Place) -> Fields:
        if self._group != place[0]:
            self._group, self._rows = -1, []
            self._rows = list(self._batches(place[0], None))
            self._group = place[0]
        row: Fields = self._rows[place[1] // BATCH_ROWS].slice(place[1] % BATCH_ROWS, 1).to_pylist()[0]
        return row

    def _batches(self, group: int, columns: list[str] | None) -> "Iterator[pa.RecordBatch]":
        """Raises UserError for too many bytes."""
        try:
            yield from parquet_batches(self._path, group, columns)
        except TooLargeError as error:
            place = f"problems {self._path}: row group {group}"
            fix = "write the file with smaller row groups"
            raise UserError(Problem(place, str(error), fix, PAGE)) from None


class Arrow:
    """Mapped into memory, not read."""

    def __init__(self, path: Path) -> None:
        import pyarrow

        self._rows = pyarrow.Table.from_batches(list(arrow_batches(path)), arrow_schema(path))
        self._path = path

    def names(self, fields: tuple[str, ...]) -> Iterator[tuple[object, Place]]:
        column = self._rows.column(_column(self._rows.column_names, fields, self._path))
        for index, name in enumerate(column):
            yield name.as_py(), (index,)

    def get(self, place: Place) -> Fields:
        row: Fields = self._rows.slice(place[0], 1).to_pylist()[0]
        return row


_KINDS: dict[str, type[JsonLines | Held | Parquet | Arrow]] = {
    ".jsonl": JsonLines,
    ".json": Held,
    ".gz": Held,
    ".parquet": Parquet,
    ".arrow": Arrow,
}


class Problems:
    """The problems of one file or folder, by name. Raises UserError for what is not there or
    cannot be read."""

    def __init__(self, path: Path, form: Format) -> None:
        self._form, self._path = form, path
        self._tables = [_open(file) for file in _files(path)]
        self._places: dict[str, tuple[Table, Place]] = {}
        self._more: dict[str, list[tuple[Table, Place]]] = {}
        self._last: tuple[str, Fields] = ("", {})
        for table in self._tables:
            for name, place in _names(table, form):
                key, found = form.key(name), (table, place)
                if self._places.setdefault(key, found) is not found:
                    self._more.setdefault(key, []).append(found)

    def at(self, position: object, where: str) -> tuple[str, Fields]:
        """The name and the problem at a place in the order of the file. Raises UserError."""
        if not isinstance(position, int) or not 0 <= position < len(self._places) or self._more:
            words = f"is not in {self._path}, which has {len(self._places)} problems of different names"
            raise UserError(Problem(f"{where}: problem {position}", words, "name the problem: task_id", PAGE))
        name = list(self._places)[position]
        return name, self.find(name, where)

    def __iter__(self) -> Iterator[tuple[str, Fields]]:
        """Each problem once, with its name, in the order of the files. Raises UserError for a name that
        different problems have, unless the format tells them apart."""
        for key in self._places:
            for problem in self._named(key):
                if key in self._more:
                    self.find(key, str(self._path), problem)
                else:
                    self._last = (key, problem)
                yield key, problem

    def find(self, name: object, where: str, told: Fields | None = None) -> Fields:
        """The problem of that name; where several have it, the one that `told` tells from the others. Raises
        UserError."""
        key = self._form.key(name)
        if key in self._more:
            return self._tell_apart(key, where, told or {})
        if key not in self._places:
            near = ", ".join(list(self._places)[:3])
            raise UserError(
                Problem(
                    f"{where}: problem {name!r}",
                    f"is not in {self._path}, which has: {near}, …",
                    "correct the name",
                    PAGE,
                )
            )
        if self._last[0] != key:
            table, place = self._places[key]
            self._last = (key, table.get(place))
        return self._last[1]

    def _tell_apart(self, key: str, where: str, told: Fields) -> Fields:
        """The problem of a name that several have. Copies of one problem are one."""
        found = self._named(key)
        fields = [field for field in self._form.told_apart if told.get(field) is not None]
        fits = [one for one in found if all(one.get(field) == told[field] for field in fields)]
        if len(fits) == 1:
            return fits[0]
        by = ", ".join(self._form.told_apart)
        fix = f"state the problem's {by} in the sample" if by else "leave one problem of each name"
        words = f"is the name of {len(found)} problems in {self._path}"
        raise UserError(Problem(f"{where}: problem {key!r}", words, fix, PAGE))

    def _named(self, key: str) -> list[Fields]:
        """The different problems of that name."""
        found: list[Fields] = []
        for table, place in (self._places[key], *self._more.get(key, ())):
            problem = table.get(place)
            if problem not in found:
                found.append(problem)
        return found


def _names(table: Table, form: Format) -> Iterator[tuple[object, Place]]:
    try:
        yield from table.names(form.key_fields)
    except TableFileError as error:
        fix = "write one problem to a line"
        raise UserError(Problem(f"problems {error.where}", error.words, fix, PAGE)) from None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    inside = ("*.parquet", "*.arrow", "*.jsonl", "*.jsonl.gz")
    found = (
        next((files for pattern in inside if (files := sorted(path.rglob(pattern)))), [])
        if path.is_dir()
        else []
    )
    if strays := [file for file in found if leads_out(file, path)]:
        raise UserError(
            Problem(
                f"problems {path}", f"holds a link that leads out of it: {strays[0]}", "copy the file", PAGE
            )
        )
    if not found:
        raise UserError(
            Problem(
                f"problems {path}",
                "must be a file of problems, or a folder of such files",
                "correct the path",
                PAGE,
            )
        )
    return found


def _open(path: Path) -> Table:
    kind = _KINDS.get(path.suffix)
    if kind is None:
        raise UserError(
            Problem(f"problems {path}", f"must end in one of {', '.join(_KINDS)}", "convert the file", PAGE)
        )
    try:
        return kind(path)
    except TableFileError as error:
        raise UserError(
            Problem(f"problems {error.where}", error.words, "correct or unpack it", PAGE)
        ) from None
    except TooLargeError as error:
        raise UserError(Problem(f"problems {path}", str(error), "unpack the file", PAGE)) from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise UserError(
            Problem(f"problems {path}", f"cannot be read: {error}"[:300], "download the file again", PAGE)
        ) from None


def _column(names: Iterable[str], fields: tuple[str, ...], path: Path) -> str:
    known = set(names)
    found = next((field for field in fields if field in known), None)
    if found is None:
        raise UserError(
            Problem(f"problems {path}", f"has no column {' or '.join(fields)}", "check --format", PAGE)
        )
    return found


def _name(row: Fields, fields: tuple[str, ...], where: str) -> object:
    return row[_column(row, fields, Path(where))]
