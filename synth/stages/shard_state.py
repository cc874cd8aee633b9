"""The state of one shard on its way through the stages: the records of each kind, and each stage's decisions.

The one rule: a stage reads only what earlier stages committed, so a shard resumed after a crash has the same
state as one that was never interrupted.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from synth.records import Decision, IndexRow, Unit

U = TypeVar("U", bound=Unit)

_LATE: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage decided about one shard: a row for each unit that entered, and the records
    that it made."""

    rows: tuple[IndexRow, ...]
    made: tuple[Unit, ...] = ()
    read: Mapping[str, str] = field(default_factory=dict)
    """Of a source: the files or rows that it read for this shard, with the hash of each."""


class ShardState:
    """Records of one shard. Later records of a kind join earlier ones."""

    def __init__(self, round_: int, name: str) -> None:
        self.round, self.name = round_, name
        self._records: dict[str, list[Unit]] = defaultdict(list)
        self._parents: dict[str, set[str]] = defaultdict(set)
        self._rows: dict[str, tuple[IndexRow, ...]] = {}

    @property
    def key(self) -> tuple[int, str]:
        return self.round, self.name

    @property
    def priority(self) -> int:
        """Its number in the round. The sandbox runs earlier shards first, so that shards do not all reach the
        engine at once."""
        return int(self.name)

    @property
    def late_priority(self) -> int:
        """For programs that no engine request waits for: they run after all programs that one waits for."""
        return self.priority + _LATE

    def add(self, stage: str, result: StageResult) -> None:
        """Add the decisions and records of a stage."""
        self._rows[stage] = result.rows
        for record in result.made:
            self._records[record.kind].append(record)
            self._parents[record.unit_id].update(set(record.parent_ids) - {record.unit_id})

    def get(self, model: type[U]) -> list[U]:
        """All records of one kind."""
        return [record for record in self._records[model.kind] if isinstance(record, model)]

    def survivors(self, model: type[U]) -> list[U]:
        """The records of one kind that no stage has rejected, and none of whose sources it has rejected."""
        lost = {
            row.unit_id for rows in self._rows.values() for row in rows if row.decision is not Decision.KEPT
        }
        return [unit for unit in self.get(model) if lost.isdisjoint(self._lineage(unit))]

    def ids_with_reason(self, reason: str) -> set[str]:
        """Ids of the units that any stage rejected for this reason."""
        return {row.unit_id for rows in self._rows.values() for row in rows if row.reason == reason}

    def rows_ending(self, suffix: str) -> list[IndexRow]:
        """The rows of the stages whose names end so."""
        return [row for stage, rows in self._rows.items() if stage.endswith(suffix) for row in rows]

    def _lineage(self, unit: Unit) -> Iterator[str]:
        """The ids of a unit and of everything it was made from, as far as this shard knows them."""
        open_, seen = [unit.unit_id, *unit.parent_ids], set[str]()
        while open_:
            current = open_.pop()
            if current not in seen:
                seen.add(current)
                yield current
                open_ += self._parents.get(current, ())
