"""Refuses tasks that say nearly what an earlier task of the run said, before their candidates are paid for.

Entered: tasks. Kept: those unlike every kept task of this round before them, and of earlier rounds, whose
seeds are in the same language. It goes in turn: the memory of a round grows in the order of the source, so
that the number of workers and a resume change nothing. What earlier rounds made is read once, when a round
begins (`remembered_tasks`); the store is the only home of that memory.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from synth.filters.near_dedup import NearDedup
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.records import Decision, Task
from synth.stages.context import Context
from synth.stages.instruct import InstructStage
from synth.stages.problem import ProblemStage
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.store.shards import StageCommit
from synth.thresholds import Threshold

NAME: Final = "memory"
THRESHOLDS: Final = (
    Threshold(
        stage=NAME,
        reasons=("task_repeated",),
        measure="similarity",
        keeps="<",
        key="data.memory.threshold",
        sentence="The Jaccard similarity of its five-word shingles with every task kept before it is below "
        "{limit}.",
        caveat="The similarity is with the tasks that were kept under the present threshold: one that is "
        "newly kept may have later twins, and one that leaves may free its own.",
    ),
)


class MemoryStage(UnitStage[Task]):
    """Keeps the first of each group of tasks that say nearly the same."""

    name = NAME
    unit = Task
    upstream: tuple[Upstream, ...] = (InstructStage, ProblemStage)
    in_turn = True

    def __init__(self, context: Context) -> None:
        assert context.data.memory is not None
        threshold = context.data.memory.threshold
        self._memories = defaultdict[str, NearDedup](lambda: NearDedup(threshold))
        self._earlier = frozenset(task.id for task in context.remembered)
        for task in context.remembered:
            self._memories[task.seed_language].check(_words(task))

    async def decide(self, units: Sequence[Task], state: ShardState) -> list[Decided]:
        return [Decided(self._check(task)) for task in units]

    def _check(self, task: Task) -> Keep | Reject:
        if task.id in self._earlier:  # the same seed and words have the same id in every round
            return Reject("task_repeated", {"similarity": 1.0, "twin": task.id})
        found = self._memories[task.seed_language].check(_words(task))
        return Reject("task_repeated", found.evidence) if isinstance(found, Reject) else found


def remembered_tasks(commits: StageCommit, round_: int) -> Iterator[Task]:
    """The tasks that earlier rounds kept, in the order in which they were made. Raises StoreError."""
    for earlier in range(1, round_):
        makers = {
            name: set(commits.shards_of(name, earlier)) for name in (InstructStage.name, ProblemStage.name)
        }
        for shard in commits.shards_of(NAME, earlier):
            rows = commits.read_index(NAME, earlier, shard)
            kept = {row.unit_id for row in rows if row.decision is Decision.KEPT}
            for maker, shards in makers.items():
                if shard in shards:
                    made = commits.read_bodies(maker, earlier, shard, Task)
                    yield from (task for task in made if task.id in kept)


def _words(task: Task) -> FilterInput:
    return FilterInput(task.id, task.seed_language, prompt=task.instruction)
