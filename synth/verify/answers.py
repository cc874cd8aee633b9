"""The answer of `codemill verify` to one row: the verdict, each case, the cost of the run, the evidence.

Place in the flow: observation + suite -> `verdict.judge` -> `VerifyResult`. Pure. The one rule: the verdict
is the judge's; the only decision made here is how a failed assertion of a test script is labelled.
"""

import json
import re
from functools import cache
from typing import Final

from synth.comparison import shown_value
from synth.execution.verdict import judge_cases
from synth.languages.registry import all_languages
from synth.records import (
    CaseObservation,
    Observation,
    Outcome,
    Record,
    ScriptContract,
    StdioContract,
    TestSuite,
)
from synth.values import ValueSyntaxError
from synth.verify.checkers import CheckerAnswer
from synth.verify.json_values import to_json
from synth.verify.rows import Prepared, Trust

_SHOWN: Final = 500


class CaseAnswer(Record):
    """One case. `found` is JSON text of the value (function) or the output (stdio), cut to 500 characters."""

    index: int
    passed: bool
    status: str
    found: str = ""
    error: str = ""


class VerifyResult(Record):
    """One row's verdict."""

    id: str
    row: int
    """Which row of the input, from 1."""
    key: str
    """Hash of the row and its limits."""
    language: str
    verdict: Outcome
    reason: str = ""
    """In words, where the verdict is not `pass`."""
    passed: int
    total: int
    cases: tuple[CaseAnswer, ...]
    cpu_s: float
    wall_s: float
    peak_memory_mb: float
    level: str
    toolchain: str
    trust: Trust
    """T1: whole output, compared outside. T2: typed values, also outside. T3: tests in the program itself."""
    accepts: tuple[str, ...] = ()
    """With controls: programs that solve nothing and pass the row's tests all the same."""

    def line(self) -> str:
        """One line of JSON, in ASCII."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=True) + "\n"


def make_answer(
    prepared: Prepared, observation: Observation, checked: CheckerAnswer | None = None
) -> VerifyResult:
    """What follows from an observation of a row's program, and from what its checker said, if it has one."""
    suite = prepared.suite
    accepted = None if checked is None else checked.accepted
    verdict, right = judge_cases(observation, suite, prepared.request.id, accepted)
    outcome, reason = verdict.outcome, verdict.first_failure
    if checked is not None and checked.fault and outcome in (Outcome.PASS, Outcome.WRONG_ANSWER):
        outcome, reason = checked.outcome, checked.fault
    elif checked is not None and outcome is Outcome.WRONG_ANSWER:
        reason = checked.refusal() or reason
    if (
        isinstance(prepared.suite.contract, ScriptContract)
        and outcome is Outcome.RUNTIME_ERROR
        and _failed_assertion(observation)
    ):
        outcome = Outcome.WRONG_ANSWER
    return VerifyResult(
        id=prepared.request.id,
        row=prepared.number,
        key=f"{prepared.key:016x}",
        language=prepared.request.language,
        verdict=outcome,
        reason=": ".join(filter(None, (prepared.note, reason))) if outcome is not Outcome.PASS else reason,
        passed=verdict.passed,
        total=verdict.total,
        cases=tuple(
            _case(case, case.index < len(right) and right[case.index], suite) for case in observation.cases
        ),
        cpu_s=round(observation.cpu_s, 6),
        wall_s=round(observation.wall_s, 6),
        peak_memory_mb=round(observation.peak_memory_mb, 3),
        level=observation.level,
        toolchain=observation.toolchain,
        trust=prepared.trust,
    )


@cache
def _assertion() -> re.Pattern[str]:
    """How a failed test says so: by the word itself, or as one of the languages does."""
    words = {words for language in all_languages() for words in language.failures.assertion}
    return re.compile("|".join(["[Aa]ssertion(?!s)", *sorted(words)]), re.MULTILINE)


def _failed_assertion(observation: Observation) -> bool:
    """Whether what ended the script was one of its tests, by what the language said about it."""
    said, assertion = (observation.stderr, observation.stdout), _assertion()
    raised = any(assertion.search(case.error or "") for case in observation.cases)
    return raised or any(assertion.search(output.head) or assertion.search(output.tail) for output in said)


def _case(case: CaseObservation, passed: bool, suite: TestSuite) -> CaseAnswer:
    found = case.output or ""
    if found and not isinstance(suite.contract, StdioContract):
        found = _as_text(found)
    return CaseAnswer(
        index=case.index,
        passed=passed,
        status=case.status,
        found=found[:_SHOWN],
        error=(case.error or "")[:_SHOWN],
    )


def _as_text(wire: str) -> str:
    try:
        return json.dumps(to_json(shown_value(wire)), ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)"
    except ValueSyntaxError:
        return "(a result that cannot be read)"
