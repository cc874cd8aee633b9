"""The counts of one round: how many units entered each stage, and how many it kept, rejected or failed.

Place in the flow: `lane_work.py` and `shard_scheduler.py` report to it; a progress display reads it. The one
rule: every unit that enters a stage leaves it with one row; a missing or duplicate row stops the run.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from synth.errors import Problem, StoreError
from synth.records import Decision, IndexRow


@dataclass(slots=True)
class StageCounts:
    """Units of one stage so far, including those in it right now."""

    entered: int = 0
    kept: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def done(self) -> int:
        return self.kept + self.rejected + self.failed

    @property
    def waiting(self) -> int:
        """Units that entered and were not decided: those in the stage now, and the rest of open shards."""
        return self.entered - self.done


@dataclass(slots=True)
class RoundProgress:
    """What a progress display shows of one round."""

    round: int
    stages: dict[str, StageCounts] = field(default_factory=dict)
    shards: int = 0
    """Shards that were read so far."""
    source_ended: bool = False


OnProgress = Callable[[RoundProgress], None]


def ignore_progress(_: RoundProgress) -> None:
    """For callers that show nothing."""


class Books:
    """Counts of one round, by stage in the order of the flow. `report` is told after each change."""

    def __init__(self, round_: int, stages: Sequence[str], report: OnProgress = ignore_progress) -> None:
        self.progress = RoundProgress(round_, {name: StageCounts() for name in stages})
        self._report = report

    def enter(self, stage: str, units: int) -> None:
        """Count units that have just entered the stage."""
        self.progress.stages[stage].entered += units
        self._report(self.progress)

    def settle(self, stage: str, rows: Sequence[IndexRow], entered: int = 0) -> None:
        """Count decided units, `entered` of which were counted on entry."""
        counts, decisions = self.progress.stages[stage], Counter(row.decision for row in rows)
        counts.entered += len(rows) - entered
        counts.kept += decisions[Decision.KEPT]
        counts.rejected += decisions[Decision.REJECTED]
        counts.failed += decisions[Decision.FAILED]
        self._report(self.progress)

    def leave_open(self, stage: str, rows: Sequence[IndexRow]) -> None:
        """Count the failures of a shard that stays open; its other units wait with it."""
        failed = sum(row.decision is Decision.FAILED for row in rows)
        self.progress.stages[stage].failed += failed
        self._report(self.progress)


def check_conservation(stage: str, shard: str, entered: Sequence[str], rows: Sequence[IndexRow]) -> None:
    """entered = kept + rejected + failed, unit by unit. Raises StoreError."""
    balance = Counter(entered)
    balance.subtract(row.unit_id for row in rows)
    if wrong := {unit: count for unit, count in balance.items() if count}:
        example = next(iter(wrong))
        fault = "lost" if wrong[example] > 0 else "duplicated"
        expected = (
            f"must give one row per unit that entered; {len(wrong)} units differ, "
            f"for example {example} ({fault})"
        )
        raise StoreError(
            Problem(
                f"stage {stage}, shard {shard}", expected, "report this bug: the stage breaks conservation"
            )
        )
