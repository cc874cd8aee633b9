"""The tests of one program beside what it returned: for the tab of a unit and the matrix of a pair.

The one rule: only what was recorded is said. Where a run kept no log of a program, a test of which nothing is
known is `unknown`, never right or wrong.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from pydantic import JsonValue

from synth.inspector.differences import Piece, diff_words
from synth.inspector.shown import Cut, cut
from synth.program_log import LoggedCase, ProgramLog
from synth.records import FunctionContract, Outcome, Phase, Record, TestSuite, Verdict
from synth.replay import words_of

State = Literal["right", "wrong", "unknown", "unrun"]

_MOST_VALUE: Final = 4000
_FIRST_FAILURE: Final = re.compile(r"case (\d+), input (?:.*): expected .*, found (.*)\Z", re.DOTALL)


class ShownCase(Record):
    """One test, and what the program made of it. `pieces` mark where expected and found differ."""

    index: int
    is_hidden: bool
    """Whether selection never saw it."""
    state: State
    input: Cut
    expected: Cut
    found: Cut | None = None
    """None if nothing was recorded; a right one returned what was expected."""
    expected_pieces: tuple[Piece, ...] = ()
    found_pieces: tuple[Piece, ...] = ()
    is_bare: bool = False
    """Whether only the result was stored: input and expected value are empty."""


def cases_of(suite: TestSuite, verdict: Verdict | None, log: ProgramLog | None) -> tuple[ShownCase, ...]:
    """Every test of the suite, as far as the run says what happened."""
    logged = {case.index: case for case in log.cases} if log else {}
    never_ran = (log is not None and log.phase is not Phase.RUN) or (
        verdict is not None and verdict.outcome in (Outcome.COMPILE_ERROR, Outcome.PARSE_ERROR)
    )
    hidden_from = len(suite.cases) - suite.hidden
    return tuple(
        _shown(suite, at, at >= hidden_from, _result(suite, at, verdict, logged.get(at), never_ran))
        for at in range(len(suite.cases))
    )


def answered_cases(fields: Mapping[str, JsonValue]) -> tuple[ShownCase, ...]:
    """The results in an answer of `codemill verify`, which holds neither inputs nor expected values."""
    cases = fields.get("cases")
    return tuple(
        _bare(case)
        for case in (cases if isinstance(cases, list) else [])
        if isinstance(case, dict) and isinstance(case.get("index"), int)
    )


def _bare(case: Mapping[str, JsonValue]) -> ShownCase:
    said = str(case.get("error") or case.get("found") or "")
    ran = case.get("status") != "missing"
    return ShownCase(
        index=int(str(case["index"])),
        is_hidden=False,
        state="right" if case.get("passed") is True else "wrong" if ran else "unrun",
        input=cut(""),
        expected=cut(""),
        found=cut(said, _MOST_VALUE) if said else None,
        found_pieces=(Piece(text=cut(said, _MOST_VALUE).text),) if said else (),
        is_bare=True,
    )


class _Result(NamedTuple):
    state: State
    found: Cut | None = None


def _result(
    suite: TestSuite, at: int, verdict: Verdict | None, logged: LoggedCase | None, never_ran: bool
) -> _Result:
    if verdict is not None and verdict.outcome is Outcome.PASS:
        return _Result("right")
    if never_ran or (logged is not None and logged.status == "missing"):
        return _Result("unrun")
    if logged is not None:
        return _Result("right") if logged.is_right else _Result("wrong", _found(suite, logged))
    first = _FIRST_FAILURE.match(verdict.first_failure) if verdict else None
    if first is not None and int(first[1]) == at:
        return _Result("wrong", cut(first[2], _MOST_VALUE))
    return _Result("unknown")


def _shown(suite: TestSuite, at: int, is_hidden: bool, result: _Result) -> ShownCase:
    case = suite.cases[at]
    expected = cut(f"an error ({case.raises})" if case.raises else _value(suite, case.expected), _MOST_VALUE)
    pieces = diff_words(expected.text, result.found.text) if result.found else ((), ())
    return ShownCase(
        index=at,
        is_hidden=is_hidden,
        state=result.state,
        input=cut(", ".join(_value(suite, one) for one in case.arguments), _MOST_VALUE),
        expected=expected,
        found=result.found,
        expected_pieces=pieces[0],
        found_pieces=pieces[1],
    )


def _found(suite: TestSuite, logged: LoggedCase) -> Cut:
    """An error is words; an output that was cut is no whole wire text."""
    if logged.status == "raised" or logged.length > len(logged.found):
        return cut(logged.found, _MOST_VALUE, logged.length)
    return cut(_value(suite, logged.found), _MOST_VALUE)


def _value(suite: TestSuite, text: str) -> str:
    """A value as a person writes it; what goes through stdin and stdout as it is."""
    return words_of(suite, text) if isinstance(suite.contract, FunctionContract) else text
