"""Which programs are shown again, what is said about them, and what an answer about one has to be.

Place in the flow: the stages of repair turns, repair tasks and reviews ask here. The one rule: pure; whether
a program is right is decided by execution alone.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

from synth.filters.protocol import Reject
from synth.languages.code_tokens import code_tokens, normalize_code
from synth.program_log import ProgramLog
from synth.prompts.answers import read_code
from synth.prompts.inputs_answer import extract_inputs
from synth.prompts.reasoning import without_reasoning
from synth.records import FunctionContract, Outcome, Solution, TestSuite, Verdict
from synth.rules.result_analysis import analyze
from synth.values import Signature, parse_signature

NO_LABEL: Final = frozenset(
    (Outcome.PASS, Outcome.VACUOUS, Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING)
)
"""Outcomes that do not show that a program is wrong."""
_MOST_TOKENS: Final = 4000
_FIELD: Final = re.compile(
    r"^[* \t]*(verdict|input|expected|actual|fault)[* \t]*:[* \t]*(.*?)[ \t]*$", re.I | re.M
)
_MOST_FAULT: Final = 1200


def failing(solutions: Iterable[Solution], verdicts: dict[str, Verdict], most: int) -> list[Solution]:
    """The first distinct programs that failed, at most so many; layout makes no other program."""
    found: dict[str, Solution] = {}
    for one in solutions:
        if one.id in verdicts and verdicts[one.id].outcome not in NO_LABEL:
            found.setdefault(normalize_code(one.code, one.language), one)
    return list(found.values())[:most]


def say(
    how: Literal["analysis", "failure", "none"],
    suite: TestSuite,
    log: ProgramLog | None,
    outcome: Outcome,
    code: str,
) -> str:
    """What is said about a program that failed; from open cases only."""
    found = analyze(suite, log, outcome, code) if log is not None else None
    if how == "none" or found is None:
        return "The program is wrong: it does not do what the task asks for."
    if how == "analysis":
        return found.text
    return f"The first failing test: {found.first_failure}" if found.first_failure else found.summary


def share_changed(before: str, after: str, language: str) -> float:
    """Share of the tokens of both programs that do not stand in the other, in their order: 0 for programs
    that differ in layout alone."""
    tokens = code_tokens(before, language), code_tokens(after, language)
    if max(map(len, tokens)) > _MOST_TOKENS:
        return 1.0
    return round(1 - SequenceMatcher(None, *tokens, autojunk=False).ratio(), 4)


class Review(NamedTuple):
    """What a review says."""

    is_right: bool
    """Of the program, in the reviewer's words."""
    row: tuple[str, ...] = ()
    """Arguments of its example, as wire text."""
    expected: str = ""
    """Wire text; empty for an error."""
    actual: str = ""
    """The same."""
    fault: str = ""
    code: str = ""


def read_review(text: str, language: str, contract: FunctionContract) -> Review | Reject:
    """The parts of a review, or why it is none: `malformed_review`, and of its program `no_code`."""
    spoken = without_reasoning(text).text
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(spoken):
        fields.setdefault(name.lower(), value.strip("`"))
    verdict = fields.get("verdict", "").lower().strip(" .")
    if verdict == "right":
        return Review(True)
    if verdict != "wrong":
        return Reject("malformed_review", {"lacks": "a verdict: right or wrong"})
    signature = parse_signature(contract.signature)
    rows = extract_inputs(fields.get("input", ""), signature).rows
    expected = _value(fields.get("expected", ""), signature)
    actual = _value(fields.get("actual", ""), signature)
    fault = fields.get("fault", "")[:_MOST_FAULT]
    lacks = [
        name
        for name, value in (("input", rows), ("expected", expected), ("actual", actual), ("fault", fault))
        if value is None or (name in ("input", "fault") and not value)
    ]
    if lacks or expected is None or actual is None:
        return Reject("malformed_review", {"lacks": ", ".join(lacks)})
    code = read_code(text, language, contract.asked_name).code
    if not code:
        return Reject("no_code")
    return Review(False, rows[0], expected, actual, fault, code)


def _value(text: str, signature: Signature) -> str | None:
    """A result as wire text; empty for an error, None if it is not of the declared type."""
    if text.lower().strip(" .`").removeprefix("an ") == "error":
        return ""
    one = Signature((signature.result,), signature.result)
    rows = extract_inputs(f"[{text}]", one).rows
    return rows[0][0] if rows else None


def same_program(one: str, other: str, language: str) -> bool:
    """Whether two programs differ in layout alone."""
    return normalize_code(one, language) == normalize_code(other, language)


def last_suites(suites: Sequence[TestSuite]) -> dict[str, TestSuite]:
    """The suite of each task; of several the last."""
    return {suite.task_id: suite for suite in suites}
