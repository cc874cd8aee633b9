"""Who may go to the sandbox, and who waits for it: bounded places, a bounded line, and bounded bytes.

Place in the flow: the endpoints ask here before they run anything. The one rule: nobody runs into a
time-out of ours in the line; who cannot be served is told at once, and told when to come back.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

_LONGEST_RETRY_S: Final = 60


class Busy(Exception):
    """There is no room: come back in `retry_s` seconds. `status` is the HTTP status that says so."""

    def __init__(self, status: int, words: str, retry_s: int) -> None:
        super().__init__(words)
        self.status, self.words, self.retry_s = status, words, retry_s


class Gate:
    """`places` programs are with the sandbox, up to `most_waiting` wait in order of arrival, each for at most
    `wait_s` seconds, and all that is held for requests is at most `most_bytes`. For one event loop."""

    def __init__(self, places: int, most_waiting: int, wait_s: float, most_bytes: int) -> None:
        self.places, self.most_waiting, self.wait_s, self.most_bytes = (
            places,
            most_waiting,
            wait_s,
            most_bytes,
        )
        self.inside = 0
        self.held_bytes = 0
        self.closed = False
        self._line: deque[asyncio.Future[None]] = deque()
        self._gap_s = 0.05
        self._last_left = time.monotonic()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    def close(self) -> None:
        """The server ends: whoever waits or comes is told so."""
        self.closed = True
        for one in self._line:
            if not one.done():
                one.set_exception(self._ending())
        self._line.clear()

    @asynccontextmanager
    async def place(self, patient: bool = False) -> AsyncIterator[None]:
        """A place, for one program. One who is `patient` (a row of a request that has been let in) waits as
        long as it takes. Raises Busy."""
        await self._enter(patient)
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def hold(self, count: int) -> Iterator[None]:
        """Room for the bytes of a request. Raises Busy."""
        if self.held_bytes + count > self.most_bytes:
            raise Busy(503, "the requests that wait hold as much memory as they may", self._retry_s())
        self.held_bytes += count
        try:
            yield
        finally:
            self.held_bytes -= count

    async def _enter(self, patient: bool) -> None:
        if self.closed:
            raise self._ending()
        if self.inside < self.places and not self._line:
            self.inside += 1
            return
        if not patient and len(self._line) >= self.most_waiting:
            raise Busy(429, f"{len(self._line)} programs wait already", self._retry_s())
        mine = asyncio.get_running_loop().create_future()
        self._line.append(mine)
        try:
            async with asyncio.timeout(None if patient else self.wait_s):
                await mine
        except BaseException as error:
            self._give_up(mine)
            if isinstance(error, TimeoutError):
                words = f"no place became free in {self.wait_s:g} s"
                raise Busy(503, words, self._retry_s()) from None
            raise
        if self.closed:
            self._leave()
            raise self._ending()

    def _give_up(self, mine: "asyncio.Future[None]") -> None:
        if mine.done() and not mine.cancelled() and mine.exception() is None:
            self._leave()  # the place came at the same moment
        elif mine in self._line:
            self._line.remove(mine)

    def _leave(self) -> None:
        now = time.monotonic()
        self._gap_s += 0.1 * (now - self._last_left - self._gap_s)
        self._last_left = now
        while self._line:
            first = self._line.popleft()
            if not first.done():
                first.set_result(None)  # the place goes from hand to hand
                return
        self.inside -= 1

    def _retry_s(self) -> int:
        """About how long the line that there is takes."""
        return max(1, min(_LONGEST_RETRY_S, math.ceil(len(self._line) * self._gap_s)))

    def _ending(self) -> Busy:
        return Busy(503, "the server is ending", _LONGEST_RETRY_S)
