"""What SQLite's own parser says of usual and of hostile programs."""

import pytest

from synth.languages.sql import check
from tests.cpu_time import cpu_time

USUAL = (
    "SELECT absent; -- the end\n",
    "-- a head\n;SELECT 1; /* a; tail */",
    "explain query plan SELECT 1;",
    "CREATE TABLE t(x, CONSTRAINT small CHECK (x < 9));\n.print said\nPRAGMA foreign_keys = ON;",
    (
        "CREATE TRIGGER a BEFORE INSERT ON t BEGIN SELECT 1; SELECT 2; END; INSERT OR IGNORE INTO t VALUES "
        "('it''s; so');"
    ),
    "SELECT '\ud800\0'",
)
BROKEN = (
    "SELECT ( FROM t;",
    "SELECT 'a",
    "SELECT 1; /* open",
    "CREATE TRIGGER a BEFORE INSERT ON t BEGIN SELECT 1; END; SELECT (;",
)
HOSTILE = (
    ";" * 400_000,
    "'" + ";" * 400_000,
    "SELECT '" + ";\n" * 200_000,
    "/* */" * 100_000 + "x",
    "SELECT 1;" * 40_000,
    "(" * 400_000,
)


@pytest.mark.parametrize("code", USUAL)
def test_usual_programs_parse(code: str) -> None:
    assert check(code) is None


@pytest.mark.parametrize("code", BROKEN)
def test_broken_programs_do_not(code: str) -> None:
    assert check(code) is not None


@pytest.mark.parametrize("code", HOSTILE, ids=range(len(HOSTILE)))
def test_no_program_takes_the_parser_long(code: str) -> None:
    with cpu_time() as used:
        check(code)
    assert used.seconds < 5
