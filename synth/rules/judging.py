"""What a model's comparison of two answers is worth: read strictly, asked in both orders, and checked on
items whose truth is known.

Place in the flow: for what no execution can judge. The one rule: no opinion is guessed; an answer that is not
one of the asked words, a tie, and two orders that disagree decide nothing, each with its reason.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from synth.proportions import Interval, wilson_interval

LONGEST_ANSWER: Final = 200
"""Characters of an answer that can be a choice. A longer one is prose."""


class Favoured(StrEnum):
    """What a judge may answer about two answers, by their places."""

    FIRST = "first"
    SECOND = "second"
    SAME = "same"


class Abstention(StrEnum):
    """Why a judge decided nothing."""

    MALFORMED = "judge_malformed"
    POSITION = "judge_position"
    """The same place was preferred in both orders."""
    TIE = "judge_tie"
    """In one of the two orders at least, the answers were called the same."""


class Control(NamedTuple):
    """One answer of a judge about two answers of which one is known to be better."""

    better: Favoured
    """The place of the better answer."""
    answer: str


class JudgeRecord(NamedTuple):
    """How a judge did on the controls. Shares are of all controls."""

    controls: int
    right: float
    interval: Interval
    malformed: float
    first: float
    same: float

    def can_judge(self, at_least: float) -> bool:
        """Whether the lower bound of its accuracy reaches this. One that always answers the same is right
        half of the time at most."""
        return self.interval.low >= at_least


def read_preference(answer: str) -> Favoured | None:
    """The choice that is the whole answer, whatever its case, with at most a full stop after it; None for
    anything else."""
    if len(answer) > LONGEST_ANSWER:
        return None
    word = answer.strip().removesuffix(".").lower()
    return next((choice for choice in Favoured if choice.value == word), None)


def compare_orders(forward: str, backward: str) -> Favoured | Abstention:
    """Which of two answers is better, FIRST or SECOND in the forward order, from the judge's answers in both
    orders."""
    one, other = read_preference(forward), read_preference(backward)
    if one is None or other is None:
        return Abstention.MALFORMED
    if Favoured.SAME in (one, other):
        return Abstention.TIE
    return Abstention.POSITION if one is other else one


def record_judge(controls: Sequence[Control]) -> JudgeRecord:
    """What the controls say of their judge. A malformed answer is a wrong one.

    Raises ValueError without controls, and if the better answers do not stand in both places equally often: a
    judge that prefers one place would seem to know.
    """
    total = len(controls)
    if sum(control.better is Favoured.FIRST for control in controls) * 2 != total or not total:
        raise ValueError("controls: half of the better answers must stand in the first place")
    choices = [read_preference(control.answer) for control in controls]
    right = sum(choice is control.better for choice, control in zip(choices, controls, strict=True)) / total

    def share(wanted: Favoured | None) -> float:
        return sum(choice is wanted for choice in choices) / total

    return JudgeRecord(
        total,
        right,
        wilson_interval(right, total),
        share(None),
        share(Favoured.FIRST),
        share(Favoured.SAME),
    )
