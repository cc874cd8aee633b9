"""Few inputs that are hard to pass: chosen for the mutants of a reference that they catch, in two halves.

Place in the flow: the search (`stages/strengthen.py`) runs mutants on many inputs, and asks here which inputs
to keep. The one rule: a mutant is caught where the judge of solutions would see it; one that no input catches
is undecided, never called equivalent.
"""

from collections.abc import Sequence
from typing import NamedTuple

from synth.execution.verdict import judge_cases
from synth.records import Observation, Phase, TestSuite
from synth.rules.choose_inputs import choose_inputs

ENOUGH = 12
"""Inputs that a suite has where there are as many: programs go wrong in ways that no mutant shows. After
these, another one has to catch a program that none has caught."""


def find_wrong(seen: Observation, suite: TestSuite) -> list[bool] | None:
    """Where a program's answers are wrong; None if it was never run. Of a program that was stopped or died,
    the case that it was at is wrong, and what comes after it says nothing."""
    if seen.phase is not Phase.RUN or seen.infrastructure is not None or seen.toolchain_missing is not None:
        return None
    answered = {found.index for found in seen.cases if found.status != "missing"}
    right = judge_cases(seen, suite, seen.request_id).right
    wrong = [at in answered and not is_right for at, is_right in enumerate(right)]
    lost = next((at for at in range(len(right)) if at not in answered), None)
    if lost is not None:
        wrong[lost] = True
    return wrong


class Choice(NamedTuple):
    """Indices of the chosen inputs: those that selection sees, and those that it does not."""

    open: list[int]
    hidden: list[int]


def choose_suite(
    wrong: Sequence[Sequence[bool]],
    answers: Sequence[str],
    *,
    first: int = 0,
    maximum: int,
    minimum: int,
    hides: bool,
) -> Choice:
    """The inputs to keep. `wrong[program][input]` says which wrong programs an input catches; `answers` are
    the reference's. The `first` inputs were written by people and come before all others, up to half of the
    maximum. Both halves catch what can be caught twice."""
    rows = [[None if hit else answer for hit, answer in zip(row, answers, strict=True)] for row in wrong]
    chosen = choose_inputs(
        rows,
        maximum,
        minimum=max(minimum, ENOUGH),
        reference=answers,
        first=range(min(first, maximum // 2)),
        enough=ENOUGH,
    )
    if not hides:
        return Choice(chosen, [])
    return _halves(chosen, wrong)


def _halves(chosen: list[int], wrong: Sequence[Sequence[bool]]) -> Choice:
    """Two halves of one strength: the strongest inputs first, each to the half that gains more by it."""
    catches = {at: {number for number, row in enumerate(wrong) if row[at]} for at in chosen}
    halves: tuple[list[int], list[int]] = ([], [])
    caught: tuple[set[int], set[int]] = (set(), set())
    most = (len(chosen) + 1) // 2
    for at in sorted(chosen, key=lambda at: (-len(catches[at]), at)):
        gains = [len(catches[at] - caught[side]) if len(halves[side]) < most else -1 for side in (0, 1)]
        side = 0 if (gains[0], len(halves[1])) >= (gains[1], len(halves[0])) else 1
        halves[side].append(at)
        caught[side].update(catches[at])
    return Choice(sorted(halves[0]), sorted(halves[1]))


def with_hidden_half(suite: TestSuite) -> TestSuite:
    """The suite with every second case hidden, for one whose cases were not chosen."""
    cases = (*suite.cases[::2], *suite.cases[1::2])
    return suite.model_copy(update={"cases": cases, "hidden": len(suite.cases) // 2})
