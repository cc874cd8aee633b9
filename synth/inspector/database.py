"""One DuckDB in memory for all opened runs. A thin adapter.

The one rule: nothing on disk is opened for writing, and a query may be given a time limit, so that no page
waits for a count.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from synth.errors import CodemillError, Problem, StoreError

if TYPE_CHECKING:
    import duckdb

MEMORY_MB: Final = 640
"""What DuckDB may hold; the rest of a server's GiB is Python's and the pages'."""
SCHEMA: Final = "opened.main"
"""Where the tables of the runs are: compressed, in memory."""
_SETTINGS = (
    f"SET memory_limit = '{MEMORY_MB}MB'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "ATTACH ':memory:' AS opened (COMPRESS)",
)


class OutOfTime(Exception):
    """A query was stopped, because its time was up."""


class StoppedError(CodemillError):
    """The database answers no more: the server ends."""


class Deadline:
    """How much of a time budget is left."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; never less than zero."""
        return max(0.0, self._ends - time.monotonic())


class Database:
    """The database. Queries of several threads go side by side."""

    def __init__(self) -> None:
        import duckdb

        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._is_stopped = False
        self._connection = duckdb.connect()
        for setting in _SETTINGS:
            self._connection.execute(setting)

    def query(
        self, sql: str, values: Sequence[object] = (), seconds: float | None = None
    ) -> list[dict[str, Any]]:
        """All rows of a query. Raises StoreError for an unreadable file, OutOfTime after `seconds`."""
        return list(self.stream(sql, values, seconds))

    def stream(
        self, sql: str, values: Sequence[object] = (), seconds: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a query, a thousand in Python's memory at a time. Raises as `query` does."""
        import duckdb

        with self._connection.cursor() as cursor, _time_limit(cursor, seconds):
            self._running.add(cursor)
            try:
                self._check_running()
                cursor.execute(sql, list(values))
                names = [column[0] for column in cursor.description or ()]
                while rows := cursor.fetchmany(1000):
                    yield from (dict(zip(names, row, strict=True)) for row in rows)
                    self._check_running()
            except duckdb.InterruptException as error:
                self._check_running()
                raise OutOfTime from error
            except duckdb.ParserException:
                raise  # a fault of ours
            except duckdb.Error as error:
                raise StoreError(
                    Problem(
                        "the rows of the run",
                        f"cannot be read: {str(error).partition(chr(10))[0]}",
                        "check the run: codemill fsck RUN",
                    )
                ) from error
            finally:
                self._running.discard(cursor)

    def stop(self) -> None:
        """End all queries, and answer no others: both raise StoppedError."""
        self._is_stopped = True
        for cursor in self._running.copy():
            cursor.interrupt()

    def _check_running(self) -> None:
        if self._is_stopped:
            raise StoppedError(Problem("the inspector", "is ending", "start it again: codemill inspect"))

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


class _time_limit:
    """Interrupts the cursor's query after some seconds."""

    def __init__(self, cursor: "duckdb.DuckDBPyConnection", seconds: float | None) -> None:
        self._timer = None if seconds is None else threading.Timer(seconds, cursor.interrupt)

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
