"""How a run reports its progress: the protocol that a display implements, for a terminal or anything else.

Place in the flow: the command line passes a reporter in; the loop calls it. The one rule: nothing below the
command line depends on a particular display.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from synth.pipeline.books import RoundProgress


class Reporter(Protocol):
    """Receives steps and counts as they happen, and results at the end."""

    def say(self, text: str) -> None:
        """One line: a step began or ended."""
        ...

    def round(self) -> AbstractContextManager[None]:
        """A context around the data stages of one round; `show` is called inside it."""
        ...

    def show(self, progress: RoundProgress) -> None:
        """Show the stages of the round; called after every change."""
        ...

    def share(self, what: str, done: int, total: int) -> None:
        """Report how much of a countable task is done: an evaluation, a training."""
        ...

    def print_table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A result."""
        ...

    def print_line(self, text: str) -> None:
        """Print a result as text."""
        ...
