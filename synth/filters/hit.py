"""What a search in a benchmark finds."""

from typing import Literal, NamedTuple

Side = Literal["prose", "code"]


class Hit(NamedTuple):
    """An entry of which enough is in the unit."""

    entry: str
    side: Side
    share: float
    """Of the entry, by the measure."""
    matched: str
    """One passage that both contain, after normalization; or words, if these decided."""
    measure: str = "runs"
    least: float = 1.0
    """The share from which on the measure finds a unit."""
