"""The terminal display of a run: progress as a live table, or as plain lines without a terminal; results
at the end.

Place in the flow: `posttrain.cli` hands it to the loop, which only knows its protocol. The one rule: progress
goes to stderr, results to stdout.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from synth.cli.printing import print_table, print_text, print_title
from synth.pipeline.books import RoundProgress
from synth.plain_text import plain

PLAIN_INTERVAL_S = 10.0


class ProgressDisplay:
    """Shows phases (one line each) and the stages of a round (a table, or a line every ten seconds)."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr)
        self._started = time.monotonic()
        self._live: Live | None = None
        self._round_started = self._last_line = 0.0

    def say(self, text: str) -> None:
        """Print one line with the time since the start."""
        self.console.print(
            plain(f"[{self._clock(time.monotonic() - self._started)}] {text}"),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    @contextmanager
    def round(self) -> Iterator[None]:
        """Active while a round's stages run."""
        self._round_started = self._last_line = time.monotonic()
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, refresh_per_second=4) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def show(self, progress: RoundProgress) -> None:
        """Show the counts; called after every change."""
        now = time.monotonic()
        if self._live is not None:
            self._live.update(self._table(progress, now - self._round_started))
        elif now - self._last_line >= PLAIN_INTERVAL_S:
            self._last_line = now
            self.say(self._line(progress, now - self._round_started))

    def share(self, what: str, done: int, total: int) -> None:
        """Show the progress of anything else that can be counted, such as an evaluation or a training."""
        now = time.monotonic()
        if now - self._last_line >= PLAIN_INTERVAL_S or done == total:
            self._last_line = now
            self.say(f"{what}: {done} of {total}")

    def print_table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a result under its title."""
        print_title(title)
        print_table(heads, rows)

    def print_line(self, text: str) -> None:
        """Print a result in words."""
        print_text(text)

    def _table(self, progress: RoundProgress, elapsed: float) -> Table:
        left = self._left(progress, elapsed)
        table = Table(
            title=(
                f"round {progress.round}, {self._clock(elapsed)} so "
                f"far{f', about {left} left' if left else ''}"
            ),
            title_justify="left",
        )
        for head in ("stage", "entered", "done", "kept", "rejected", "failed", "waiting", "rows/s"):
            table.add_column(head, justify="left" if head == "stage" else "right")
        for name, counts in progress.stages.items():
            rate = f"{counts.done / elapsed:.1f}" if elapsed > 0 else ""
            table.add_row(
                name,
                *map(str, (counts.entered, counts.done, counts.kept, counts.rejected)),
                *map(str, (counts.failed, counts.waiting)),
                rate,
            )
        return table

    def _line(self, progress: RoundProgress, elapsed: float) -> str:
        active = [(name, counts) for name, counts in progress.stages.items() if counts.entered]
        text = "; ".join(
            f"{name} {c.done} of {c.entered} done, {c.kept} kept, {c.rejected} rejected"
            + (f", {c.failed} failed" if c.failed else "")
            for name, c in active[-4:]
        )
        done = sum(counts.done for _, counts in active)
        left = self._left(progress, elapsed)
        return (
            f"round {progress.round}: {text}; {done / max(elapsed, 0.001):.0f} "
            f"rows/s{f', about {left} left' if left else ''}"
        )

    def _left(self, progress: RoundProgress, elapsed: float) -> str:
        """Time left, estimated from the share of seeds past the slowest stage; empty while the number of
        seeds is unknown."""
        counts = [stage for stage in progress.stages.values() if stage.entered]
        if not progress.source_ended or not counts or not progress.shards:
            return ""
        share = min(stage.done / stage.entered for stage in counts)
        return self._clock(elapsed * (1 - share) / share) if 0.05 < share < 1 else ""

    @staticmethod
    def _clock(seconds: float) -> str:
        return f"{int(seconds) // 60:d}:{int(seconds) % 60:02d}"
