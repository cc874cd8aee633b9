"""Observations kept on disk between runs: one SQLite file of bounded size, shared by several processes.

Place in the flow: `cached_sandbox.py` looks here before it runs a program, and stores new observations here.
The one rule: it is only a cache, so a problem with it never ends a run. A damaged file stays in place with a
note beside it, and a new file is started.
"""

import hashlib
import os
import sqlite3
import sys
import threading
import zlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from synth.errors import Problem, UserError
from synth.records import Observation
from synth.store.atomic import make_private_folder

T = TypeVar("T")

DEFAULT_MB: Final = 1024
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS results (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, body BLOB NOT "
    "NULL)"
)
_WAIT_S: Final = 30.0
_AT_ONCE: Final = 500
_LARGEST_SHARE: Final = 8
_MOST_DAMAGED: Final = 3
_MARK_BYTES: Final = 16
_DAMAGED: Final = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_MISMATCH,
}
"""SQLite's errors for a file that is foreign or damaged. All other errors come from the machine: a full disk,
a long wait."""


def _no_folder(folder: Path, why: str) -> UserError:
    expected = f"must be a writable folder: {why}"
    return UserError(
        Problem(f"cache {folder}", expected, "name another folder", "docs/architecture/verify.md")
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)


class ResultStore:
    """Maps 16-byte keys to observations. Blocking and thread-safe. Raises UserError if the folder
    cannot be used."""

    def __init__(self, folder: Path, most_mb: int = DEFAULT_MB, say: Callable[[str], None] = _say) -> None:
        self._folder, self._most_bytes, self._say = folder, most_mb << 20, say
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._path = folder
        self._damaged = 0
        self._given_up = False
        try:
            make_private_folder(folder)
        except OSError as error:
            raise _no_folder(folder, str(error.strerror)) from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _no_folder(folder, "it is not ours to write to")

    def read(self, keys: Collection[bytes]) -> dict[bytes, Observation]:
        """The stored observations for these keys."""
        wanted, found = list(keys), dict[bytes, Observation]()
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            rows = self._try(lambda connection, part=part: _select(connection, part))  # type: ignore[misc]
            found |= {key: seen for key, body in rows or () if (seen := _unpack(key, body)) is not None}
        return found

    def write(self, observations: Mapping[bytes, Observation]) -> None:
        """Store these, except those that are too large. If the file becomes too large, the oldest
        rows are deleted."""
        rows = [(key, _pack(key, observation)) for key, observation in observations.items()]
        rows = [row for row in rows if len(row[1]) <= self._most_bytes // _LARGEST_SHARE]
        if rows:
            self._try(lambda connection: self._insert(connection, rows))

    def close(self) -> None:
        """Close the file. May be called twice."""
        with self._lock:
            self._disconnect()

    def _insert(self, connection: sqlite3.Connection, rows: list[tuple[bytes, bytes]]) -> None:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO results (key, body) VALUES (?, ?)", rows)
            while _used_bytes(connection) > self._most_bytes:
                _drop_oldest(connection)

    # --- the file, and its possible problems ---

    def _try(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do it; if the file is damaged, do it on a new one. If the machine prevents it, log that and disable
        the cache from then on."""
        with self._lock:
            while not self._given_up:
                try:
                    return action(self._connection or self._connect())
                except (sqlite3.Error, OSError) as error:
                    self._disconnect()
                    self._given_up = not (_is_damage(error) and self._set_aside(str(error)))
                    if self._given_up:
                        self._say(
                            f"{self._path}: the result cache cannot be used, so nothing is cached: {error}"
                        )
            return None

    def _connect(self) -> sqlite3.Connection:
        number = 1
        while _note_of(self._folder, number).exists():
            number += 1
        self._path = self._folder / f"results-{number}.sqlite"
        self._connection = connection = sqlite3.connect(
            self._path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_TABLE)
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _set_aside(self, why: str) -> bool:
        """Start a new file; False if that does not help.

        Nothing is renamed or removed: another process may have the file open, and SQLite finds its companion
        files by name.
        """
        self._damaged += 1
        text = (
            f"{self._path}: this result cache is damaged ({why}); it is kept as it is, "
            f"and a new one is started"
        )
        try:
            with self._path.with_suffix(".damaged").open("x", encoding="utf-8") as note:
                note.write(f"{text}. Both files may be deleted while no codemill runs.\n")
            self._say(text)
        except FileExistsError:  # another process has written it
            pass
        except OSError:
            return False
        return self._damaged <= _MOST_DAMAGED


def _is_damage(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _note_of(folder: Path, number: int) -> Path:
    return folder / f"results-{number}.damaged"


def _select(connection: sqlite3.Connection, keys: list[bytes]) -> list[tuple[bytes, bytes]]:
    marks = ",".join("?" * len(keys))
    return connection.execute(f"SELECT key, body FROM results WHERE key IN ({marks})", keys).fetchall()


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _drop_oldest(connection: sqlite3.Connection) -> None:
    """Delete the oldest tenth of the rows, at least one; ids grow with time."""
    first, last = connection.execute("SELECT min(id), max(id) FROM results").fetchone()
    connection.execute("DELETE FROM results WHERE id <= ?", (first + (last - first) // 10,))


def _pack(key: bytes, observation: Observation) -> bytes:
    packed = zlib.compress(observation.model_dump_json().encode(), 1)
    return _mark(key, packed) + packed


def _mark(key: bytes, packed: bytes) -> bytes:
    return hashlib.sha256(key + packed).digest()[:_MARK_BYTES]


def _unpack(key: bytes, body: bytes) -> Observation | None:
    """The observation; None if the bytes are corrupt, or a damaged index of SQLite gave another row."""
    mark, packed = body[:_MARK_BYTES], body[_MARK_BYTES:]
    if mark != _mark(key, packed):
        return None
    try:
        return Observation.model_validate_json(zlib.decompress(packed))
    except (zlib.error, ValidationError, ValueError):
        return None
