"""How far agreement can be trusted, measured on tasks whose truth is known: which share of voters must stand
behind a behaviour before it is right often enough.

Place in the flow: `synth.calibration` makes the points from a run; a person puts the threshold into a recipe.
The one rule: a threshold is good only if the lower bound of its precision is, so few tasks give none.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from synth.proportions import Interval, wilson_interval

STEPS = 20
"""Thresholds tried between 0 and 1."""


class CalibrationPoint(NamedTuple):
    """One task with a reference, judged as if it had none."""

    share: float
    """Share of the voters with the behaviour that was ranked first."""
    right: bool
    """Whether that behaviour is the reference's on every input that counts."""


class ThresholdFigures(NamedTuple):
    """What one threshold would accept."""

    threshold: float
    accepted: int
    right: int
    precision: Interval
    """95% interval of the share of accepted tasks whose outputs are right."""


def tabulate(points: Sequence[CalibrationPoint]) -> list[ThresholdFigures]:
    """The figures of each threshold that accepts at least one task, in ascending order."""
    return [figures for step in range(STEPS + 1) if (figures := _figures(points, step / STEPS)).accepted]


def _figures(points: Iterable[CalibrationPoint], threshold: float) -> ThresholdFigures:
    accepted = [point.right for point in points if point.share >= threshold]
    right = sum(accepted)
    interval = wilson_interval(right / len(accepted), len(accepted)) if accepted else Interval(0.0, 1.0)
    return ThresholdFigures(threshold, len(accepted), right, interval)


def choose_threshold(points: Sequence[CalibrationPoint], precision: float) -> ThresholdFigures | None:
    """The smallest threshold from which on every one is as precise as that, by its lower bound; None if there
    is none: agreement should then decide nothing."""
    chosen = None
    for figures in reversed(tabulate(points)):
        if figures.precision.low < precision:
            if chosen is None:
                continue  # few tasks at the top say little by themselves
            break
        chosen = figures
    return chosen
