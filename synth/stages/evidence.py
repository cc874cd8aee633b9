"""Which tasks count: the round trip code -> instruction -> code must reproduce the seed's
behaviour often enough.

Entered: tasks with tested candidates. Kept: tasks whose instruction alone leads to solutions that behave like
the seed. Other tasks stay in the store with their reason, as the pool of hard or wrong instructions. A
candidate that could not be run, and whose failure was accepted, counts for nothing. Programs that differ in
layout alone reproduce the seed once; the share is of all samples, as a bound that few samples keep low.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from synth.filters.protocol import Evidence, Keep, Reject
from synth.languages.code_tokens import normalize_code
from synth.proportions import wilson_interval
from synth.records import Outcome, Solution, Task, Verdict
from synth.stages.context import Context
from synth.stages.execute import ExecuteStage
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

_REASONS: Final = ("unsolved", "round_trip_failed", "unjudged")
THRESHOLDS: Final = (
    Threshold(
        stage="evidence",
        reasons=_REASONS,
        measure="distinct",
        keeps=">=",
        key="data.evidence.min_reproductions",
        sentence="At least {limit} distinct programs, written from the words alone, behave like the seed.",
    ),
    Threshold(
        stage="evidence",
        reasons=_REASONS,
        measure="least_share",
        keeps=">=",
        key="data.evidence.min_share",
        sentence="The share of programs that pass is at least {limit}, by the lower end of its interval.",
        caveat="Candidates that could not be run count for nothing.",
    ),
)


class EvidenceStage(UnitStage[Task]):
    """Counts reproductions task by task, over all languages together."""

    name = "evidence"
    unit = Task
    upstream: tuple[Upstream, ...] = (ExecuteStage,)

    def __init__(self, context: Context) -> None:
        self._config = context.data.evidence

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        solutions, verdicts = read_judgements(state)
        return [Decided(self._answer(solutions[task.id], verdicts)) for task in units]

    def _answer(self, solutions: list[Solution], verdicts: dict[str, Verdict]) -> Keep | Reject:
        faults = sum(s.id in verdicts and verdicts[s.id].outcome.is_fault for s in solutions)
        passed = [s for s in solutions if s.id in verdicts and verdicts[s.id].outcome is Outcome.PASS]
        judged = len(solutions) - faults
        share = len(passed) / judged if judged else 0.0
        distinct = len({(s.language, normalize_code(s.code, s.language)) for s in passed})
        evidence: Evidence = {
            "reproductions": len(passed),
            "distinct": distinct,
            "candidates": len(solutions),
            "pass_rate": round(share, 4),
        }
        least = _least(share, judged)
        evidence |= {"least_share": round(least, 6)}
        if distinct >= self._config.min_reproductions and least >= self._config.min_share:
            return Keep(evidence)
        if faults:
            return Reject("unjudged", evidence | {"faults": faults})
        was_judged = any(s.id in verdicts for s in solutions)
        return Reject("unsolved" if passed or not was_judged else "round_trip_failed", evidence)


def _least(share: float, judged: int) -> float:
    """What the share is at least, with 95% confidence on either side."""
    return wilson_interval(share, judged).low if judged else 0.0


class Judgements(NamedTuple):
    """Solutions of each task in the order of their samples, and verdicts by solution."""

    solutions: dict[str, list[Solution]]
    verdicts: dict[str, Verdict]


def read_judgements(state: ShardState) -> Judgements:
    """The verdicts about one shard."""
    solutions: defaultdict[str, list[Solution]] = defaultdict(list)
    for solution in state.get(Solution):
        solutions[solution.task_id].append(solution)
    return Judgements(solutions, {verdict.solution_id: verdict for verdict in state.get(Verdict)})
