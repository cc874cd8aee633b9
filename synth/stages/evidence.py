"""When a task counts: the round trip code -> instruction -> code must come back to the seed's behaviour often
enough (evidence of rank 1).

Entered: tasks with candidates. Kept: tasks whose instruction alone leads to solutions that behave like the
seed. A task that nobody solved stays in the store with its reason: the pool of hard or wrong instructions.
"""

from collections import defaultdict
from typing import NamedTuple

from synth.filters.protocol import Evidence, Keep, Reject
from synth.grammar.code_tokens import normalize_code
from synth.records import IndexRow, Outcome, Solution, Task, TestSuite, Verdict
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult


class EvidenceStage:
    """Counts reproductions task by task, over all languages together."""

    name = "evidence"
    upstream: tuple[str, ...] = ("execute",)
    ordered = False
    asks_engine = False
    produces: Produces = {}

    def __init__(self, context: Context) -> None:
        self._config = context.data.evidence

    def entering(self, state: ShardState) -> list[str]:
        solved, judged = state.kept("solve"), {suite.task_id for suite in state.get("suite", TestSuite)}
        return [task.id for task in state.get("task", Task) if task.id in solved and task.id in judged]

    async def run(self, state: ShardState) -> StageResult:
        solutions, verdicts = by_task(state)
        entered = set(self.entering(state))
        tasks = [task for task in state.get("task", Task) if task.id in entered]
        return StageResult(tuple(self._decide(task, solutions[task.id], verdicts, state) for task in tasks))

    def _decide(
        self, task: Task, solutions: list[Solution], verdicts: dict[str, Verdict], state: ShardState
    ) -> IndexRow:
        judged = [
            verdicts[s.id] for s in solutions if s.id in verdicts and verdicts[s.id].outcome not in _FAULTS
        ]
        passed = [s for s in solutions if s.id in verdicts and verdicts[s.id].outcome is Outcome.PASS]
        share = len(passed) / len(solutions) if solutions else 0.0
        distinct = len({(s.language, normalize_code(s.code, s.language)) for s in passed})
        evidence: Evidence = {
            "reproductions": len(passed),
            "distinct": distinct,
            "candidates": len(solutions),
            "pass_rate": round(share, 4),
        }
        enough = len(passed) >= self._config.min_reproductions and share >= self._config.min_share
        answer: Keep | Reject = (
            Keep(evidence)
            if enough
            else Reject("unsolved" if passed or not judged else "round_trip_failed", evidence)
        )
        return index_row(
            self.name,
            state,
            task.id,
            "task",
            answer,
            parents=(task.seed_id,),
            natural_language=task.natural_language,
        )


_FAULTS = frozenset({Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING})


class Judgements(NamedTuple):
    """Solutions of each task in the order of their samples, and verdicts by solution."""

    solutions: dict[str, list[Solution]]
    verdicts: dict[str, Verdict]


def by_task(state: ShardState) -> Judgements:
    """What the sandbox said about one shard."""
    solutions: defaultdict[str, list[Solution]] = defaultdict(list)
    for solution in state.get("solution", Solution):
        solutions[solution.task_id].append(solution)
    return Judgements(solutions, {verdict.solution_id: verdict for verdict in state.get("verdict", Verdict)})
