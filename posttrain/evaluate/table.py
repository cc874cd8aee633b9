"""The result tables of a run: one row per policy, overall and by language, with 95% intervals, and the paired
differences between policies. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from posttrain.evaluate.evaluation import Evaluation, Measure, Scores
from posttrain.evaluate.paired import PairedDifference, paired_difference


class ResultTable(NamedTuple):
    title: str
    heads: list[str]
    rows: list[list[object]]


def result_table(evaluations: Sequence[Evaluation]) -> ResultTable:
    """Totals for all policies, and figures by language for the first and the last. Needs at
    least one evaluation."""
    ks = _ks(evaluations)
    rows = [_row(evaluation.policy, "all", evaluation.total, ks) for evaluation in evaluations]
    for evaluation in (evaluations[0], evaluations[-1])[: len(evaluations)]:
        rows += [
            _row(evaluation.policy, language, scores, ks) for language, scores in evaluation.languages.items()
        ]
    return ResultTable(
        f"Held-out tasks ({evaluations[0].suite}), asked as chats, percent with 95% intervals over tasks",
        ["policy", "language", "questions", "greedy", *(f"pass@{k}" for k in ks), "tokens"],
        rows,
    )


def difference_table(evaluations: Sequence[Evaluation]) -> ResultTable | None:
    """Each policy against the first one, and against the one before it; None for one evaluation alone."""
    first, ks = evaluations[0], _ks(evaluations)
    pairs = [(first, later) for later in evaluations[1:]]
    pairs += [(one, later) for one, later in pairwise(evaluations) if one is not first]
    if not pairs:
        return None
    return ResultTable(
        f"The same tasks ({first.suite}), paired differences in points with 95% intervals over tasks",
        ["policy", "minus", "greedy", *(f"pass@{k}" for k in ks)],
        [
            [
                later.policy,
                one.policy,
                *(show_difference(paired_difference(one.answered, later.answered, k)) for k in (None, *ks)),
            ]
            for one, later in pairs
        ],
    )


def _ks(evaluations: Sequence[Evaluation]) -> list[int]:
    return sorted({k for evaluation in evaluations for k in evaluation.total.pass_at})


def _row(policy: str, language: str, scores: Scores, ks: Sequence[int]) -> list[object]:
    figures = [show_measure(scores.greedy), *(show_measure(scores.pass_at.get(k)) for k in ks)]
    return [policy, language, scores.questions, *figures, f"{scores.tokens:,}"]


def show_measure(measure: Measure | None) -> str:
    """Percent with the interval; a dash where there is none."""
    if measure is None:
        return "-"
    value, low, high = (100 * share for share in (measure.value, measure.low, measure.high))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def show_difference(difference: PairedDifference | None) -> str:
    """Points with their sign and the interval; a dash where there is none."""
    if difference is None:
        return "-"
    value, low, high = (100 * share for share in (difference.value, difference.low, difference.high))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"
