"""The base of the stages: derives from a stage's declaration which units enter, and the index row
of each decision.

A stage declares which kind of unit enters it, which stages come before it and what it makes. The stage
decides; the base class does the bookkeeping. The one rule: every unit that enters leaves with one row.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from synth.filters.protocol import Keep, Reject
from synth.records import Decision, IndexRow, Unit
from synth.stages.shard_state import ShardState, StageResult

U = TypeVar("U", bound=Unit)


class Entered(Protocol):
    """The part of an index row that describes the unit, also for things rejected before they became units."""

    @property
    def unit_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def parent_ids(self) -> tuple[str, ...]: ...


class Source(ABC):
    """Where shards come from: the first stage, which reads seeds."""

    name: ClassVar[str]
    makes: ClassVar[tuple[type[Unit], ...]]

    @abstractmethod
    def read(self, round_: int) -> Generator[tuple[ShardState, StageResult], None, None]:
        """New shards with the decisions made while reading, in the same order every time. Closing it
        ends its readers."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision about one unit, what was made of it, and what it cost."""

    answer: Keep | Reject
    made: tuple[Unit, ...] = ()
    natural_language: str = ""
    """Where the unit itself does not say it."""
    ms: float = 0.0
    tokens: int = 0


class Stage(ABC):
    """One step of the flow, for one shard at a time, with what the scheduler needs to know about it.

    A stage may remember something across shards (such as the texts seen): it then gets the shards one at a
    time and in order. An `ordered` stage gets them after all of them have passed the earlier stages, one that
    goes `in_turn` as they come, so that other stages can follow it. `asks_engine` says whether it waits for a
    model: the scheduler lets such stages run ahead of those that wait for the sandbox.
    """

    name: str
    upstream: "tuple[Upstream, ...]"
    """The stages that come before it, if the recipe has them: classes, or objects if one class
    is several stages."""
    makes: ClassVar[tuple[type[Unit], ...]] = ()
    """The kinds that it makes."""
    ordered: bool = False
    in_turn: bool = False
    asks_engine: ClassVar[bool] = False

    @abstractmethod
    def entering(self, state: ShardState) -> Sequence[Unit]:
        """The units that enter."""

    @abstractmethod
    async def run(self, state: ShardState) -> StageResult:
        """Decide about every unit that enters."""


class UnitStage(Stage, Generic[U]):
    """A stage over units of one kind.

    A unit enters unless an earlier stage rejected it or something that it was made from.
    """

    unit: type[U]
    """The kind that enters."""

    def entering(self, state: ShardState) -> Sequence[U]:
        """The units that enter. A stage that takes fewer units filters this result."""
        return state.survivors(self.unit)

    async def run(self, state: ShardState) -> StageResult:
        units = self.entering(state)
        decided = await self.decide(units, state)
        rows = tuple(
            index_row(self.name, state, unit, found.answer, found)
            for unit, found in zip(units, decided, strict=True)
        )
        return StageResult(rows, tuple(made for found in decided for made in found.made))

    @abstractmethod
    async def decide(self, units: Sequence[U], state: ShardState) -> Sequence[Decided]:
        """One decision for each unit, in their order."""


Upstream = type[Source] | type[Stage] | Stage


def index_row(
    stage: str, state: ShardState, unit: Entered, answer: Keep | Reject, found: Decided | None = None
) -> IndexRow:
    """The index row of one decision. A reason of the infrastructure class is a failure, never a rejection."""
    reason = answer.reason if isinstance(answer, Reject) else ""
    return IndexRow(
        round=state.round,
        stage=stage,
        shard=state.name,
        unit_id=unit.unit_id,
        kind=unit.kind,
        parents=unit.parent_ids,
        language=getattr(unit, "language", ""),
        natural_language=(found and found.natural_language) or getattr(unit, "natural_language", ""),
        decision=_decision(answer),
        reason=reason,
        evidence=json.dumps(answer.evidence, sort_keys=True),
        ms=round(found.ms, 3) if found else 0.0,
        tokens=found.tokens if found else 0,
    )


def _decision(answer: Keep | Reject) -> Decision:
    if isinstance(answer, Keep):
        return Decision.KEPT
    return Decision.FAILED if answer.is_fault else Decision.REJECTED
