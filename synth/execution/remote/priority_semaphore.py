"""Who runs next, where more programs wait than can run. The one rule: the lowest turn first, and among equals
whoever came first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class _Waiting(NamedTuple):
    turn: int
    arrival: int
    granted: asyncio.Future[None]


class PrioritySemaphore:
    """So many places; whoever finds too few free waits, in the order of the turns. For one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[_Waiting] = []
        self._arrivals = 0

    @asynccontextmanager
    async def take(self, turn: int) -> AsyncIterator[None]:
        """Hold a place."""
        await self._enter(turn)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, turn: int) -> None:
        granted = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, _Waiting(turn, self._arrivals, granted))
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._leave()  # it was given a place and cannot use it any more
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
