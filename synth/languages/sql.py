"""SQL by SQLite: stdin/stdout programs; the lines of stdin are the rows of the table `stdin(line)`."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from synth.grammar.trees import ParseError
from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import Language, Script

_SYNTAX = re.compile(r"syntax error|incomplete input|unrecognized token")
_ACTING = (sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)
_EXPLAIN = re.compile(r"\A(?:\s*explain\b(?:\s+query\s+plan\b)?)?", re.IGNORECASE)
_EMPTY = re.compile(r"(?>--[^\n]*|/\*.*?\*/|[\s;])*+", re.DOTALL)
_MOST_PIECES = 200
"""Maximum pieces of one statement between semicolons, of which a trigger has several. Longer ones
are not checked."""


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


def check(code: str) -> ParseError | None:
    """The first syntax error by SQLite's own parser, with the line where its statement begins. Nothing is
    run: statements are only explained, and none may change a setting."""
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
                    return ParseError(start, str(error))
    return None


_CHECKED = ".bail on\nPRAGMA ignore_check_constraints = OFF;"
"""Restores the settings that end a failed script, since a program may switch them off."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Lines with a dot are read only while no statement is open."""
    return {"main.sql": f"{code}\n;\n{_CHECKED}\n{script}\n;\n.shell printf {mark} >&3\n"}


LANGUAGE = Language(
    name="sql",
    aliases=("sqlite", "sqlite3"),
    file_name="main.sql",
    tools=("sqlite3",),
    install="apt-get install -y sqlite3",
    check=check,
    display_name="SQL",
    run_command=(
        "{sqlite3}",
        "-batch",
        "-bail",
        "-cmd",
        "CREATE TABLE stdin(line TEXT);",
        "-cmd",
        ".mode ascii",
        "-cmd",
        '.separator "\\037" "\\n"',
        "-cmd",
        ".import '|cat' stdin",
        "-cmd",
        ".mode list",
        "-cmd",
        '.separator "|" "\\n"',
        ":memory:",
        ".read main.sql",
    ),
    script=Script(files=_script),
    hello="""WITH RECURSIVE words(word, rest) AS (
  SELECT '', line || ' ' FROM stdin
  UNION ALL
  SELECT substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM words WHERE rest <> ''
)
SELECT sum(CAST(word AS INTEGER)) FROM words;
""",
    samples=ConformancePrograms(
        wrong="SELECT 5;\n",
        hanging="WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n;\n",
        crashing="SELECT * FROM absent;\n",
        broken="SELECT ( FROM stdin;\n",
        script=ScriptPrograms(
            right="CREATE VIEW twice AS SELECT x, x + x AS y FROM numbers",
            wrong="""PRAGMA ignore_check_constraints = ON;
CREATE VIEW twice AS SELECT x, x * x * x AS y FROM numbers;""",
            script="""CREATE TABLE numbers(x);
INSERT INTO numbers VALUES (3), (0);
CREATE TABLE checks(ok CONSTRAINT assertion CHECK (ok));
INSERT INTO checks SELECT (SELECT y FROM twice WHERE x = 3) IS 6;
""",
            leaving=(
                ".quit",
                ".exit 0",
                "/*",
                "SELECT '",
            ),
            hiding=""".bail off
PRAGMA ignore_check_constraints = ON;
CREATE VIEW twice AS SELECT x, 0 AS y FROM numbers;""",
        ),
    ),
)
