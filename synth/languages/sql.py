"""SQL by SQLite: stdin/stdout programs; the lines of stdin are the rows of the table `stdin(line)`."""

from synth.grammar.trees import ParseError, native_error
from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import FailureWords, Language, Script


def check(code: str) -> ParseError | None:
    """The first syntax error by SQLite's own parser, or None. Raises UnparsedError."""
    return native_error(code, "sqlite")


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
    failures=FailureWords(uncaught=("^(?:Parse|Runtime) error near line ",)),
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
