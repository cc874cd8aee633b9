"""Parse checks by a language's own parser instead of a grammar, where Python brings it: Python, SQLite.

Place in the flow: `parser_worker.py` runs them, so that hostile text meets these parsers in its process only.
The one rule: nothing of the text is run.
"""

import ast
import re
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Final

Found = tuple[int, str]
"""The line of the first error, from 1, and the message."""

_SYNTAX = re.compile(r"syntax error|incomplete input|unrecognized token")
_ACTING = (sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)
_EXPLAIN = re.compile(r"\A(?:\s*explain\b(?:\s+query\s+plan\b)?)?", re.IGNORECASE)
_EMPTY = re.compile(r"(?>--[^\n]*|/\*.*?\*/|[\s;])*+", re.DOTALL)
_MOST_PIECES = 200
"""Maximum pieces of one statement between semicolons, of which a trigger has several. Longer ones
are not checked."""


def check_python(code: str) -> Found | None:
    """The first syntax error by Python's own parser."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        return error.lineno or 1, error.msg[:200]
    except (ValueError, RecursionError, MemoryError) as error:
        return 1, f"{type(error).__name__}: {error}"[:200]
    return None


def check_sqlite(code: str) -> Found | None:
    """The first syntax error by SQLite's own parser, with the line where its statement begins. Statements are
    only explained, and none may change a setting."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_DENY if action in _ACTING else sqlite3.SQLITE_OK
        )
        line = 1
        for statement in _statements(code):
            start = line + statement[: len(statement) - len(statement.lstrip())].count("\n")
            line += statement.count("\n")
            if _EMPTY.fullmatch(statement):
                continue
            try:
                connection.execute(_EXPLAIN.sub("EXPLAIN ", statement)).close()
            except (sqlite3.Error, sqlite3.Warning) as error:
                if _SYNTAX.search(str(error)):
                    return start, str(error)
    return None


def _statements(code: str) -> Iterator[str]:
    """The statements, each with its semicolon; the last one may be incomplete. Lines with a dot are
    for the shell."""
    pieces: list[str] = []
    plain = code.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    for piece in re.sub(r"^\.[^\n]*$", "", plain, flags=re.MULTILINE).split(";"):
        pieces.append(piece)
        if len(pieces) <= _MOST_PIECES and sqlite3.complete_statement(f"{';'.join(pieces)};"):
            yield f"{';'.join(pieces)};"
            pieces.clear()
    if len(pieces) <= _MOST_PIECES:
        yield ";".join(pieces)


NATIVE: Final[Mapping[str, Callable[[str], Found | None]]] = {
    "cpython": check_python,
    "sqlite": check_sqlite,
}
