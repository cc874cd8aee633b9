"""SQL by SQLite: stdin/stdout programs; the lines of stdin are the rows of the table `stdin(line)`."""

import re

from synth.languages.parsing import tree_error
from synth.languages.spec import Language, Samples, Script

_CHECKED = ".bail on\nPRAGMA ignore_check_constraints = OFF;"
"""A program may switch off what ends a script that fails."""


def check(code: str) -> str | None:
    """The first syntax error, by the grammar, which does not know the shell's own lines (`.mode list`)."""
    return tree_error(re.sub(r"^\.\w.*$", "", code, flags=re.MULTILINE), "sql")


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Lines with a dot are read where no statement is open."""
    return {"main.sql": f"{code}\n;\n{_CHECKED}\n{script}\n;\n.shell printf {mark} >&3\n"}


LANGUAGE = Language(
    name="sql",
    aliases=("sqlite", "sqlite3"),
    file_name="main.sql",
    tools=("sqlite3",),
    install="apt-get install -y sqlite3",
    check=check,
    written="SQL",
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
    samples=Samples(
        wrong="SELECT 5;\n",
        hanging="WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n;\n",
        crashing="SELECT * FROM absent;\n",
        broken="SELECT ( FROM stdin;\n",
    ),
)
