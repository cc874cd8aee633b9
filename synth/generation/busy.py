"""How busy an engine was: the share of generation time with at least one request in flight.

The one rule: idle time between two requests counts. A window of generation time runs from the first request
sent in it to the last answer in it. The runner marks the windows (a round's generation), so training and
swaps between them do not count as idle, and a gap inside a window cannot be hidden.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BusyTimes:
    """Seconds so far. `busy_s` of `span_s` had at least one request in flight; `request_s / busy_s` is the
    mean number in flight."""

    span_s: float
    busy_s: float
    request_s: float

    @property
    def share(self) -> float:
        """Between 0 and 1; 1 if no request was sent, since nothing was idle."""
        return self.busy_s / self.span_s if self.span_s else 1.0


class BusyClock:
    """Counts requests in flight. The time before the first marked window is one window, and so is the time
    after the last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_flight = 0
        self._open_windows = 0
        self._first: float | None = None
        self._changed = self._last = 0.0
        self._spans = self._busy = self._requests = 0.0

    def begin(self) -> None:
        """One more request is in flight."""
        self._advance(+1)

    def end(self) -> None:
        """One request fewer is in flight."""
        self._advance(-1)

    @contextmanager
    def window(self) -> Iterator[None]:
        """Mark one stretch of generation. Overlapping windows are merged."""
        if not self._open_windows:
            self._close_span()
        self._open_windows += 1
        try:
            yield
        finally:
            self._open_windows -= 1
            if not self._open_windows:
                self._close_span()

    def read(self) -> BusyTimes:
        """The times up to the last answer, or up to now while a request is in flight."""
        now = self._clock()
        running = now - self._changed if self._in_flight else 0.0
        end = now if self._in_flight else self._last
        open_span = end - self._first if self._first is not None else 0.0
        return BusyTimes(
            self._spans + open_span, self._busy + running, self._requests + running * self._in_flight
        )

    def _advance(self, step: int) -> None:
        now = self._clock()
        if self._first is None:
            self._first = now
        self._settle(now)
        self._in_flight += step
        self._last = now

    def _settle(self, now: float) -> None:
        if self._in_flight:
            self._busy += now - self._changed
            self._requests += (now - self._changed) * self._in_flight
        self._changed = now

    def _close_span(self) -> None:
        now = self._clock()
        self._settle(now)
        if self._first is not None:
            self._spans += (now if self._in_flight else self._last) - self._first
        self._first = now if self._in_flight else None
