"""Charts as SVG, drawn on the server: shares of a bar, bars of a histogram, lines over time.

Place in the flow: templates of the inspector and the plots of a training call these. The one rule: a chart is
a picture with one sentence for those who do not see it (`label`); its texts stand beside it, and its colours
are classes of the style sheet, because the content security policy lets no style into an attribute.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH, _HEIGHT = 1000, 100
"""The box of lines and histograms. It is stretched to its place; strokes keep their width."""
_MARGIN: Final = 4


class Share(NamedTuple):
    """One part of a bar: a class of the style sheet (`kept`, `quality`, `policy`, `infrastructure`,
    `waiting`), how much it is, and the words for it."""

    kind: str
    amount: float
    words: str


class Bin(NamedTuple):
    """One bar of a histogram over the values from `start` up to `end`."""

    start: float
    end: float
    amount: int
    kind: str = "kept"


class SplitBin(NamedTuple):
    """One bar of a histogram in two parts: kept, and lost for a reason of this class."""

    start: float
    end: float
    kept: int
    lost: int
    kind: str


class Curve(NamedTuple):
    """One line: a class of the style sheet (`a`, `b`, ...), its name, and points (x, y) by rising x."""

    kind: str
    name: str
    points: Sequence[tuple[float, float]]


def bins(amounts: Iterable[int], start: float = 0, step: float = 1) -> list[Bin]:
    """Bars of equal steps from `start`."""
    return [Bin(start + at * step, start + (at + 1) * step, amount) for at, amount in enumerate(amounts)]


def share_bar(shares: Sequence[Share], whole: float = 0, label: str = "") -> "Markup":
    """A bar of one line, split into shares of `whole`, or of their sum."""
    from markupsafe import Markup

    whole = whole or sum(share.amount for share in shares) or 1
    pieces, at = [], 0.0
    for share in shares:
        width = 100 * share.amount / whole
        if width > 0:
            piece = '<rect class="{}" x="{:.3f}%" width="{:.3f}%" height="100%"><title>{}</title></rect>'
            pieces.append(Markup(piece).format(share.kind, at, width, share.words))
        at += width
    words = label or ", ".join(share.words for share in shares if share.amount)
    return Markup('<svg class="share-bar" role="img" aria-label="{}">{}</svg>').format(
        words, Markup("").join(pieces)
    )


def histogram(bins: Sequence[Bin], label: str, threshold: float | None = None) -> "Markup":
    """Bars of counts over equal steps, and a line at the threshold, where one is given."""
    from markupsafe import Markup

    highest = max((one.amount for one in bins), default=0) or 1
    step = 100 / (len(bins) or 1)
    pieces = []
    for at, one in enumerate(bins):
        height = 100 * one.amount / highest
        piece = (
            '<rect class="{}" x="{:.3f}%" y="{:.3f}%" width="{:.3f}%" height="{:.3f}%">'
            "<title>{}</title></rect>"
        )
        words = f"{one.start:g} to {one.end:g}: {one.amount:,}"
        pieces.append(
            Markup(piece).format(one.kind, at * step + step * 0.06, 100 - height, step * 0.88, height, words)
        )
    if threshold is not None and bins and bins[-1].end > bins[0].start:
        place = 100 * (threshold - bins[0].start) / (bins[-1].end - bins[0].start)
        place = min(100.0, max(0.0, place))
        line = '<line class="threshold" x1="{0:.3f}%" x2="{0:.3f}%" y1="0" y2="100%"/>'
        pieces.append(Markup(line).format(place))
    return Markup('<svg class="histogram" role="img" aria-label="{}">{}</svg>').format(
        label, Markup("").join(pieces)
    )


def split_histogram(bins: Sequence[SplitBin], label: str, threshold: float | None = None) -> "Markup":
    """Bars of two parts, kept below and lost above. Heights go by the square root, so that a few units beside
    thousands are seen; a line stands at the threshold."""
    from markupsafe import Markup

    highest = max((one.kept + one.lost for one in bins), default=0) or 1
    step = 100 / (len(bins) or 1)
    piece = (
        '<rect class="{}" x="{:.3f}%" y="{:.3f}%" width="{:.3f}%" height="{:.3f}%"><title>{}</title></rect>'
    )
    pieces = []
    for at, one in enumerate(bins):
        height = 100 * ((one.kept + one.lost) / highest) ** 0.5
        words = f"{one.start:.4g} to {one.end:.4g}: {one.kept:,} kept, {one.lost:,} lost"
        top = 100 - height
        for kind, amount in ((one.kind, one.lost), ("kept", one.kept)):
            part = height * amount / (one.kept + one.lost or 1)
            if part:
                pieces.append(
                    Markup(piece).format(kind, at * step + step * 0.06, top, step * 0.88, part, words)
                )
            top += part
    if threshold is not None and bins and bins[-1].end > bins[0].start:
        place = 100 * (threshold - bins[0].start) / (bins[-1].end - bins[0].start)
        line = '<line class="threshold" x1="{0:.3f}%" x2="{0:.3f}%" y1="0" y2="100%"/>'
        pieces.append(Markup(line).format(min(100.0, max(0.0, place))))
    return Markup('<svg class="histogram" role="img" aria-label="{}">{}</svg>').format(
        label, Markup("").join(pieces)
    )


def interval(value: float, low: float, high: float, label: str) -> "Markup":
    """A share from 0 to 1 as a dot, with its interval as a line."""
    from markupsafe import Markup

    chart = (
        '<svg class="interval" role="img" aria-label="{}"><line class="track" x1="0" x2="100%" y1="50%" '
        'y2="50%"/><line class="range" x1="{:.2f}%" x2="{:.2f}%" y1="50%" y2="50%"/><circle class="dot-mark" '
        'cx="{:.2f}%" cy="50%" r="4.5"/></svg>'
    )
    return Markup(chart).format(label, 100 * low, 100 * high, 100 * value)


def line_chart(curves: Sequence[Curve], label: str, zero: bool = True) -> "Markup":
    """Lines over one x axis; `zero`: whether the y axis begins at 0. A curve of one point is a dot."""
    from markupsafe import Markup

    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points] + ([0.0] if zero else [])
    if not xs:
        return Markup("")
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)

    def place(x: float, y: float) -> str:
        across = (x - left) / (right - left) if right > left else 0.5
        up = (y - low) / (high - low) if high > low else 0.5
        return f"{across * _WIDTH:.1f},{_HEIGHT - _MARGIN - up * (_HEIGHT - 2 * _MARGIN):.1f}"

    pieces = []
    for curve in curves:
        points = [place(x, y) for x, y in curve.points]
        path = f"M{points[0]} " + " ".join(f"L{point}" for point in points[1:] or points) if points else ""
        pieces.append(
            Markup('<path class="curve {}" d="{}"><title>{}</title></path>').format(
                curve.kind, path, curve.name
            )
        )
    chart = (
        '<svg class="line-chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
    )
    return Markup(chart).format(_WIDTH, _HEIGHT, label) + Markup("").join(pieces) + Markup("</svg>")
