"""How far a command over a data set is, for people who wait: a line every ten seconds on stderr."""

import sys
import time

INTERVAL_S = 10.0


class RowsDone:
    """Call it once for each row."""

    def __init__(self) -> None:
        self.done, self._last = 0, time.monotonic()

    def __call__(self, _: object = None) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self._last >= INTERVAL_S:
            self._last = now
            print(f"{self.done} rows done", file=sys.stderr)
