"""What a start leaves open: shards with units that failed, until these are decided or accepted as failures.

Place in the flow: lanes, evaluations and the audit hand in their failures; the round ends here when any are
left. The one rule: a failure is no decision. Its shard is closed only on request, after it has failed at
`STARTS` starts while others did not.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from synth.errors import OutageError, Problem
from synth.store.open_shards import STARTS, FailedUnit, OpenShards
from synth.store.shards import ShardKey


class LeftOpen(NamedTuple):
    """A shard that stays open, and what failed in it."""

    key: ShardKey
    failed: tuple[FailedUnit, ...]


class Unfinished:
    """The failures of one start. `accept`: close what has failed often enough."""

    def __init__(self, notes: OpenShards, *, accept: bool = False) -> None:
        self.notes, self._accept = notes, accept
        self._open: list[LeftOpen] = []
        self._succeeded: set[str] = set()
        """Stages that decided a unit in this start, or before it."""

    def succeeded(self, stage: str) -> None:
        """Note that a unit of this stage did not fail."""
        self._succeeded.add(stage)

    def take(self, key: ShardKey, failed: Sequence[FailedUnit]) -> bool:
        """Whether the shard may be closed: nothing of it failed, or what failed is accepted."""
        if not failed or (self._accept and self.notes.can_close(key, failed)):
            return True
        self._open.append(LeftOpen(key, tuple(failed)))
        return False

    def end(self, what: str) -> None:
        """Write down what is open. Raises OutageError if anything is: `what` cannot go on."""
        open_, self._open = self._open, []
        for key, failed in open_:
            self.notes.note(key, failed, counts=key.stage in self._succeeded)
        if open_:
            raise OutageError(*self._problems(what, open_))

    def _problems(self, what: str, open_: Sequence[LeftOpen]) -> list[Problem]:
        """One problem for each stage."""
        problems = []
        for stage in dict.fromkeys(key.stage for key, _ in open_):
            shards = [one for one in open_ if one.key.stage == stage]
            units = [unit for _, failed in shards for unit in failed]
            often = sum(
                starts >= STARTS - 1 for key, _ in shards for starts in self.notes.starts(key).values()
            )
            reasons = ", ".join(
                f"{reason} {n}" for reason, n in Counter(unit.reason for unit in units).items()
            )
            fix = "mend the cause, then give the same command again: only what failed is asked again"
            if often:
                fix += (
                    f"; or add --accept-failures, which gives up what has failed at {STARTS} starts while "
                    f"others succeeded ({often} could be with the next)"
                )
            message = (
                f"waits for {len(units)} failed units in {len(shards)} open shards of the stage {stage} "
                f"({reasons}); the first: {' '.join(units[0].error.split())[:200]}"
            )
            problems.append(Problem(what, message, fix, "docs/architecture/loop.md"))
        return problems
