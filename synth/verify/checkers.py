"""Checkers: programs that decide which outputs are right, each run in a sandbox of its own.

Place in the flow: observation of a row's program -> a request that runs the row's checker on its outputs ->
which cases it accepted. The one rule: what a checker does wrong (a crash, a loop, an exit code that neither
accepts nor refuses) is a fault with a reason, never a label of the program; the program's outputs are data,
and its process is gone.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from synth.comparison_rules import CheckerRule
from synth.execution.protocol import Sandbox
from synth.execution.verdict import failure_words
from synth.languages.registry import get_language
from synth.records import (
    CaseObservation,
    CheckCall,
    CheckedCase,
    ExecutionRequest,
    Observation,
    Outcome,
    Phase,
    Stop,
    TestSuite,
)
from synth.verify.rows import Prepared

_ACCEPTED: Final = "0"
_SHOWN: Final = 300


class CheckerAnswer(NamedTuple):
    """What a row's checker said."""

    accepted: frozenset[int] = frozenset()
    words: tuple[tuple[int, str], ...] = ()
    """What it wrote about each case that it refused."""
    fault: str = ""
    """Why it could not be asked about one of the cases; empty if it could."""
    outcome: Outcome = Outcome.INFRASTRUCTURE
    """With a fault: the verdict that says so."""

    def refusal(self) -> str:
        """The first refusal, in words."""
        if not self.words:
            return ""
        index, said = self.words[0]
        return f"case {index}: the checker refused the output. {said}".strip()


async def run_checkers(
    sandbox: Sandbox, rows: Sequence[Prepared], observations: Sequence[Observation]
) -> list[CheckerAnswer | None]:
    """What the checkers of these rows say about the outputs; None for a row without one."""
    asked = [checker_request(row, observation) for row, observation in zip(rows, observations, strict=True)]
    requests = [request for request in asked if request is not None]
    seen = iter(await sandbox.execute(requests) if requests else [])
    return [
        _checked(observation, row.suite, request, next(seen))
        if request is not None
        else CheckerAnswer()
        if isinstance(row.suite.compare, CheckerRule)
        else None
        for row, observation, request in zip(rows, observations, asked, strict=True)
    ]


def checker_request(row: Prepared, observation: Observation) -> ExecutionRequest | None:
    """The run of the row's checker on every output that can be right; None if there is nothing to check."""
    rule = row.suite.compare
    if not isinstance(rule, CheckerRule):
        return None
    cases = tuple(
        CheckedCase(
            input="".join(row.suite.cases[case.index].arguments),
            output=case.output or "",
            expected=row.suite.cases[case.index].expected,
        )
        for case in _to_check(observation, row.suite)
    )
    if not cases:
        return None
    return ExecutionRequest(
        id=f"{row.request.id} (checker)",
        language=rule.language,
        code=rule.code,
        call=CheckCall(cases=cases),
        limits=row.checker_limits,
    )


def _to_check(observation: Observation, suite: TestSuite) -> list[CaseObservation]:
    if observation.phase is not Phase.RUN:
        return []
    return [
        case
        for case in observation.cases
        if case.status == "returned" and case.is_text and case.index < len(suite.cases)
    ]


def _checked(
    observation: Observation, suite: TestSuite, request: ExecutionRequest, seen: Observation
) -> CheckerAnswer:
    if seen.toolchain_missing is not None:
        words = f"the checker is written in {request.language}. Install it: {seen.toolchain_missing}"
        return CheckerAnswer(fault=words, outcome=Outcome.TOOLCHAIN_MISSING)
    if seen.infrastructure is not None:
        return CheckerAnswer(fault=f"the checker could not be run: {seen.infrastructure}")
    if seen.phase is not Phase.RUN:
        return CheckerAnswer(fault=f"the checker does not {seen.phase.value}: {failure_words(seen)}")
    asked = [case.index for case in _to_check(observation, suite)]
    accepted, refused, fault = set[int](), list[tuple[int, str]](), ""
    for index, case in zip(asked, seen.cases, strict=False):
        if wrong := _fault(case, seen, request.language):
            fault = fault or f"case {index}: {wrong}"
        elif case.output == _ACCEPTED:
            accepted.add(index)
        else:
            refused.append((index, _stderr_of(case).strip()[:_SHOWN]))
    return CheckerAnswer(frozenset(accepted), tuple(refused), fault)


def _fault(case: CaseObservation, seen: Observation, language: str) -> str:
    """Why the checker's end is no answer; empty if it is one."""
    if case.status == "missing":
        stop = "before it" if seen.stop is Stop.NONE else f"by its {seen.stop.value} limit"
        return f"the checker was stopped {stop}"
    failures = get_language(language).failures
    says_so = case.output in {*map(str, failures.refusals)}
    refused = says_so and not _uncaught(language).search(_stderr_of(case))
    if case.output != _ACCEPTED and not refused:
        listed = ", ".join(map(str, failures.refusals))
        return f"the checker {(case.error or '').strip()} (0 accepts; {listed} refuses)"[: 2 * _SHOWN]
    return ""


def _stderr_of(case: CaseObservation) -> str:
    return (case.error or "").partition(". ")[2]


@cache
def _uncaught(language: str) -> re.Pattern[str]:
    """What the language writes when an exception that nobody caught ends a program as a refusal would."""
    patterns = get_language(language).failures.uncaught
    return re.compile("|".join(patterns) or r"(?!)", re.MULTILINE)
