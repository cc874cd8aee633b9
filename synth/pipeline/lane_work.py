"""The work of one lane of one shard: read what was committed before it, run its stages,
commit their decisions.

Place in the flow: `shard_scheduler.py` says which lane of which shard is next. The one rule: a lane
finds everything that it needs on disk, by round and shard name, so it can run in any process that sees
the run folder.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from synth.config import Recipe
from synth.pipeline.books import Books, StageCounts, check_conservation
from synth.pipeline.flow import build_flowing
from synth.pipeline.resources import Resources, open_context
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.snippet import SnippetSource
from synth.stages.unit_stage import Source, Stage, Upstream
from synth.store.shards import StageCommit


class Lane(NamedTuple):
    """Stages that a shard passes without waiting on disk in between, by name, in the order of the flow."""

    stages: tuple[str, ...]


async def run_lane(
    recipe: Recipe, resources: Resources, lane: Lane, round_: int, shard: str
) -> dict[str, StageCounts]:
    """Do the whole work of one lane of one shard in a process that has nothing open yet. Returns
    counts by stage.

    All arguments can be pickled. It reads what was committed before the lane, and commits the lane's
    decisions. Passes on the errors of its parts; the same call then resumes.
    """
    async with open_context(recipe, resources) as context:
        stages = build_flowing(context)
        books = Books(round_, [SnippetSource.name, *(stage.name for stage in stages)])
        worker = LaneWorker(SnippetSource, stages, StageCommit(resources.run), books)
        await worker.run(lane, round_, shard)
    return {name: books.progress.stages[name] for name in lane.stages}


class LaneWorker:
    """Runs lanes over the stages of one round."""

    def __init__(
        self, source: type[Source] | Source, stages: Sequence[Stage], commits: StageCommit, books: Books
    ) -> None:
        """`stages` in the order of the flow."""
        self._source, self._stages = source, stages
        self._commits, self._books = commits, books

    async def run(self, lane: Lane, round_: int, shard: str) -> None:
        """Take one shard through one lane. A stage that has committed this shard is not run again."""
        first = next(at for at, stage in enumerate(self._stages) if stage.name == lane.stages[0])
        before = [stage for stage in self._stages[:first] if not stage.ordered]
        state = await asyncio.to_thread(self._reload, round_, shard, before)
        for stage in self._stages[first:]:
            if stage.name in lane.stages:
                await self._pass(stage, state)

    async def run_ordered(self, round_: int, shard: str) -> None:
        """Take one shard through the stages that remember. They always run, since their memory is not on
        disk, but they commit only once."""
        flowing = [stage for stage in self._stages if not stage.ordered]
        state = await asyncio.to_thread(self._reload, round_, shard, flowing)
        for stage in self._stages:
            if stage.ordered:
                await self._pass(stage, state)

    async def _pass(self, stage: Stage, state: ShardState) -> None:
        committed = self._commits.is_committed(stage.name, *state.key)
        if committed and not stage.ordered:
            found = self._read(stage, state)
            state.add(stage.name, found)
            self._books.settle(stage.name, found.rows)
            return
        entering = [unit.unit_id for unit in stage.entering(state)]
        self._books.enter(stage.name, len(entering))
        if not committed:
            self._commits.record_entered(stage.name, *state.key, entering)
        result = await stage.run(state)
        check_conservation(stage.name, state.name, entering, result.rows)
        if not committed:
            await asyncio.to_thread(self._commits.commit, stage.name, *state.key, result.rows, result.made)
        state.add(stage.name, result)
        self._books.settle(stage.name, result.rows, entered=len(entering))

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
