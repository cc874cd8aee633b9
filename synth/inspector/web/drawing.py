"""What templates draw of the records of rules, comparisons, trainings and maps: bins, shares, curves, cells.

Place in the flow: `rendering.py` hands `DRAWING` to the templates. The one rule: pure, and only about looks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from synth.charts import Curve, Share, SplitBin
from synth.inspector.queries.coverage import CoverageCell, CoverageView, SynergyCell
from synth.inspector.queries.rules import EvidenceBin
from synth.inspector.queries.training import MetricChart

_STEPS: Final = 5
"""Shades of the coverage map."""


class HeatCell(NamedTuple):
    """A cell of the coverage map with its shade, from 0 to _STEPS - 1."""

    units: int
    kept: int
    step: int


class HeatRow(NamedTuple):
    """A topic; a cell is None where nothing is known."""

    topic: str
    cells: list[HeatCell | None]


class SynergyShade(NamedTuple):
    """A cell of the synergy map; `kind` says whether its interval is above 0, below it, or holds it."""

    gain: float
    low: float
    high: float
    kind: str


class SynergyRow(NamedTuple):
    """What training on one language did to each."""

    language: str
    cells: list[SynergyShade | None]


def split_bins(bins: Sequence[EvidenceBin], reason_class: str) -> list[SplitBin]:
    """The bins of a histogram, lost units in the colour of the reason's class."""
    return [SplitBin(one.start, one.end, one.kept, one.lost, reason_class) for one in bins]


def kept_and_lost(kept: int, decided: int) -> list[Share]:
    """A stage as a bar of two parts."""
    lost = decided - kept
    return [Share("kept", kept, f"{kept:,} kept"), Share("unknown", lost, f"{lost:,} lost")]


def curves_of(chart: MetricChart) -> list[Curve]:
    """The curves of a chart, each in a way of its own."""
    return [Curve(kind, one.name, one.points) for kind, one in zip("abcd", chart.curves, strict=False)]


def coverage_rows(view: CoverageView) -> list[HeatRow]:
    """The coverage map row by row."""
    cells = view.coverage.cells if view.coverage else ()
    most = max((cell.kept for cell in cells), default=0) or 1
    found = {(cell.topic, cell.language): _heat(cell, most) for cell in cells}
    return [
        HeatRow(topic, [found.get((topic, language)) for language in view.languages]) for topic in view.topics
    ]


def _heat(cell: CoverageCell, most: int) -> HeatCell:
    step = min(_STEPS - 1, int(_STEPS * (cell.kept / most) ** 0.5)) if cell.kept else 0
    return HeatCell(cell.units, cell.kept, step)


def synergy_rows(view: CoverageView) -> list[SynergyRow]:
    """The synergy map row by row."""
    cells = view.synergy.cells if view.synergy else ()
    found = {(cell.trained_on, cell.tested_on): _shade(cell) for cell in cells}
    names = view.synergy_languages
    return [SynergyRow(name, [found.get((name, other)) for other in names]) for name in names]


def _shade(cell: SynergyCell) -> SynergyShade:
    kind = "gain" if cell.low > 0 else "loss" if cell.high < 0 else "unsure"
    return SynergyShade(cell.gain, cell.low, cell.high, kind)


DRAWING: Final[Mapping[str, Callable[..., object]]] = {
    one.__name__: one for one in (split_bins, kept_and_lost, curves_of, coverage_rows, synergy_rows)
}
