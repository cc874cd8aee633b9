"""What people say of units: one SQLite file beside each run, with their marks and their saved views.

Place in the flow: pages write marks here; filters, exports and patches read them. The one rule: a mark
changes no record of the run. It comes out as a filter, or as a patch to a data set.

`good` and `bad` judge a unit, `agree`, `flip`, `tie` and `drop` a pair; a unit has one of them at most, and
beside it a flag and a comment.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_args
from urllib.parse import parse_qsl, quote

from synth.errors import CodemillError, Problem, UserError
from synth.records import Record

MARKS_FILE: Final = "marks.sqlite"
WAIT_S: Final = 2.0
"""How long a write waits for another process."""
MOST_COMMENT: Final = 10_000
"""Characters of a comment."""

Judgement = Literal["", "good", "bad", "agree", "flip", "tie", "drop"]
UNIT_JUDGEMENTS: Final = ("good", "bad")
PAIR_JUDGEMENTS: Final = ("agree", "flip", "tie", "drop")
MARK_WORDS: Final = (*UNIT_JUDGEMENTS, *PAIR_JUDGEMENTS, "flag", "comment")
"""What a filter can ask for: a judgement, or that there is a flag or a comment."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS marks (
    unit_id TEXT PRIMARY KEY, judgement TEXT NOT NULL DEFAULT '', flagged INTEGER NOT NULL DEFAULT 0,
    comment TEXT NOT NULL DEFAULT '', marked_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS views (
    name TEXT PRIMARY KEY, query TEXT NOT NULL, saved_at TEXT NOT NULL);
"""


def judgement_of(word: str) -> Judgement:
    """The judgement of that name. Raises UserError."""
    for known in get_args(Judgement):
        if word == known:
            return known  # type: ignore[no-any-return]
    raise UserError(Problem(f"mark {word[:40]!r}", "is no judgement", "choose one of the buttons"))


class MarksError(CodemillError):
    """The marks cannot be read or written: the folder is read-only, or another process holds the file."""


class Mark(Record):
    """What people say of one unit."""

    unit_id: str
    judgement: Judgement = ""
    flagged: bool = False
    comment: str = ""
    marked_at: datetime

    @property
    def words(self) -> tuple[str, ...]:
        """Those of MARK_WORDS that hold."""
        found = [self.judgement] if self.judgement else []
        return (*found, *(["flag"] if self.flagged else []), *(["comment"] if self.comment else []))


class SavedView(Record):
    """A filter under a name. `query` is the query string of the page of units."""

    name: str
    query: str
    saved_at: datetime

    @property
    def words(self) -> str:
        """The filter in it, for people."""
        return dict(parse_qsl(self.query)).get("q", "")


class Marks:
    """The marks of one run. Every call opens the file anew, so that other processes may write too."""

    def __init__(self, run: Path) -> None:
        """`run` is a folder, or a file of answers, beside which its marks then stand."""
        self.path = run.with_name(f"{run.name}.{MARKS_FILE}") if run.is_file() else run / MARKS_FILE

    def of(self, unit_ids: Iterable[str]) -> dict[str, Mark]:
        """The marks of these units; those without one are left out. Raises MarksError."""
        wanted = list(dict.fromkeys(unit_ids))
        found: dict[str, Mark] = {}
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            places = ", ".join("?" * len(part))
            for mark in self._read_marks(f"WHERE unit_id IN ({places})", part):
                found[mark.unit_id] = mark
        return found

    def all(self) -> list[Mark]:
        """Every mark, by id of the unit. Raises MarksError."""
        return list(self._read_marks("", []))

    def ids_with(self, word: str) -> list[str]:
        """Ids of the units for which one of MARK_WORDS holds, or that have any mark (`any`). Raises UserError
        for another word, and MarksError."""
        conditions = {
            "any": "1",
            "flag": "flagged",
            "comment": "comment <> ''",
            **{one: f"judgement = '{one}'" for one in get_args(Judgement) if one},
        }
        if word not in conditions:
            known = ", ".join(conditions)
            raise UserError(Problem(f"mark {word!r}", f"must be one of: {known}", "choose one of them"))
        return [mark.unit_id for mark in self._read_marks(f"WHERE {conditions[word]}", [])]

    def judge(self, unit_id: str, judgement: Judgement) -> Mark:
        """Set the judgement; the same one again takes it back. Raises MarksError."""
        old = self._get(unit_id).judgement
        return self._change(unit_id, "judgement", "" if judgement == old else judgement)

    def flag(self, unit_id: str) -> Mark:
        """Set the flag, or take it away. Raises MarksError."""
        return self._change(unit_id, "flagged", int(not self._get(unit_id).flagged))

    def comment(self, unit_id: str, text: str) -> Mark:
        """Set the comment; an empty one takes it away. Raises MarksError, and UserError for a long one."""
        if len(text) > MOST_COMMENT:
            message = f"has {len(text):,} characters; at most {MOST_COMMENT:,} are kept"
            raise UserError(Problem("the comment", message, "make it shorter"))
        clean = text.encode("utf-8", "replace").decode().replace("\0", "").strip()
        return self._change(unit_id, "comment", clean)

    def views(self) -> list[SavedView]:
        """The saved views, by name. Raises MarksError."""
        with self._reading() as base:
            rows = base.execute("SELECT name, query, saved_at FROM views ORDER BY name") if base else []
            return [SavedView(name=name, query=query, saved_at=at) for name, query, at in rows]

    def save_view(self, name: str, query: str) -> SavedView:
        """Save a filter under a name, in place of an older one. Raises MarksError, and UserError for an
        empty name."""
        name = " ".join(name.split())[:80]
        if not name:
            raise UserError(Problem("a saved view", "must have a name", "give it one"))
        view = SavedView(name=name, query=query, saved_at=datetime.now(UTC))
        with self._writing() as base:
            base.execute(
                "INSERT OR REPLACE INTO views VALUES (?, ?, ?)", (name, query, view.saved_at.isoformat())
            )
        return view

    def drop_view(self, name: str) -> None:
        """Forget a saved view. Raises MarksError."""
        with self._writing() as base:
            base.execute("DELETE FROM views WHERE name = ?", (name,))

    def _get(self, unit_id: str) -> Mark:
        empty = Mark(unit_id=unit_id, marked_at=datetime.now(UTC))
        return self.of([unit_id]).get(unit_id, empty)

    def _change(
        self, unit_id: str, column: Literal["judgement", "flagged", "comment"], value: object
    ) -> Mark:
        sql = (
            f"INSERT INTO marks (unit_id, {column}, marked_at) VALUES (?1, ?2, ?3) "
            f"ON CONFLICT (unit_id) DO UPDATE SET {column} = ?2, marked_at = ?3"
        )
        with self._writing() as base:
            base.execute(sql, (unit_id, value, datetime.now(UTC).isoformat()))
            base.execute("DELETE FROM marks WHERE judgement = '' AND NOT flagged AND comment = ''")
        return self._get(unit_id)

    def _read_marks(self, condition: str, values: list[str]) -> Iterator[Mark]:
        with self._reading() as base:
            if base is None:
                return
            columns = "unit_id, judgement, flagged, comment, marked_at"
            sql = f"SELECT {columns} FROM marks {condition} ORDER BY unit_id"
            for unit_id, judgement, flagged, comment, at in base.execute(sql, values):
                yield Mark(
                    unit_id=unit_id, judgement=judgement, flagged=bool(flagged), comment=comment, marked_at=at
                )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection that writes nothing; None while nobody has marked anything."""
        if not self.path.exists():
            yield None
            return
        with self._saying("read"), closing(self._connect("ro")) as base:
            # A full disk leaves a file without tables behind.
            has_tables = base.execute(
                "SELECT count(*) = 2 FROM sqlite_master WHERE type = 'table'"
            ).fetchone()
            yield base if has_tables[0] else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A connection with the tables, in one transaction."""
        with self._saying("written"), closing(self._connect("rwc")) as base:
            base.executescript(_SCHEMA)
            with base:
                yield base

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(self.path.absolute()))}?mode={mode}", uri=True, timeout=WAIT_S
        )

    @contextmanager
    def _saying(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            words, fix = _explain(error, self.path)
            raise MarksError(
                Problem(f"the marks in {self.path}", f"cannot be {what}: {words}", fix)
            ) from error


def _explain(error: sqlite3.Error, path: Path) -> tuple[str, str]:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another process has locked them", "close the other program, then try again"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return "the run folder is read-only", "copy the run to a folder of yours, and open the copy"
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return "the file is damaged", f"move {path.name} away; marks in it are lost"
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full", "free some space, then mark it again"
    return str(error), "look at the disk and the file"
