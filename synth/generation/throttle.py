"""How many calls may be open: up to a bound, fewer while the endpoint says or shows that it is too much.

Additive increase, multiplicative decrease (Chiu and Jain 1989). The one rule: one wave of refusals halves the
number once, whatever its size, because all of them answer what was open before the first one was known.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

_LESS = 0.5
_SLOWER = 0.9


class Throttle:
    """Places for calls, handed out in order. `async with throttle:` takes one."""

    def __init__(self, most: int, slow_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = float(most)
        """Calls that may be open now, between 1 and the bound."""
        self.open = 0
        self._most, self._slow_s, self._clock = most, slow_s, clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lowered_at = self._held_until = float("-inf")

    async def __aenter__(self) -> None:
        if not self._waiting and self.open < int(self.limit):
            self.open += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the place was given, and is given back
                self._leave()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._leave()

    async def wait_until_clear(self) -> None:
        """Wait as long as the endpoint asked all callers to."""
        while (left := self._held_until - self._clock()) > 0:
            await asyncio.sleep(left)

    def hold(self, seconds: float) -> None:
        """No call begins within so many seconds."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def refused(self, began: float) -> None:
        """A call that began then found the endpoint overloaded."""
        self._lower(_LESS, began)

    def answered(self, began: float) -> None:
        """A call that began then was answered. Taking over half of the time-out counts as too much."""
        if self._clock() - began > self._slow_s:
            self._lower(_SLOWER, began)
        elif self.limit < self._most:
            self.limit = min(float(self._most), self.limit + 1 / self.limit)
            self._hand_out()

    def _lower(self, factor: float, began: float) -> None:
        if began >= self._lowered_at:
            self.limit = max(1.0, min(self.limit, max(self.open, 1)) * factor)
            self._lowered_at = self._clock()

    def _leave(self) -> None:
        self.open -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self.open < int(self.limit):
            place = self._waiting.popleft()
            if not place.done():
                self.open += 1
                place.set_result(None)
