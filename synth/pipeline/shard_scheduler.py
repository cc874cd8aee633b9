"""The runner: moves shards through the stages, commits what they decide, resumes, and holds the books.

Shards flow, stages do not wait: several shards are on their way at once, so one executes while another
generates. The stages are cut into lanes, before the model is asked and after it has answered: a lane takes a
bounded number of shards; between lanes a shard lies on disk. A lane that asks the model begins when its first
shards are all ready. So the engine never waits for a slower sandbox, and memory does not grow with the run.
Ordered stages (which remember what they saw) take the shards one by one at the end. The one rule: every unit
that enters a stage leaves it with a row; a missing or doubled row stops the run.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

from synth.errors import Problem, StoreError
from synth.pipeline.graph import build_graph, in_order
from synth.records import Decision
from synth.stages.protocol import Produces, Source, Stage
from synth.stages.shard_state import ShardState, StageResult
from synth.store.shards import StageCommit


@dataclass(slots=True)
class StageCounts:
    """Units of one stage so far, those that are in it right now among `entered`."""

    entered: int = 0
    kept: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def done(self) -> int:
        return self.kept + self.rejected + self.failed


@dataclass(slots=True)
class RoundProgress:
    """What a progress display shows of one round."""

    round: int
    stages: dict[str, StageCounts] = field(default_factory=dict)
    shards: int = 0
    """Shards that were read so far."""
    source_ended: bool = False


OnProgress = Callable[[RoundProgress], None]


def ignore_progress(_: RoundProgress) -> None:
    """For callers that show nothing."""


class Runner:
    """Runs one round: a source of shards, and the stages that they pass."""

    def __init__(
        self, source: Source, stages: Sequence[Stage], commits: StageCommit, *, shards_in_flight: int = 6
    ) -> None:
        self.source = source
        self.stages = in_order(build_graph(stages))
        self._commits = commits
        self._in_flight = shards_in_flight
        self._report: OnProgress = ignore_progress
        self._progress = RoundProgress(0)

    @property
    def stage_names(self) -> list[str]:
        """In the order of the flow."""
        return [self.source.name, *(stage.name for stage in self.stages)]

    async def run(self, round_: int, on_progress: OnProgress = ignore_progress) -> list[str]:
        """Take all shards through all stages; their names. What was committed in an earlier process is read,
        not run."""
        self._report = on_progress
        self._progress = RoundProgress(round_, {name: StageCounts() for name in self.stage_names})
        try:
            names = await self._run_flowing(round_)
        except BaseExceptionGroup as group:
            raise _first(group) from group
        flowing = [stage for stage in self.stages if not stage.ordered]
        for name in names:
            state = self._reload(round_, name, flowing)
            for stage in self.stages:
                if stage.ordered:
                    await self._pass(stage, state)
        return names

    async def _run_flowing(self, round_: int) -> list[str]:
        """The source and the stages that do not remember, a bounded number of shards at a time in each
        lane."""
        lanes = [_Lane(stages, asyncio.Semaphore(self._in_flight)) for stages in cut_lanes(self.stages)]
        gate = lanes[0].gate
        names: list[str] = []
        shards, loop = self.source.read(round_), asyncio.get_running_loop()
        reader = ThreadPoolExecutor(
            1, "source"
        )  # one thread: an interrupted source is closed after its present step, not within it
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await gate.acquire()
                    state = await self._take_in(loop.run_in_executor(reader, next, shards, None))
                    if state is None:
                        break
                    names.append(state.name)
                    group.create_task(self._flow(state, lanes))
                self._progress.source_ended = True
                self._let_begin(lanes)
        finally:
            await loop.run_in_executor(reader, shards.close)
            reader.shutdown()
        return names

    def _let_begin(self, lanes: list["_Lane"]) -> None:
        """Open each lane that asks the model once as many shards are ready for it as it takes, or all that
        there will be."""
        for before, lane in pairwise(lanes):
            all_ready = self._progress.source_ended and before.passed == self._progress.shards
            if before.passed >= self._in_flight or all_ready or not lane.asks_engine:
                lane.open.set()

    async def _take_in(self, shard: Awaitable[tuple[ShardState, StageResult] | None]) -> ShardState | None:
        """The next shard of the source, with what the source decided committed."""
        found = await shard
        if found is None:
            return None
        state, result = found
        self._progress.shards += 1
        if not self._commits.is_committed(self.source.name, *state.key):
            self._commits.record_entered(self.source.name, *state.key, [row.unit_id for row in result.rows])
            self._commits.commit(self.source.name, *state.key, result.rows, result.bodies)
        self._account(self.source.name, state, result)
        return state

    async def _flow(self, state: ShardState, lanes: list["_Lane"]) -> None:
        """One shard through all lanes; it holds a place in the first one."""
        key = state.key
        await self._through(state, lanes[0], lanes)
        del state
        for number, lane in enumerate(lanes[1:], start=1):
            await lane.open.wait()
            await lane.gate.acquire()
            before = [stage for earlier in lanes[:number] for stage in earlier.stages]
            await self._through(await asyncio.to_thread(self._reload, *key, before), lane, lanes)

    async def _through(self, state: ShardState, lane: "_Lane", lanes: list["_Lane"]) -> None:
        try:
            for stage in lane.stages:
                await self._pass(stage, state)
        finally:
            lane.gate.release()
        lane.passed += 1
        self._let_begin(lanes)

    async def _pass(self, stage: Stage, state: ShardState) -> None:
        """One shard through one stage. Ordered stages always run, since what they remember is not on disk;
        they commit once."""
        committed = self._commits.is_committed(stage.name, *state.key)
        if committed and not stage.ordered:
            self._account(stage.name, state, self._read(stage.name, stage.produces, state))
            return
        entering = list(stage.entering(state))
        counts = self._progress.stages[stage.name]
        counts.entered += len(entering)
        self._report(self._progress)
        if not committed:
            self._commits.record_entered(stage.name, *state.key, entering)
        result = await stage.run(state)
        _check_books(stage.name, state.name, entering, result)
        if not committed:
            await asyncio.to_thread(self._commits.commit, stage.name, *state.key, result.rows, result.bodies)
        counts.entered -= len(entering)
        self._account(stage.name, state, result)

    def _account(self, stage: str, state: ShardState, result: StageResult) -> None:
        state.add(stage, result)
        counts, decisions = self._progress.stages[stage], Counter(row.decision for row in result.rows)
        counts.entered += len(result.rows)
        counts.kept += decisions[Decision.KEPT]
        counts.rejected += decisions[Decision.REJECTED]
        counts.failed += decisions[Decision.FAILED]
        self._report(self._progress)

    def _reload(self, round_: int, name: str, stages: Sequence[Stage]) -> ShardState:
        """The state of a shard after the source and these stages, from disk."""
        state = ShardState(round_, name)
        state.add(self.source.name, self._read(self.source.name, self.source.produces, state))
        for stage in stages:
            state.add(stage.name, self._read(stage.name, stage.produces, state))
        return state

    def _read(self, stage: str, produces: Produces, state: ShardState) -> StageResult:
        rows = self._commits.read_index(stage, *state.key)
        return StageResult(
            tuple(rows),
            {
                kind: self._commits.read_bodies(stage, *state.key, kind, model)
                for kind, model in produces.items()
            },
        )


@dataclass(slots=True)
class _Lane:
    """Stages that a shard passes without going to disk; `gate` has a place for each shard that may be in it
    at once."""

    stages: list[Stage]
    gate: asyncio.Semaphore
    open: asyncio.Event = field(default_factory=asyncio.Event)
    passed: int = 0
    """Shards that have left it."""

    @property
    def asks_engine(self) -> bool:
        return any(stage.asks_engine for stage in self.stages)


def cut_lanes(stages: Sequence[Stage]) -> list[list[Stage]]:
    """The stages that do not remember, cut wherever one that asks the engine stands beside one that does
    not."""
    lanes: list[list[Stage]] = [[]]
    for stage in stages:
        if stage.ordered:
            continue
        if lanes[-1] and lanes[-1][-1].asks_engine != stage.asks_engine:
            lanes.append([])
        lanes[-1].append(stage)
    return lanes


def _first(group: BaseException) -> BaseException:
    """The error that stopped the shards: the others were cancelled because of it."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _check_books(stage: str, shard: str, entering: Sequence[str], result: StageResult) -> None:
    """entered = kept + rejected + failed, unit by unit."""
    balance = Counter(entering)
    balance.subtract(row.unit_id for row in result.rows)
    if wrong := {unit: count for unit, count in balance.items() if count}:
        example = next(iter(wrong))
        fault = "lost" if wrong[example] > 0 else "doubled"
        expected = f"one row for each unit that entered; {len(wrong)} differ, for example {example} ({fault})"
        raise StoreError(
            Problem(f"stage {stage}, shard {shard}", expected, "report this: the stage breaks conservation")
        )
