"""Figures and rows of training data for the terminal.

Place in the flow: `tokens.figures` -> here -> `codemill data`, which prints. The one rule: all text of a row
is escaped, so that it can neither colour nor move anything; what is trained is also marked by «», for those
who see no colours.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from posttrain.tokens.figures import DataFigures, LengthBin, MaskedText
from posttrain.tokens.shards import RejectedRow
from synth.plain_text import plain

if TYPE_CHECKING:
    from rich.text import Text

HEADS = ("data set", "rows", "trained on")
NUMBERS = ("rows", "trained on", "tokens")
LEGEND = "«trained», special tokens in magenta, the rest dim; the other answer of a pair is red"
_BAR = 40


def set_rows(figures: DataFigures) -> list[list[str]]:
    """The cells of the table of data sets."""
    return [[", ".join(one.paths), f"{one.rows:,}", f"{one.selected:,}"] for one in figures.data_sets]


def summary(figures: DataFigures) -> Iterator[str]:
    """Lines below the table."""
    yield (
        f"{figures.rows:,} rows, {figures.tokens:,} tokens, {figures.trained_share:.1%} of them trained; "
        f"a row has {figures.mean:,.0f} (median {figures.median:,.0f}, longest {figures.longest:,})"
    )
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in sorted(figures.rejected.items()))
    yield f"rows left out: {left_out or 'none'}"


def bars(histogram: Sequence[LengthBin]) -> Iterator[str]:
    """The histogram of lengths, a line for each bin."""
    most = max((one.rows for one in histogram), default=0)
    for one in histogram:
        bar = "█" * round(_BAR * one.rows / most) or ("▏" if one.rows else "")
        yield f"{one.low:>7,} - {one.high:>7,}  {one.rows:>9,}  {bar}"


def rejected_line(row: RejectedRow) -> str:
    return f"{row.where}: {row.reason}: {row.detail}"


def shown_row(spans: Sequence[MaskedText]) -> Iterator["Text"]:
    """A row as coloured text: one piece for each column of tokens."""
    from rich.text import Text

    for column, parts in groupby(spans, key=lambda span: span.column):
        text = Text(f"{column}: ", style="bold")
        for trained, pieces in groupby(parts, key=lambda span: span.trained):
            text.append("«" if trained else "")
            for piece in pieces:
                text.append(plain(piece.text), style=_style(piece, column))
            text.append("»" if trained else "")
        yield text


def _style(span: MaskedText, column: str) -> str:
    colour = "magenta" if span.special else "green" if span.trained else ""
    if column == "rejected_ids" and not span.special:
        colour = "red"
    return f"{colour} {'underline' if span.trained else 'dim'}".strip()
