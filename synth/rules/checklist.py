"""The points of the checklist that can be measured, and the score that weights make of them (Qwen2.5-Coder
report, 4.1).

Place in the flow: scores samples, whose programs have passed. The one rule: an answer without code, or whose
program failed, scores 0, whatever its other points.
"""

from collections.abc import Mapping

from synth.checklist_config import MEASURED_POINTS
from synth.languages.code_tokens import code_tokens
from synth.rules.solution_quality import explained, laid_out, named


def measure_points(code: str, language: str, pass_rate: float, *, passed: bool) -> dict[str, float]:
    """Each measured point, from 0 to 1. `pass_rate` is the share of the task's candidates that pass: the
    smaller it is, the harder the task."""
    return {
        "code_exists": float(bool(code_tokens(code, language))),
        "correctness": float(passed),
        "difficulty": 1 - pass_rate,
        "naming_and_layout": (named(code, language) + laid_out(code)) / 2,
        "comments": explained(code, language),
    }


def score_points(points: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The weighted mean of the points, from 0 to 1; without weights, all have the same."""
    if not points["code_exists"] or not points["correctness"]:
        return 0.0
    used = weights or dict.fromkeys(MEASURED_POINTS, 1.0)
    return sum(weight * points[name] for name, weight in used.items()) / sum(used.values())
