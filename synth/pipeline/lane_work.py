"""The work of one lane of one shard: read what was committed before it, run its stages,
commit their decisions.

Place in the flow: `shard_scheduler.py` says which lane of which shard is next. The one rule: a lane
finds everything that it needs on disk, by round and shard name, so it can run in any process that sees
the run folder.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple

from synth.config import Recipe
from synth.pipeline.books import Books, StageCounts, check_conservation
from synth.pipeline.flow import build_flowing
from synth.pipeline.resources import Resources, open_context
from synth.pipeline.unfinished import Unfinished
from synth.records import Decision, IndexRow
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.snippet import SnippetSource
from synth.stages.unit_stage import Source, Stage, Upstream
from synth.store.open_shards import FailedUnit, OpenShards
from synth.store.shards import StageCommit, shard_key


class Lane(NamedTuple):
    """Stages that a shard passes without waiting on disk in between, by name, in the order of the flow."""

    stages: tuple[str, ...]


async def run_lane(
    recipe: Recipe, resources: Resources, lane: Lane, round_: int, shard: str
) -> dict[str, StageCounts]:
    """Do the whole work of one lane of one shard in a process that has nothing open yet. Returns
    counts by stage.

    All arguments can be pickled. It reads what was committed before the lane, and commits the lane's
    decisions. Passes on the errors of its parts, and raises OutageError if a stage left the shard open; the
    same call then resumes. Raises ValueError for a lane that takes the shards in turn: what it remembers is
    in the process that schedules.
    """
    async with open_context(recipe, resources) as context:
        stages = build_flowing(context, resources.held_out)
        if any(stage.in_turn for stage in stages if stage.name in lane.stages):
            raise ValueError(f"{', '.join(lane.stages)} takes all shards in turn, in one process")
        books = Books(round_, [SnippetSource.name, *(stage.name for stage in stages)])
        unfinished = Unfinished(OpenShards(resources.run))
        worker = LaneWorker(SnippetSource, stages, StageCommit(resources.run), books, unfinished)
        await worker.run(lane, round_, shard)
        unfinished.end(f"round {round_}")
    return {name: books.progress.stages[name] for name in lane.stages}


class LaneWorker:
    """Runs lanes over the stages of one round."""

    def __init__(
        self,
        source: type[Source] | Source,
        stages: Sequence[Stage],
        commits: StageCommit,
        books: Books,
        unfinished: Unfinished,
    ) -> None:
        """`stages` in the order of the flow."""
        self._source, self._stages = source, stages
        self._commits, self._books, self._unfinished = commits, books, unfinished

    async def run(self, lane: Lane, round_: int, shard: str) -> bool:
        """Take one shard through one lane. A stage that has committed this shard is not run again. Returns
        whether it came through: a stage at which units fail leaves it open, and no later stage runs on it."""
        first = next(at for at, stage in enumerate(self._stages) if stage.name == lane.stages[0])
        before = [stage for stage in self._stages[:first] if not stage.ordered]
        state = await asyncio.to_thread(self._reload, round_, shard, before)
        for stage in self._stages[first:]:
            if stage.name in lane.stages and not await self._pass(stage, state):
                return False
        return True

    async def run_ordered(self, round_: int, shard: str) -> bool:
        """Take one shard through the stages that remember. They always run, since their memory is not on
        disk, but they commit only once. Returns whether it came through."""
        flowing = [stage for stage in self._stages if not stage.ordered]
        state = await asyncio.to_thread(self._reload, round_, shard, flowing)
        for stage in self._stages:
            if stage.ordered and not await self._pass(stage, state):
                return False
        return True

    async def _pass(self, stage: Stage, state: ShardState) -> bool:
        """Whether the stage's decisions about this shard stand."""
        committed = self._commits.is_committed(stage.name, *state.key)
        if committed and not stage.ordered:
            found = self._read(stage, state)
            if stage.in_turn:  # what it remembers is not on disk
                await stage.run(state)
            state.add(stage.name, found)
            self._settle(stage, found.rows)
            return True
        entering = [unit.unit_id for unit in stage.entering(state)]
        self._books.enter(stage.name, len(entering))
        if not committed:
            self._commits.record_entered(stage.name, *state.key, entering)
        result = await stage.run(state)
        check_conservation(stage.name, state.name, entering, result.rows)
        if not committed:
            key = shard_key(stage.name, *state.key)
            if not self._unfinished.take(key, failed_units(result.rows)):
                self._books.leave_open(stage.name, result.rows)
                self._note_success(stage, result.rows)
                return False
            await asyncio.to_thread(self._commits.commit, *key, result.rows, result.made)
            self._unfinished.notes.close(key)
        state.add(stage.name, result)
        self._settle(stage, result.rows, entered=len(entering))
        return True

    def _settle(self, stage: Stage, rows: Sequence[IndexRow], entered: int = 0) -> None:
        self._books.settle(stage.name, rows, entered)
        self._note_success(stage, rows)

    def _note_success(self, stage: Stage, rows: Sequence[IndexRow]) -> None:
        if any(row.decision is not Decision.FAILED for row in rows):
            self._unfinished.succeeded(stage.name)

    def _reload(self, round_: int, shard: str, stages: Sequence[Stage]) -> ShardState:
        """The state of a shard after the source and these stages, from disk."""
        state = ShardState(round_, shard)
        for stage in (self._source, *stages):
            state.add(stage.name, self._read(stage, state))
        return state

    def _read(self, stage: Upstream | Source, state: ShardState) -> StageResult:
        rows = self._commits.read_index(stage.name, *state.key)
        made = [
            record
            for model in stage.makes
            for record in self._commits.read_bodies(stage.name, *state.key, model)
        ]
        return StageResult(tuple(rows), tuple(made))


def failed_units(rows: Sequence[IndexRow]) -> list[FailedUnit]:
    """The units that failed."""
    return [
        FailedUnit(row.unit_id, row.reason, _error(row)) for row in rows if row.decision is Decision.FAILED
    ]


def _error(row: IndexRow) -> str:
    """The words of a failure: the first text of its evidence."""
    found = json.loads(row.evidence)
    return next((value for value in found.values() if isinstance(value, str)), row.reason)
