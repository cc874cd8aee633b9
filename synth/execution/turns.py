"""Who runs next, where more programs wait than can run. The one rule: the lowest turn first, and among equals whoever came first; nobody
passes one that waits for more places than are free."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class _Waiting(NamedTuple):
    turn: int
    arrival: int
    places: int
    granted: asyncio.Future[None]


class Turns:
    """So many places; whoever finds too few free waits, in the order of the turns. For one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[_Waiting] = []
        self._arrivals = 0

    @asynccontextmanager
    async def take(self, turn: int, places: int = 1) -> AsyncIterator[None]:
        """Hold so many places, which must not be more than there are."""
        await self._enter(turn, places)
        try:
            yield
        finally:
            self._leave(places)

    async def _enter(self, turn: int, places: int) -> None:
        granted = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, _Waiting(turn, self._arrivals, places, granted))
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._leave(places)  # it was given places and cannot use them any more
            else:
                self._grant()  # the next one may need fewer
            raise

    def _leave(self, places: int) -> None:
        self._free += places
        self._grant()

    def _grant(self) -> None:
        while self._waiting and (self._waiting[0].granted.done() or self._waiting[0].places <= self._free):
            first = heapq.heappop(self._waiting)
            if not first.granted.done():
                self._free -= first.places
                first.granted.set_result(None)
