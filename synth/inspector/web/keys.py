"""The keys of the pages: what the help page lists.

The one rule: a key does nothing by itself; it presses the visible button or link that carries it
(`data-key`).
"""

from typing import Final, NamedTuple


class Key(NamedTuple):
    """A key, what it does, and where."""

    key: str
    does: str
    where: str


KEYS: Final = (
    Key("/", "go to the filter", "units, pairs"),
    Key("j", "next row", "lists"),
    Key("k", "row before", "lists"),
    Key("Enter", "open the row", "lists"),
    Key("n", "next unit in the filter", "unit, pair"),
    Key("p", "unit before in the filter", "unit, pair"),
    Key("u", "back to the list, at the same row", "unit, pair"),
    Key("]", "next test that failed", "unit, pair"),
    Key("[", "failed test before", "unit, pair"),
    Key("d", "next way to show the differences", "pair"),
    Key("g", "mark as good", "unit"),
    Key("b", "mark as bad", "unit"),
    Key("f", "flag", "unit, pair"),
    Key("c", "write a comment", "unit, pair"),
    Key("a", "agree with the pair", "pair"),
    Key("w", "flip the pair", "pair"),
    Key("t", "call it a tie", "pair"),
    Key("x", "drop the pair", "pair"),
    Key("y", "copy the link", "unit, pair"),
    Key("e", "export", "lists, unit, pair"),
    Key("?", "this help", "everywhere"),
)
