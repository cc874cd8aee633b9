"""The filters as stages: each unit passes one filter after the other.

Entered: units of the kind that the flow names. Filters that remember earlier units (duplicates) take the
shards in order; the others take each shard as it comes.
"""

from collections.abc import Sequence
from typing import TypeVar

from synth.filters.protocol import Filter, FilterInput
from synth.records import Reference, Seed, Unit
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream

U = TypeVar("U", bound=Unit)


class FilterStage(UnitStage[U]):
    """One filter as a stage, over the units that earlier stages have kept."""

    def __init__(self, check: Filter, unit: type[U], before: Upstream) -> None:
        self.name, self.unit, self.upstream = check.stage, unit, (before,)
        self.ordered = check.remembers
        self._filter = check

    async def decide(self, units: Sequence[U], state: ShardState) -> list[Decided]:
        return [Decided(self._filter.check(self._view(unit, state))) for unit in units]

    def _view(self, unit: U, state: ShardState) -> FilterInput:
        """What the filter sees of the unit."""
        return FilterInput.of(unit)


class BeforeModelStage(FilterStage[U]):
    """A filter between the source and the first stage that asks a model, so that nothing is paid for what it
    turns away. One that remembers takes the shards in turn. It sees the seed's own text."""

    def __init__(self, check: Filter, unit: type[U], before: Upstream) -> None:
        super().__init__(check, unit, before)
        self.name = f"seed_{check.stage}"
        self.ordered, self.in_turn = False, check.remembers

    def _view(self, unit: U, state: ShardState) -> FilterInput:
        if isinstance(unit, Reference):
            seed = next((seed for seed in state.get(Seed) if seed.id == unit.seed_id), None)
            if seed is not None:
                return FilterInput(unit.unit_id, seed.language, code=own_text(seed))
        return FilterInput.of(unit)


def own_text(seed: Seed) -> str:
    """The seed's own function, without what was put before it to close it: two functions of one file that
    need the same helpers are not near-duplicates. It is the end of the code, and has as many lines as it had
    at its origin; the whole code if no lines are stated."""
    lines = seed.code.rstrip().split("\n")
    own = seed.origin.end_line - seed.origin.start_line + 1
    return "\n".join(lines[-own:]) if seed.origin.end_line and 0 < own < len(lines) else seed.code
