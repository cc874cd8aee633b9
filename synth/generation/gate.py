"""A gate for engines whose policy can be swapped: generations run together, a swap runs alone.

The one rule: every answer comes entirely from one policy. A swap waits until running generations are
finished, and new requests wait until the swap is done.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PolicyGate:
    """Many generations or one swap."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._generating = 0
        self._swapping = False

    @asynccontextmanager
    async def generation(self) -> AsyncIterator[None]:
        """Hold off swaps while the body runs."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._swapping)
            self._generating += 1
        try:
            yield
        finally:
            self._generating -= 1
            await self._announce()

    @asynccontextmanager
    async def swap(self) -> AsyncIterator[None]:
        """Wait for running generations, then hold off new ones while the body runs."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._swapping)
            self._swapping = True
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._generating)
            yield
        finally:
            self._swapping = False
            await self._announce()

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()
