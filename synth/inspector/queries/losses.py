"""How many units left a run's flow, by the class of the reason."""

from collections import Counter

from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.reasons import REASONS
from synth.records import Decision, Record


class Losses(Record):
    """Units that were rejected or failed at any stage, by the class of their reason."""

    quality: int = 0
    policy: int = 0
    infrastructure: int = 0
    unknown: int = 0
    """Reasons of another version."""


def count_losses(library: Library, run: OpenedRun) -> Losses:
    """Of one run, as far as it has been read."""
    sql = f"SELECT reason, count(*) AS n FROM {run.table} WHERE decision <> ? GROUP BY reason"
    counts: Counter[str] = Counter()
    for row in library.query(sql, [Decision.KEPT.value]):
        known = REASONS.get(row["reason"])
        counts[known.reason_class.value if known else "unknown"] += int(row["n"])
    return Losses(**counts)
