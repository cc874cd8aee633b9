"""Texts as pages show them: cut at a bound, with their true length, and without code points that JSON and
UTF-8 cannot hold.

The one rule: hostile text is data. Nothing here makes markup of it.
"""

from typing import Final

from synth.store.products import without_lone_surrogates
from synth.wire_record import Record

MOST_SHOWN: Final = 64_000
"""Characters of one text on a page."""


class Cut(Record):
    """The start of a text, and the length of all of it in characters."""

    text: str
    length: int

    @property
    def is_cut(self) -> bool:
        return len(self.text) < self.length


def cut(text: str, most: int = MOST_SHOWN, length: int | None = None) -> Cut:
    """The text, cut. `length`: the true one, where the text was cut before."""
    shown = without_lone_surrogates(text[:most])
    assert isinstance(shown, str)
    return Cut(text=shown, length=max(len(shown), len(text) if length is None else length))
