"""What failed and waits for another start: one small file for each stage and shard that was left open.

    open/<stage>/<round>-<shard>.json      the units that failed, why, and at how many starts

The one rule: it is a note beside the shards. Whether a shard is open is said by its missing index shard; the
note of a shard that is closed counts for nothing.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from synth.records import Record
from synth.store.atomic import write_bytes
from synth.store.shards import ShardKey, index_path

STARTS: Final = 3
"""Starts at which a unit has to fail before its failure can be accepted."""


class FailedUnit(NamedTuple):
    """A unit that failed in this start: the reason's code, and the beginning of the error."""

    unit_id: str
    reason: str
    error: str


class OpenUnit(Record):
    """A unit that failed and was not decided. `starts` counts the starts at which it failed while others did
    not."""

    unit_id: str
    reason: str
    error: str
    starts: int


class OpenShard(Record):
    """A shard that a stage has left open."""

    stage: str
    round: int
    shard: str
    units: tuple[OpenUnit, ...]


class OpenShards:
    """The notes of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def starts(self, key: ShardKey) -> dict[str, int]:
        """At how many starts each unit of this shard has failed so far."""
        found = _read(self._path(key))
        return {unit.unit_id: unit.starts for unit in found.units} if found is not None else {}

    def can_close(self, key: ShardKey, failed: Sequence[FailedUnit]) -> bool:
        """Whether all of these have now failed at `STARTS` starts, this one included."""
        before = self.starts(key)
        return all(before.get(unit.unit_id, 0) + 1 >= STARTS for unit in failed)

    def note(self, key: ShardKey, failed: Sequence[FailedUnit], *, counts: bool) -> None:
        """Write down what failed. `counts`: others did not fail, so that this start is one more."""
        before = self.starts(key)
        units = tuple(
            OpenUnit(**unit._asdict(), starts=before.get(unit.unit_id, 0) + counts) for unit in failed
        )
        shard = OpenShard(stage=key.stage, round=key.round, shard=key.shard, units=units)
        write_bytes(self._path(key), json.dumps(shard.model_dump(), indent=1).encode())

    def close(self, key: ShardKey) -> None:
        """The shard was decided."""
        self._path(key).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[OpenShard]:
        """The shards that are open, by stage, round and shard."""
        for path in sorted(self.folder.glob("open/*/*.json")):
            found = _read(path)
            if found is not None and not index_path(self.folder, _key(found)).exists():
                yield found

    def _path(self, key: ShardKey) -> Path:
        return (self.folder / "open" / key.stage / key.file_name).with_suffix(".json")


def _key(shard: OpenShard) -> ShardKey:
    return ShardKey(shard.stage, shard.round, shard.shard)


def _read(path: Path) -> OpenShard | None:
    """None for a missing or damaged note: its starts are then counted again."""
    try:
        return OpenShard.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError):
        return None
