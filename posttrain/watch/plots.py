"""The charts of a training as SVG files in its folder, which any browser shows.

Place in the flow: `metrics.jsonl`, `evaluations.jsonl` -> here -> `plots/`. The one rule: they are the charts
of the inspector's page of trainings, drawn by the same code; drawing them again gives the same files.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from posttrain.core.metrics_log import read_metrics
from posttrain.watch.measured import EVALUATIONS, LOSS
from synth.charts import Curve, line_chart
from synth.store.atomic import write_bytes
from synth.training_metrics import CHARTS

PLOTS = "plots"
_MOST_POINTS = 400
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.curve{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}"
    ".a{stroke:#1b6ac9}.b{stroke:#c9541b}.line-chart{overflow:visible}"
)
_FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="240" viewBox="0 0 640 240"><style>{}</style>'
    '<rect width="640" height="240" fill="#fff"/>'
    '<text x="12" y="22"><tspan font-weight="bold">{}</tspan></text>'
    '<text x="628" y="22" text-anchor="end">{}</text><text x="88" y="52" text-anchor="end">{:.4g}</text>'
    '<text x="88" y="206" text-anchor="end">{:.4g}</text>'
    '<svg x="100" y="40" width="524" height="170">{}</svg>'
    '<text x="100" y="230">step {:.0f}</text><text x="624" y="230" text-anchor="end">{:.0f}</text></svg>\n'
)


def draw_plots(folder: Path) -> None:
    """Write a file for each chart that has values."""
    for title, curves in _charts(folder):
        file = folder / PLOTS / f"{title.replace(' ', '-')}.svg"
        file.parent.mkdir(exist_ok=True)
        write_bytes(file, _svg(title, curves).encode())


def _charts(folder: Path) -> Iterator[tuple[str, list[Curve]]]:
    steps = read_metrics(folder / "metrics.jsonl")
    for title, names in CHARTS.items():
        curves = [
            Curve(kind, name, _points([(one.step, one.metrics.get(name, math.nan)) for one in steps]))
            for kind, name in zip("ab", names, strict=False)
        ]
        if title == "loss" and (measured := _measured(folder)):
            curves.append(Curve("b", LOSS, _points(measured)))
        if curves := [curve for curve in curves if curve.points]:
            yield title, curves


def _measured(folder: Path) -> list[tuple[float, float]]:
    file = folder / EVALUATIONS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [(one["step"], one[LOSS]) for one in map(json.loads, lines)]


def _points(values: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Finite ones, thinned out evenly; the last is kept."""
    found = [(x, y) for x, y in values if math.isfinite(y)]
    stride = max(1, -(-len(found) // _MOST_POINTS))
    return found[:-1:stride] + found[-1:]


def _svg(title: str, curves: Sequence[Curve]) -> str:
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    names = Markup("").join(
        Markup('<tspan class="{0}" fill="{1}">{2}</tspan> ').format(curve.kind, colour, curve.name)
        for curve, colour in zip(curves, ("#1b6ac9", "#c9541b"), strict=False)
    )
    chart = line_chart(
        curves, f"{title}: from {curves[0].points[0][1]:.4g} to {curves[0].points[-1][1]:.4g}", False
    )
    frame = Markup(_FRAME).format(Markup(_STYLE), title, names, max(ys), min(ys), chart, min(xs), max(xs))
    return str(frame)
