"""Weights of the checklist, fitted to examples that people labelled good or bad.

Place in the flow: labelled points -> here -> weights for `data.checklist`. Pure, and the same for the same
rows in any order. A logistic regression whose weights are 0 or more: no point may count against a sample.
The one rule: how well the weights tell good from bad is measured on rows that they were not fitted to.
"""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Final, NamedTuple

from synth.checklist_config import MEASURED_POINTS
from synth.ids import content_hash

FOLDS: Final = 5
LEAST: Final = 2 * FOLDS
"""Rows of each kind that a fit needs: two in every fold."""
_STEPS: Final = 2000
_RATE: Final = 0.5
_SHRINK: Final = 1e-3
"""Ridge penalty: without it, weights of rows that are told apart perfectly grow for ever."""


class LabelledPoints(NamedTuple):
    """The points of one program, and whether it is good."""

    points: Mapping[str, float]
    good: bool


class FittedWeights(NamedTuple):
    """Weights that sum to 1, the area under the curve on rows held out, and how many rows there were."""

    weights: dict[str, float]
    auc: float
    good: int
    bad: int


def fit_weights(rows: Sequence[LabelledPoints]) -> FittedWeights:
    """Fit weights to labelled points. Points that are the same in all rows get none.

    Raises ValueError with too few rows of a kind, and where no point tells the kinds apart.
    """
    good = sum(row.good for row in rows)
    if min(good, len(rows) - good) < LEAST:
        raise ValueError(f"{good} good and {len(rows) - good} bad rows: each kind needs {LEAST}")
    names = [name for name in MEASURED_POINTS if len({row.points[name] for row in rows}) > 1]
    ordered = sorted(rows, key=_place)
    held_out: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        weights = _regress([row for at, row in enumerate(ordered) if at % FOLDS != fold], names)
        held_out += [(_score(row, weights), row.good) for row in ordered[fold::FOLDS]]
    weights = _regress(ordered, names)
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("no point is higher in good rows than in bad ones")
    shares = {name: round(weight / total, 4) for name, weight in weights.items() if weight > 0}
    return FittedWeights(shares, area_under_curve(held_out), good, len(rows) - good)


def area_under_curve(scored: Sequence[tuple[float, bool]]) -> float:
    """The chance that a good row scores higher than a bad one; half a chance where they are level. Takes rows
    of both kinds."""
    ranked = sorted(scored)
    wins = level = 0.0
    bad_below = at = 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        good_here = sum(good for _, good in ranked[at:end])
        wins += good_here * bad_below
        level += good_here * (end - at - good_here)
        bad_below += end - at - good_here
        at = end
    good_all = sum(good for _, good in scored)
    return (wins + level / 2) / (good_all * (len(scored) - good_all))


def _place(row: LabelledPoints) -> str:
    return content_hash(str(row.good), *(f"{row.points[name]:.6f}" for name in MEASURED_POINTS))


def _score(row: LabelledPoints, weights: Mapping[str, float]) -> float:
    return sum(weight * row.points[name] for name, weight in weights.items())


def _regress(rows: Sequence[LabelledPoints], names: Sequence[str]) -> dict[str, float]:
    """Projected gradient descent on the mean loss, each kind of row with the same weight in all."""
    weights, bias = dict.fromkeys(names, 0.0), 0.0
    good = sum(row.good for row in rows)
    shares = {True: 0.5 / good, False: 0.5 / (len(rows) - good)}
    for _ in range(_STEPS):
        slopes, slope = {name: _SHRINK * weight for name, weight in weights.items()}, 0.0
        for row in rows:
            error = shares[row.good] * (_sigmoid(bias + _score(row, weights)) - row.good)
            slope += error
            for name in names:
                slopes[name] += error * row.points[name]
        bias -= _RATE * slope
        weights = {name: max(0.0, weight - _RATE * slopes[name]) for name, weight in weights.items()}
    return weights


def _sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))
