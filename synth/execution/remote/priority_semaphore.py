"""Decides which waiting caller is served next. The one rule: the lowest priority number goes first, and
arrival order decides between equals."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class _Waiting(NamedTuple):
    priority: int
    arrival: int
    granted: asyncio.Future[None]


class PrioritySemaphore:
    """A fixed number of slots; callers that find none free wait in order of priority. For one event loop."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: list[_Waiting] = []
        self._arrivals = 0

    @asynccontextmanager
    async def take(self, priority: int) -> AsyncIterator[None]:
        """Hold a slot."""
        await self._enter(priority)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, priority: int) -> None:
        granted = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, _Waiting(priority, self._arrivals, granted))
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._leave()  # it was given a slot but can no longer use it
            raise

    def _leave(self) -> None:
        self._free += 1
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self._free:
            granted = heapq.heappop(self._waiting).granted
            if not granted.done():
                self._free -= 1
                granted.set_result(None)
