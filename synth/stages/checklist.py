"""Scores samples by the measured points of the checklist.

Entered: samples. Kept: those whose score reaches the recipe's bound. The one rule: every point stands in the
evidence, so that another bound or other weights can be tried without generating again.
"""

from collections.abc import Sequence
from typing import Final

from synth.filters.protocol import Evidence, Keep, Reject
from synth.products import Sample
from synth.records import Outcome, Verdict
from synth.rules.checklist import measure_points, score_points
from synth.stages.context import Context
from synth.stages.select import SelectStage
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

THRESHOLDS: Final = (
    Threshold(
        stage="checklist",
        reasons=("low_score",),
        measure="score",
        keeps=">=",
        key="data.checklist.min_score",
        sentence="The weighted mean of its points is at least {limit}.",
    ),
)


class ChecklistStage(UnitStage[Sample]):
    """Rejects samples of a low score."""

    name = "checklist"
    unit = Sample
    upstream: tuple[Upstream, ...] = (SelectStage,)

    def __init__(self, context: Context) -> None:
        assert context.data.checklist is not None
        self._config = context.data.checklist

    async def decide(self, units: Sequence[Sample], state: ShardState) -> list[Decided]:
        right = {verdict.solution_id for verdict in state.get(Verdict) if verdict.outcome is Outcome.PASS}
        return [Decided(self._check(sample, passed=sample.solution_id in right)) for sample in units]

    def _check(self, sample: Sample, *, passed: bool) -> Keep | Reject:
        points = measure_points(sample.code, sample.language, sample.pass_rate, passed=passed)
        score = score_points(points, self._config.weights)
        evidence: Evidence = {"score": round(score, 4)}
        evidence |= {name: round(value, 4) for name, value in points.items()}
        return Keep(evidence) if score >= self._config.min_score else Reject("low_score", evidence)
