"""Schedules the shards of one round: which lane of which shard runs when.

Several shards are in progress at once, so one executes while another generates. The stages are split into
lanes before each request to the model and after its answer. A lane takes a bounded number of shards; between
lanes, a shard is on disk. A lane that asks the model starts once all of its first shards are ready. So the
engine never waits for a slower sandbox, and memory does not grow with the run. Stages that remember
what they saw take the shards one by one: those that go in turn as the shards come, ordered ones at the end.

The one rule: a scheduler knows shards by name and decides nothing about units.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

from synth.pipeline.books import Books, OnProgress, ignore_progress
from synth.pipeline.graph import build_graph, in_order
from synth.pipeline.lane_work import Lane, LaneWorker
from synth.pipeline.same_seeds import check_ended, check_unchanged
from synth.pipeline.unfinished import Unfinished
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.unit_stage import Source, Stage
from synth.store.open_shards import OpenShards
from synth.store.shards import StageCommit


class ShardScheduler:
    """Runs one round: a source of shards, and the stages that they pass."""

    def __init__(
        self,
        source: Source,
        stages: Sequence[Stage],
        commits: StageCommit,
        *,
        shards_in_flight: int = 6,
        accept_failures: bool = False,
    ) -> None:
        self.source = source
        self._unfinished = Unfinished(OpenShards(commits.folder), accept=accept_failures)
        self.stages = in_order(build_graph(stages))
        self._commits, self._in_flight = commits, shards_in_flight

    @property
    def stage_names(self) -> list[str]:
        """In the order of the flow."""
        return [self.source.name, *(stage.name for stage in self.stages)]

    async def run(self, round_: int, on_progress: OnProgress = ignore_progress) -> list[str]:
        """Take all shards through all stages and return their names. Work committed by an earlier process is
        read, not run again. Raises OutageError, before the ordered stages, if a shard is left open."""
        books = Books(round_, self.stage_names, on_progress)
        worker = LaneWorker(self.source, self.stages, self._commits, books, self._unfinished)
        try:
            names = await self._run_flowing(round_, worker, books)
        except BaseExceptionGroup as group:
            raise _first(group) from group
        self._unfinished.end(f"round {round_}")
        if any(stage.ordered for stage in self.stages):
            for name in names:
                if not await worker.run_ordered(round_, name):
                    break
        self._unfinished.end(f"round {round_}")
        return names

    async def _run_flowing(self, round_: int, worker: LaneWorker, books: Books) -> list[str]:
        """The source and the stages that do not remember, a bounded number of shards at a time
        in each lane."""
        traffic = [_Traffic(stages, asyncio.Semaphore(self._in_flight)) for stages in cut_lanes(self.stages)]
        names: list[str] = []
        shards, loop = self.source.read(round_), asyncio.get_running_loop()
        # One thread: an interrupted source is closed after its present step, not within it.
        reader = ThreadPoolExecutor(1, "source")
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await traffic[0].gate.acquire()
                    name = await self._take_in(loop.run_in_executor(reader, next, shards, None), books)
                    if name is None:
                        break
                    names.append(name)
                    group.create_task(self._flow(round_, len(names) - 1, name, traffic, worker, books))
                check_ended(self._commits, self.source.name, round_, names)
                books.progress.source_ended = True
                self._open_lanes(traffic, books)
        finally:
            await loop.run_in_executor(reader, shards.close)
            reader.shutdown()
        return names

    async def _take_in(
        self, shard: Awaitable[tuple[ShardState, StageResult] | None], books: Books
    ) -> str | None:
        """The name of the next shard of the source, with what the source decided committed."""
        found = await shard
        if found is None:
            return None
        state, result = found
        books.progress.shards += 1
        if self._commits.is_committed(self.source.name, *state.key):
            check_unchanged(self._commits, self.source.name, *state.key, result.read)
        else:
            ids = [row.unit_id for row in result.rows]
            self._commits.record_entered(self.source.name, *state.key, ids)
            self._commits.commit(self.source.name, *state.key, result.rows, result.made, result.read)
        books.settle(self.source.name, result.rows)
        return state.name

    async def _flow(
        self,
        round_: int,
        place: int,
        shard: str,
        traffic: list["_Traffic"],
        worker: LaneWorker,
        books: Books,
    ) -> None:
        """Take one shard through all lanes, as far as it comes. It already has a slot in the first one."""
        for number, lane in enumerate(traffic):
            await lane.wait_for_turn(place)
            if number:
                await lane.open.wait()
                await lane.gate.acquire()
            try:
                goes_on = not lane.stages or await worker.run(lane.lane, round_, shard)
            finally:
                lane.gate.release()
            # later lanes need not wait for a shard that was left open
            for passed in traffic[number : number + 1] if goes_on else traffic[number:]:
                await passed.leave(place)
            self._open_lanes(traffic, books)
            if not goes_on:
                return

    def _open_lanes(self, traffic: list["_Traffic"], books: Books) -> None:
        """Open each lane that asks the model once as many shards are ready as it takes at a time, or all
        of the rest."""
        for before, lane in pairwise(traffic):
            all_ready = books.progress.source_ended and before.passed == books.progress.shards
            if before.passed >= self._in_flight or all_ready or not lane.asks_engine:
                lane.open.set()


@dataclass(slots=True)
class _Traffic:
    """One lane and the shards at it; `gate` has a place for each shard that may be in it at once."""

    stages: list[Stage]
    gate: asyncio.Semaphore
    open: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Condition = field(default_factory=asyncio.Condition)
    passed: int = 0
    """Shards that have left it, or will not come."""
    next_place: int = 0
    """The first shard, in the order of the source, that has not left it yet."""
    _early: set[int] = field(default_factory=set)

    async def wait_for_turn(self, place: int) -> None:
        """Return when all shards before this place have left the lane, if it takes them in turn."""
        if any(stage.in_turn for stage in self.stages):
            async with self.left:
                await self.left.wait_for(lambda: self.next_place == place)

    async def leave(self, place: int) -> None:
        """The shard at this place has left the lane, or will not come."""
        async with self.left:
            self.passed += 1
            self._early.add(place)
            while self.next_place in self._early:
                self._early.remove(self.next_place)
                self.next_place += 1
            self.left.notify_all()

    @property
    def lane(self) -> Lane:
        return Lane(tuple(stage.name for stage in self.stages))

    @property
    def asks_engine(self) -> bool:
        return any(stage.asks_engine for stage in self.stages)


def cut_lanes(stages: Sequence[Stage]) -> list[list[Stage]]:
    """The stages that are not ordered, split wherever a stage that asks the engine, or that goes in turn, is
    next to one that does not."""
    lanes: list[list[Stage]] = [[]]
    for stage in stages:
        if stage.ordered:
            continue
        if lanes[-1] and _kind(lanes[-1][-1]) != _kind(stage):
            lanes.append([])
        lanes[-1].append(stage)
    return lanes


def _kind(stage: Stage) -> tuple[bool, bool]:
    return stage.asks_engine, stage.in_turn


def _first(group: BaseException) -> BaseException:
    """The error that stopped the shards and caused the others to be cancelled."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
