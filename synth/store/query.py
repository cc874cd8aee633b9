"""DuckDB in memory over the Parquet shards of a run: how every view reads. A thin adapter.

The one rule: nothing is opened for writing and no rows are cached, so a run can be watched while it is
written. DuckDB checks no checksums, so every file's seal is checked before DuckDB reads it.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.errors import Problem, StoreError, UserError
from synth.store.seals import check_files

if TYPE_CHECKING:
    import duckdb


class Shards:
    """The shards of one run folder that hold decisions and entered units, and queries over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def index_files(self) -> list[str]:
        """Decisions of all stages."""
        return checked_names(self.folder.glob("index/*/*.parquet"))

    def entered_files(self) -> list[str]:
        """Units that entered the stages."""
        return checked_names(self.folder.glob("entered/*/*.parquet"))

    def query(self, sql: str, files: Sequence[str], *values: object) -> list[dict[str, Any]]:
        """Rows of a query whose first parameter is the list of files, as `FROM read_parquet(?)`. No
        files, no rows."""
        return run_query(sql, [list(files), *values]) if files else []


def run_query(sql: str, values: Sequence[object]) -> list[dict[str, Any]]:
    """All rows of one query. Raises StoreError when a shard cannot be read."""
    return list(stream_query(sql, values))


def stream_query(sql: str, values: Sequence[object]) -> Iterator[dict[str, Any]]:
    """The rows of one query, a thousand in memory at a time. Raises StoreError when a shard
    cannot be read."""
    with _connection().cursor() as cursor:
        yield from _rows(cursor, sql, values)


Ask = Callable[..., list[dict[str, Any]]]
"""(query, values): its rows."""


@contextmanager
def with_tables() -> Iterator[Ask]:
    """Several queries with temporary tables between them, which are gone at the end."""
    with _connection().cursor() as cursor:
        yield lambda sql, *values: list(_rows(cursor, sql, values))


def _rows(
    cursor: "duckdb.DuckDBPyConnection", sql: str, values: Sequence[object]
) -> Iterator[dict[str, Any]]:
    import duckdb

    try:
        cursor.execute(sql, values)
        names = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(1000):
            yield from (dict(zip(names, row, strict=True)) for row in rows)
    except duckdb.Error as error:
        raise StoreError(
            Problem(
                "the shards of the run",
                f"cannot be read, so a file was damaged after codemill wrote it: {error}",
                "check the run: codemill fsck RUN",
            )
        ) from error


@cache
def _connection() -> "duckdb.DuckDBPyConnection":
    """One in-memory database per process. It holds no rows, only cached footers of shards."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET parquet_metadata_cache = true")
    return connection


def check_known(what: str, value: str | None, known: Iterable[str], fix: str) -> None:
    """Raise UserError with the nearest names if the value is given but unknown."""
    names = sorted(set(known))
    if value is None or value in names:
        return
    near = difflib.get_close_matches(value, names, n=3, cutoff=0.5) or names[:8]
    expected = (
        f"is unknown; expected one of: {', '.join(near)}" if near else f"is unknown: there is no {what} yet"
    )
    raise UserError(Problem(f"{what} {value!r}", expected, fix))


def parse_page_key(text: str) -> list[object]:
    """Round, stage, shard and unit id of a page key `1/solve/0003/solution-0f3a`. Raises UserError."""
    round, *rest = text.split("/", 3)
    if not round.isdecimal() or len(rest) != 3:
        raise UserError(
            Problem(
                f"page key {text!r}",
                "is not a key that an earlier page printed, such as 1/solve/0003/solution-0f3a",
                "copy the whole key",
            )
        )
    return [int(round), *rest]


def checked_names(paths: Iterable[Path]) -> list[str]:
    """Names of files for DuckDB to read, in order. Raises StoreError for a damaged one."""
    names = sorted(str(path) for path in paths)
    check_files(names)
    return names
