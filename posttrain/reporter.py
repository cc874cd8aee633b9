"""What a run says while it goes: the protocol that a display fulfils, on a terminal or anywhere else.

Place in the flow: the command line hands one in; the loop speaks to it. The one rule: nothing below the
command line knows who listens.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from synth.pipeline.books import RoundProgress


class Reporter(Protocol):
    """Steps and counts while they happen, results at the end."""

    def say(self, text: str) -> None:
        """One line: a step began or ended."""
        ...

    def round(self) -> AbstractContextManager[None]:
        """Around the data of one round, in which `show` is called."""
        ...

    def show(self, progress: RoundProgress) -> None:
        """The stages of the round, after every change."""
        ...

    def share(self, what: str, done: int, total: int) -> None:
        """How much is done of something that can be counted: an evaluation, a training."""
        ...

    def print_table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A result."""
        ...

    def print_line(self, text: str) -> None:
        """A result in words."""
        ...
