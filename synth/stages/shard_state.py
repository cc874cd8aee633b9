"""What one shard holds on its way through the stages: the records of each kind, by the stage that made them.

The one rule: a stage reads what earlier stages committed, and nothing else, so a shard that is taken up again
after a crash meets the same state as one that was never interrupted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from synth.records import Decision, IndexRow, Record

Model = TypeVar("Model", bound=Record)

_LATE: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage decided about one shard: a row for each unit that entered, and the records that it made,
    by kind."""

    rows: tuple[IndexRow, ...]
    bodies: Mapping[str, Sequence[Record]] = field(default_factory=dict)


class ShardState:
    """Records of one shard. Later records of a kind join earlier ones."""

    def __init__(self, round_: int, name: str) -> None:
        self.round, self.name = round_, name
        self._records: dict[str, list[Record]] = defaultdict(list)
        self._kept: dict[str, set[str]] = {}
        self._rejected: dict[str, set[str]] = {}

    @property
    def key(self) -> tuple[int, str]:
        return self.round, self.name

    @property
    def priority(self) -> int:
        """Its number in the round: in the sandbox earlier shards go first, so that shards do not all arrive
        at the engine at once."""
        return int(self.name)

    @property
    def late_priority(self) -> int:
        """Of programs that no request to the engine waits for: after all that one does wait for."""
        return self.priority + _LATE

    def add(self, stage: str, result: StageResult) -> None:
        """Take over what a stage decided and made."""
        for kind, records in result.bodies.items():
            self._records[kind].extend(records)
        self._kept[stage] = {row.unit_id for row in result.rows if row.decision is Decision.KEPT}
        self._rejected[stage] = {row.unit_id for row in result.rows if row.decision is Decision.REJECTED}

    def get(self, kind: str, model: type[Model]) -> list[Model]:
        """All records of one kind."""
        return [record for record in self._records[kind] if isinstance(record, model)]

    def kept(self, stage: str) -> set[str]:
        """Ids of the units that a stage kept; empty when the recipe does not have the stage."""
        return self._kept.get(stage, set())

    def rejected(self, stage: str) -> set[str]:
        """Ids of the units that a stage rejected; empty when the recipe does not have the stage."""
        return self._rejected.get(stage, set())
