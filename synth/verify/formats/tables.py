"""Problems in local files, found by name: JSON Lines, JSON, Parquet, Arrow, or a folder of them (as
`datasets` saves one).

Place in the flow: `samples.py` asks for the problem of a sample. The one rule: of a table only names and
places are held, and the problem at hand; small files that cannot be entered in the middle (.gz, .json)
are the exception.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from synth.errors import Problem, UserError
from synth.verify.formats.spec import Fields, Format
from synth.verify.row_files import read_object
from synth.verify.rows import PAGE

Place = tuple[int, ...]


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
        for number, line in enumerate(self._file, start=1):
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
    """A compressed file or one JSON array: held as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if path.name.removesuffix(".gz").endswith(".json") and data.lstrip()[:1] == b"[":
            self._rows: list[Fields] = json.loads(data)
        else:
            lines = [line for line in data.split(b"\n") if line.strip()]
            self._rows = [
                read_object(line, f"{path}: problem {number}") for number, line in enumerate(lines, start=1)
            ]

    def names(self, fields: tuple[str, ...]) -> Iterator[tuple[object, Place]]:
        for index, row in enumerate(self._rows):
            yield _name(row, fields, f"{self._path}: problem {index + 1}"), (index,)

    def get(self, place: Place) -> Fields:
        return self._rows[place[0]]


class Parquet:
    """One group of rows is held, the last that was asked for."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet

        self._path, self._file = path, pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
        self._group, self._rows = -1, None

    def names(self, fields: tuple[str, ...]) -> Iterator[tuple[object, Place]]:
        column = _column(self._file.schema_arrow.names, fields, self._path)
        for group in range(self._file.num_row_groups):
            for index, name in enumerate(
                self._file.read_row_group(group, columns=[column]).column(0).to_pylist()
            ):
                yield name, (group, index)

    def get(self, place: Place) -> Fields:
        if self._group != place[0]:
            self._group, self._rows = place[0], self._file.read_row_group(place[0])
        # pyarrow is not typed
        row: Fields = self._rows.slice(place[1], 1).to_pylist()[0]  # type: ignore[attr-defined]
        return row


class Arrow:
    """Mapped into memory, not read."""

    def __init__(self, path: Path) -> None:
        import pyarrow

        source = pyarrow.memory_map(str(path))
        try:
            self._rows = pyarrow.ipc.open_stream(source).read_all()
        except pyarrow.ArrowInvalid:
            self._rows = pyarrow.ipc.open_file(source).read_all()
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
        self._last: tuple[str, Fields] = ("", {})
        for table in self._tables:
            for name, place in table.names(form.key_fields):
                self._places.setdefault(form.key(name), (table, place))

    def find(self, name: object, where: str) -> Fields:
        """The problem of that name. Raises UserError."""
        key = self._form.key(name)
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


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    inside = ("*.parquet", "*.arrow", "*.jsonl", "*.jsonl.gz")
    found = (
        next((files for pattern in inside if (files := sorted(path.rglob(pattern)))), [])
        if path.is_dir()
        else []
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
    except (OSError, ValueError) as error:
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
