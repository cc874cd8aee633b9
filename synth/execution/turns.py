"""Who runs next, where more programs wait than can run. The one rule: the lowest turn first, and among equals whoever came first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """So many places; whoever finds none free waits for one, in the order of the turns. For one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
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
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, (turn, self._arrivals, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()  # it was given a place and cannot use it any more
            raise

    def _leave(self) -> None:
        while self._waiting:
            _, _, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
