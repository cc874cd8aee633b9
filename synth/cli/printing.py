"""Printing for the terminal views: tables, texts and JSON.

The one rule: text from a model or a source never reaches the terminal raw. Control characters, escape
sequences, bidirectional controls and lone surrogates are shown as escapes, and rich does not interpret
markup in them.
"""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synth.plain_text import plain

if TYPE_CHECKING:
    from rich.console import Console


def one_line(text: object, width: int = 80) -> str:
    """The start of a text, on one line."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def print_json(value: object) -> None:
    """Print one JSON document in ASCII, which is both safe and exact."""
    text = json.dumps(value, indent=2, ensure_ascii=True, default=_to_plain_data)
    print(text.replace("\x7f", "\\u007f"))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[str] = ()) -> None:
    """Print a table. Columns named in `numbers` are right-aligned. Cells are escaped here."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right" if head in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    console().print(table)


def print_title(text: object) -> None:
    """A heading."""
    from rich.text import Text

    console().print(Text(plain(text), style="bold"))


def print_text(text: object, indent: int = 0) -> None:
    """Print a text, escaped, with each line indented."""
    for line in plain(text).split("\n"):
        console().print(" " * indent + line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def console() -> "Console":
    """The terminal, or the current stdout. Without a terminal, lines are wide enough for whole ids."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 200, emoji=False)


def _to_plain_data(value: object) -> object:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
