"""Runs calls: up to a bound at once, fewer while the endpoint says or shows that it is too much.

Additive increase, multiplicative decrease (Chiu and Jain 1989). The one rule: one wave of refusals halves the
number once, whatever its size, because all of them answer what was open before the first one was known.

A runner takes the next call in the very step in which it ends the one before. If each call waited for a place
in a task of its own, all answers that arrive together would be read before the first new call is sent, and
an endpoint with a fixed delay would be idle meanwhile.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_LESS = 0.5
_SLOWER = 0.9
T = TypeVar("T")


class _ThrottledCall(Generic[T]):
    """A call that was asked for, and where its result goes."""

    __slots__ = ("result", "runner", "work")

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]], result: "asyncio.Future[T]") -> None:
        self.work, self.result = work, result
        self.runner: asyncio.Task[None] | None = None


class Throttle:
    """Runs calls in the order in which they were asked for."""

    def __init__(self, most: int, slow_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = float(most)
        """Calls that may be open now, between 1 and the bound."""
        self.open = 0
        self._most, self._slow_s, self._clock = most, slow_s, clock
        self._waiting: deque[_ThrottledCall[Any]] = deque()
        self._runners: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._lowered_at = self._held_until = float("-inf")

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work`, run when it is its turn. Cancelling cancels it."""
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = _ThrottledCall(work, result)
        self._waiting.append(waiting)
        self._hand_out()
        try:
            return await result
        except asyncio.CancelledError:
            if waiting.runner is not None and not waiting.runner.done():
                waiting.runner.cancel()
            raise

    def _hand_out(self) -> None:
        """Start as many runners as there are calls for them and places."""
        while len(self._waiting) > self._starting and self.open < int(self.limit):
            self.open += 1
            self._starting += 1
            runner = asyncio.create_task(self._run())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)

    async def _run(self) -> None:
        self._starting -= 1
        runner = asyncio.current_task()
        try:
            while self._waiting and self.open <= int(self.limit):
                waiting = self._waiting.popleft()
                if waiting.result.done():  # it was given up
                    continue
                waiting.runner = runner
                try:
                    result = await waiting.work()
                except Exception as error:  # noqa: BLE001 - handed to the caller, whatever it is
                    if not waiting.result.done():
                        waiting.result.set_exception(error)
                else:
                    if not waiting.result.done():
                        waiting.result.set_result(result)
                waiting.runner = None
        finally:
            self.open -= 1
            self._hand_out()

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
