"""The result table of a run: one row per policy, overall and by language, with 95% intervals. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from posttrain.evaluate.evaluation import Evaluation, Measure, Scores


class ResultTable(NamedTuple):
    title: str
    heads: list[str]
    rows: list[list[object]]


def result_table(evaluations: Sequence[Evaluation]) -> ResultTable:
    """Totals for all policies, and figures by language for the first and the last. Needs at
    least one evaluation."""
    ks = sorted({k for evaluation in evaluations for k in evaluation.total.pass_at})
    rows = [_row(evaluation.policy, "all", evaluation.total, ks) for evaluation in evaluations]
    for evaluation in (evaluations[0], evaluations[-1])[: len(evaluations)]:
        rows += [
            _row(evaluation.policy, language, scores, ks) for language, scores in evaluation.languages.items()
        ]
    return ResultTable(
        f"Held-out tasks ({evaluations[0].suite}), percent with 95% intervals over tasks",
        ["policy", "language", "questions", "greedy", *(f"pass@{k}" for k in ks)],
        rows,
    )


def _row(policy: str, language: str, scores: Scores, ks: Sequence[int]) -> list[object]:
    figures = [show_measure(scores.greedy), *(show_measure(scores.pass_at.get(k)) for k in ks)]
    return [policy, language, scores.questions, *figures]


def show_measure(measure: Measure | None) -> str:
    """Percent with the interval; a dash where there is none."""
    if measure is None:
        return "-"
    value, low, high = (100 * share for share in (measure.value, measure.low, measure.high))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"
