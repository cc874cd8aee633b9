"""Rows that repeat others, and rows that overlap with benchmarks, by the filters of the factory.

Place in the flow: `audit.py` shows it each row in the order of the file. The one rule: the first of a group
is sound, the later ones are found.
"""

from collections.abc import Iterable
from pathlib import Path

from synth.audit.shapes import AuditRow
from synth.filters.benchmarks import BenchmarkEntry, read_benchmark
from synth.filters.decontaminate import Decontaminate
from synth.filters.exact_dedup import ExactDedup
from synth.filters.near_dedup import NearDedup
from synth.filters.protocol import FilterInput, Reject


class Similar:
    """Remembers the rows that it saw."""

    def __init__(self, benchmarks: Iterable[Path] = ()) -> None:
        self._exact, self._near = ExactDedup(), NearDedup()
        entries: list[BenchmarkEntry] = [entry for path in benchmarks for entry in read_benchmark(path)]
        self._benchmarks = Decontaminate(entries) if entries else None

    def duplicate(self, row: AuditRow) -> str:
        """The earlier row that this one repeats, in words; empty if there is none."""
        if not (row.prompt or row.reference):
            return ""
        unit = _unit(row)
        found = self._exact.check(unit)
        if isinstance(found, Reject):
            return f"exact: {_name(found.evidence['twin'])}"
        found = self._near.check(unit)
        if isinstance(found, Reject):
            return f"near ({found.evidence['similarity']}): {_name(found.evidence['twin'])}"
        return ""

    def contaminated(self, row: AuditRow) -> str:
        """The benchmark's entry that it overlaps with, in words; empty if there is none."""
        found = self._benchmarks.check(_unit(row)) if self._benchmarks else None
        if not isinstance(found, Reject):
            return ""
        evidence = found.evidence
        return f"{evidence['entry']} ({evidence['side']}, {evidence['share']})"


def _unit(row: AuditRow) -> FilterInput:
    """The number comes first: ids of rows may repeat."""
    return FilterInput(f"{row.number} {row.id}", row.language, row.prompt, row.reference)


def _name(twin: object) -> str:
    number, _, named = str(twin).partition(" ")
    return f"row {number} ({named})"
