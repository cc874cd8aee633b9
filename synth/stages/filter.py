"""The filters as stages: each unit passes one filter after the other, in shard order.

Entered: units of the kind that the flow names. The stage is ordered, because filters may remember
earlier units (duplicates).
"""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from synth.filters.protocol import Filter, FilterInput
from synth.records import Unit
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream

U = TypeVar("U", bound=Unit)


class FilterStage(UnitStage[U]):
    """One filter as a stage, over the units that earlier stages have kept."""

    ordered: ClassVar[bool] = True

    def __init__(self, check: Filter, unit: type[U], before: Upstream) -> None:
        self.name, self.unit, self.upstream = check.stage, unit, (before,)
        self._filter = check

    async def decide(self, units: Sequence[U], state: ShardState) -> list[Decided]:
        return [Decided(self._filter.check(FilterInput.of(unit))) for unit in units]
