"""One opened run: a table with a row for each decision, filled from its files as they appear.

Place in the flow: `sources.py` says what the files are, this module keeps the table in step with them. The
one rule: a file's seal is checked before DuckDB reads it, each once for as long as its size and times stay;
what is damaged is left out and named, so that the rest is seen.
"""

import threading
from abc import ABC, abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from synth.errors import CodemillError, StoreError
from synth.inspector.database import SCHEMA, Database, Deadline
from synth.inspector.text_search import SearchedText, TextFiles, TextSearch
from synth.records import IndexRow
from synth.store.seals import check_files
from synth.store.units import Body
from synth.wire_record import Record

_TYPES: Final[dict[object, str]] = {int: "BIGINT", float: "DOUBLE"}
_COLUMNS: Final = ", ".join(
    f"{name} {'VARCHAR[]' if name == 'parents' else _TYPES.get(field.annotation, 'VARCHAR')}"
    for name, field in IndexRow.model_fields.items()
)
_ROW_COLUMNS: Final = ", ".join(IndexRow.model_fields)
_BATCH_FILES: Final = 256
COUNTED: Final = (
    *("round", "stage", "kind", "language", "natural_language", "decision", "reason"),
    *("model", "prompt", "rank"),
)
"""Columns with few values: counts by these need no look at the rows."""


class RunKind(StrEnum):
    RUN = "run"
    ANSWERS = "answers"
    """Of `codemill verify`."""
    EXPORT = "export"


class LeftOutFile(Record):
    """A file that was left out: its path inside the run, what is wrong with it, and what to do."""

    path: str
    problem: str
    fix: str


class Stamp(NamedTuple):
    """What changes when a file does."""

    device: int
    inode: int
    size: int
    mtime_ns: int


class ReadingProgress(Record):
    """How far the table has come: files read, of all that there are now."""

    done: int
    files: int

    @property
    def is_whole(self) -> bool:
        return self.done >= self.files


class FileRows(NamedTuple):
    """A file whose rows are in the table under `number`. Files in the order of their `place` hold the rows
    in the order of pages."""

    number: int
    place: tuple[int, str, str]
    """Round, stage and shard."""
    rows: int
    stamp: Stamp


class RememberedRows:
    """The last answers of queries, by what was asked."""

    def __init__(self, most: int = 512) -> None:
        self._most, self._answers = most, OrderedDict[object, list[dict[str, Any]]]()

    def get(self, key: Hashable) -> list[dict[str, Any]] | None:
        """The answer, or None."""
        return self._answers.get(key)

    def put(self, key: Hashable, rows: list[dict[str, Any]]) -> None:
        """Remember an answer, and forget the oldest."""
        self._answers[key] = rows
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()


class OpenedRun(ABC):
    """One run, one file or folder of answers, or one export.

    Its table `table` has the columns of IndexRow, and beside them `file` (number of the file), `passed`,
    `total` (tests, where the evidence has them), `score` (the evidence's, else passed / total), and `model`,
    `prompt`, `rank` (empty where unknown). `<table>_counts` has its rows counted by the columns of COUNTED.
    """

    kind: RunKind
    views: ClassVar[tuple[str, ...]] = ("units", "reasons")
    """The pages, beside its own, that have something to show of it."""

    def __init__(self, database: Database, key: str, path: Path, number: int) -> None:
        self.database, self.key, self.path = database, key, path
        self.table = f"{SCHEMA}.rows_{number}"
        self._lock = threading.Lock()
        self._files: dict[str, FileRows] = {}
        self._damaged: dict[str, tuple[Stamp | None, LeftOutFile]] = {}
        self._reading = ReadingProgress(done=0, files=1)  # until it has been looked for files
        self._next = 0
        self._counted_to = 0
        self._search = TextSearch(database)
        self.remembered = RememberedRows()
        """Answers of queries about files that do not change."""
        self.generation = 0
        """Counts the changes of the table."""
        extra = "file BIGINT, passed BIGINT, total BIGINT, score DOUBLE"
        extra += ", model VARCHAR, prompt VARCHAR, rank VARCHAR"
        database.query(f"CREATE TABLE {self.table} ({_COLUMNS}, {extra})")
        self._count_rows(whole=True)

    # --- what it is -----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """For people."""
        return self.path.resolve().name

    @property
    def counts(self) -> str:
        """The table of counts."""
        return f"{self.table}_counts"

    @property
    def reading(self) -> ReadingProgress:
        """How far the table has come."""
        return self._reading

    @property
    def rows(self) -> int:
        """Rows in the table."""
        return sum(file.rows for file in list(self._files.values()))

    @property
    def files(self) -> list[FileRows]:
        """The files in the table, in the order of pages."""
        return sorted(self._files.copy().values(), key=lambda file: file.place)

    @property
    def damaged(self) -> tuple[LeftOutFile, ...]:
        """What was left out, by path."""
        return tuple(found for _, found in sorted(self._damaged.copy().values(), key=lambda one: one[1].path))

    @property
    @abstractmethod
    def stages(self) -> list[str]:
        """The stages in the order of the flow."""

    @property
    @abstractmethod
    def body_kinds(self) -> list[str]:
        """Kinds of records that there are."""

    @abstractmethod
    def read_bodies(self, kind: str, keys: Sequence[str]) -> dict[str, Body]:
        """Records of one kind by their key; of a record that later stages wrote again, the last."""

    def body_files(self, kind: str) -> list[str]:
        """The sound files of one kind, with the columns `key` and `body`; none where there are none."""
        return []

    def find_text(self, text: str, seconds: float) -> SearchedText:
        """The units whose texts hold this one, as far as they can be searched in time."""
        return self._search.find(text, self._texts(), seconds)

    def entered(self) -> dict[tuple[int, str, str], int]:
        """How many units entered, by round, stage and shard."""
        return Counter({file.place: file.rows for file in self.files})

    @abstractmethod
    def _texts(self) -> list[TextFiles]:
        """Where there are texts."""

    def made(self, kind: str) -> int:
        """How many records of a kind the committed files state."""
        return 0

    @abstractmethod
    def _listed(self) -> dict[str, Stamp]:
        """The files with rows that there are now."""

    @abstractmethod
    def _place(self, name: str) -> tuple[int, str, str]:
        """Round, stage and shard of a file."""

    @abstractmethod
    def _select(self, names: Sequence[str]) -> tuple[str, list[object]]:
        """SQL that gives the columns of IndexRow and `filename` for these files, with its values."""

    def _check(self, name: str) -> None:
        """Raises StoreError for a damaged file."""
        check_files([name])

    def _forget(self, name: str) -> None:  # noqa: B027  # only some sources remember anything
        """A file is gone or changed."""

    def _describe(self, first: int) -> int:
        """Fill `model`, `prompt` and `rank` of rows from file `first` on, and of the units that came with
        them. Returns how many rows changed."""
        return 0

    def _learn(self, names: Sequence[str]) -> None:  # noqa: B027
        """New files are in the table."""

    # --- keeping in step ------------------------------------------------------------------------------------

    def refresh(self, seconds: float | None = None) -> ReadingProgress:
        """Read what is new. After `seconds` the rest is left to the next call; while another thread reads,
        what it has read so far is all there is."""
        if not self._lock.acquire(blocking=seconds is None):
            return self._reading
        try:
            self._follow(None if seconds is None else Deadline(seconds))
        finally:
            self._lock.release()
        return self._reading

    def _follow(self, deadline: Deadline | None) -> None:
        listed = self._listed()
        gone = [name for name, file in self._files.items() if listed.get(name) != file.stamp]
        self._drop(gone)
        first = self._next
        for name, (stamp, _) in list(self._damaged.items()):
            if stamp is not None and listed.get(name) != stamp:
                del self._damaged[name]
        new = sorted(
            (name for name in listed if name not in self._files and name not in self._damaged),
            key=self._place,
        )
        read_before = bool(self._files)
        self._count(listed)
        for at in range(0, len(new), _BATCH_FILES):
            if deadline is not None and at and not deadline.left:
                break
            self._read([(name, listed[name]) for name in new[at : at + _BATCH_FILES]])
            self._count(listed)
        changed = self._describe(first) if new else 0
        if changed:
            self.remembered.clear()
        self.generation += bool(new or gone or changed)
        if new or gone:
            self._count_rows(whole=bool(gone or changed) or self._counted_to == 0)
        if len(new) > _BATCH_FILES or (new and not read_before):
            self.database.query(f"CHECKPOINT {SCHEMA.split('.')[0]}")  # only then are rows compressed

    def _count_rows(self, *, whole: bool) -> None:
        """Keep the counts in step: of all rows anew, or with those of new files."""
        start = "CREATE OR REPLACE TABLE {0} AS" if whole else "INSERT INTO {0}"
        self.database.query(
            f"""{start.format(self.counts)} SELECT {", ".join(COUNTED)}, count(*) AS n, sum(ms) AS ms,
            sum(tokens)::BIGINT AS tokens FROM {self.table} WHERE file >= ? GROUP BY ALL""",
            [0 if whole else self._counted_to],
        )
        self._counted_to = self._next

    def _count(self, listed: dict[str, Stamp]) -> None:
        damaged = sum(name in listed for name in self._damaged)
        self._reading = ReadingProgress(done=len(self._files) + damaged, files=len(listed))

    def _drop(self, names: Sequence[str]) -> None:
        numbers = [self._files.pop(name).number for name in names]
        if numbers:
            self.database.query(f"DELETE FROM {self.table} WHERE list_contains(?, file)", [numbers])
        for name in names:
            self._forget(name)

    def _read(self, found: Iterable[tuple[str, Stamp]]) -> None:
        sound = []
        for name, stamp in found:
            try:
                self._check(name)
                sound.append((name, stamp))
            except StoreError as error:
                self._leave_out(name, stamp, error)
        if not sound:
            return
        try:
            self._insert(sound)
        except StoreError:  # one of them is no index, or one of another version: which one?
            for one in sound:
                try:
                    self._insert([one])
                except StoreError as error:
                    self._leave_out(*one, error)

    def _leave_out(self, name: str, stamp: Stamp | None, error: CodemillError) -> None:
        problem = error.problems[0]
        self._damaged[name] = (
            stamp,
            LeftOutFile(path=self._inside(name), problem=problem.message, fix=problem.fix),
        )

    def _inside(self, name: str) -> str:
        path = Path(name)
        return str(path.relative_to(self.path)) if path.is_relative_to(self.path) else path.name

    def _insert(self, found: Sequence[tuple[str, Stamp]]) -> None:
        names = [name for name, _ in found]
        numbers = list(range(self._next, self._next + len(names)))
        select, values = self._select(names)
        sql = f"""INSERT INTO {self.table}
            SELECT {_ROW_COLUMNS}, file, passed, total, coalesce(score, passed / nullif(total, 0)), '', '', ''
            FROM (SELECT *, {_number_in("passed", "BIGINT")}, {_number_in("total", "BIGINT")},
                {_number_in("score", "DOUBLE")} FROM ({select}) AS found
                JOIN (SELECT unnest(?) AS filename, unnest(?) AS file) AS numbers USING (filename))
            ORDER BY file"""
        self.database.query(sql, [*values, names, numbers])
        self._next += len(names)
        counts = {
            row["file"]: int(row["n"])
            for row in self.database.query(
                f"SELECT file, count(*) AS n FROM {self.table} WHERE file >= ? GROUP BY file", [numbers[0]]
            )
        }
        for number, (name, stamp) in zip(numbers, found, strict=True):
            self._files[name] = FileRows(number, self._place(name), counts.get(number, 0), stamp)
        self._learn(names)


def _number_in(name: str, type: str) -> str:
    """A number of the evidence, as a column; NULL where there is none."""
    return f"""CASE WHEN contains(evidence, '"{name}"') AND json_valid(evidence)
        THEN TRY_CAST(json_extract_string(evidence, '$.{name}') AS {type}) END AS {name}"""


def pieces(files: Sequence[FileRows], rows: int, grow: int = 1) -> Iterator[list[FileRows]]:
    """The files in pieces of at least so many rows, each piece `grow` times the one before."""
    piece, size = list[FileRows](), 0
    for file in files:
        piece.append(file)
        size += file.rows
        if size >= rows:
            yield piece
            piece, size, rows = [], 0, rows * grow
    if piece:
        yield piece


def stamp_of(path: Path) -> Stamp:
    """Raises OSError."""
    status = path.stat()
    return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def index_row(row: dict[str, Any]) -> IndexRow:
    """A row of the table as the record that it came from."""
    return IndexRow.model_validate({name: row[name] for name in IndexRow.model_fields})
