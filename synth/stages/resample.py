"""The source of a round's second pass: its tasks, to be solved again by the policy that SFT made of them.

Place in the flow: tasks of the first pass that gave samples, with their suites -> here -> solve, execute,
pair. The one rule: a task that is solved again is a task of its own with the first one's seed, so nothing
that the first pass decided is decided twice.
"""

from collections.abc import Container, Generator, Iterator, Sequence
from itertools import islice
from typing import ClassVar, Final, TypeVar

from synth.filters.protocol import Keep
from synth.ids import unit_id
from synth.records import Task, TestSuite, Unit
from synth.stages.agree import AgreeStage
from synth.stages.inputs import InputsStage
from synth.stages.instruct import InstructStage
from synth.stages.problem import ProblemStage
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.sharpen import SharpenStage
from synth.stages.unit_stage import Source, Stage, index_row
from synth.store.shards import StageCommit

U = TypeVar("U", bound=Unit)

_FIRST: Final = 1_000_000
"""The number of the first shard: those of the first pass come before it."""
MAKERS: Final[tuple[type[Stage], ...]] = (
    ProblemStage,
    InstructStage,
    InputsStage,
    AgreeStage,
    SharpenStage,
)
"""What makes tasks and suites, in the order of the flow; of several suites of a task the last counts."""


class ResampleSource(Source):
    """Shards of as many tasks as the first pass has seeds in one."""

    name: ClassVar[str] = "resample"
    makes: ClassVar[tuple[type[Unit], ...]] = (Task, TestSuite)

    def __init__(
        self,
        commits: StageCommit,
        shards: Sequence[str],
        kept: Container[str],
        shard_size: int,
        more: Sequence[Stage] = (),
    ) -> None:
        """`shards` are those of the first pass, `kept` the ids of its tasks that gave samples, `more` the
        stages of later tries."""
        self._commits, self._shards, self._kept, self._size = commits, shards, kept, shard_size
        self._makers: tuple[type[Stage] | Stage, ...] = (*MAKERS, *more)

    def read(self, round_: int) -> Generator[tuple[ShardState, StageResult], None, None]:
        """In the order of the first pass."""
        tasks, number = self._tasks(round_), _FIRST
        while group := list(islice(tasks, self._size)):
            state = ShardState(round_, str(number))
            rows = tuple(index_row(self.name, state, task, Keep({})) for task, _ in group)
            yield state, StageResult(rows, tuple(unit for pair in group for unit in pair))
            number += 1

    def _tasks(self, round_: int) -> Iterator[tuple[Task, TestSuite]]:
        for shard in self._shards:
            tasks: dict[str, Task] = {}
            suites: dict[str, TestSuite] = {}
            for maker in self._makers:
                if self._commits.is_committed(maker.name, round_, shard):
                    tasks |= {one.id: one for one in self._made(maker, round_, shard, Task)}
                    suites |= {one.task_id: one for one in self._made(maker, round_, shard, TestSuite)}
            for task_id, task in tasks.items():
                if task_id in self._kept and task_id in suites:
                    again = unit_id("task", self.name, task_id)
                    suite = suites[task_id].model_copy(update={"task_id": again, "attempt": 1})
                    yield task.model_copy(update={"id": again}), suite

    def _made(self, maker: type[Stage] | Stage, round_: int, shard: str, model: type[U]) -> list[U]:
        return self._commits.read_bodies(maker.name, round_, shard, model) if model in maker.makes else []
