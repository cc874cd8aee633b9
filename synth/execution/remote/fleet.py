"""The live machines of a remote sandbox: lent for a batch, kept for the next one, killed at the end, and
never more than the limit.

Place in the flow: `dispatch.py` borrows hosts here. The one rule: a place is free again only when its machine
is known to be gone, because the kill was confirmed or the machine's lifetime is over.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from synth.execution.remote.hosts import Host, HostFault, Provider, Remedy, Unsure

_KILLS: Final = 3
_MARGIN_S: Final = 10.0
"""A machine with less time left gets no batch."""


class Backoff:
    """Growing pauses: `base_s`, twice that, and so on up to `most_s`, at most `tries` times."""

    def __init__(self, base_s: float, tries: int, most_s: float = 60.0) -> None:
        self.base_s, self.tries, self.most_s = base_s, tries, most_s

    def pause_s(self, attempt: int) -> float:
        """The pause after this many failures (from 0)."""
        return min(self.most_s, self.base_s * 2.0 ** min(attempt, 30))

    async def pause(self, attempt: int) -> None:
        """Wait for that pause."""
        await asyncio.sleep(self.pause_s(attempt))


class Fleet:
    """At most `limit` machines at a time, each counted from before its request until it is known to be gone.

    `_used` counts places that are lent or unsure; idle machines are not included. A machine is made only if
    none is idle, so used and idle together never exceed the limit.
    """

    def __init__(
        self, provider: Provider, limit: int, backoff: Backoff, prepare: Callable[[Host], Awaitable[None]]
    ) -> None:
        self._provider, self._limit, self._backoff, self._prepare = provider, limit, backoff, prepare
        self._idle: list[Host] = []
        self._live: dict[str, Host] = {}
        self._used, self._unsure = 0, 0
        self._changed, self._closing = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._admitting: set[asyncio.Future[Host]] = set()
        self._closed = False

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Host]:
        """A machine for one batch. It is killed after a fault that needs a new machine, and kept
        otherwise. Raises HostFault."""
        host = await self._take()
        try:
            yield host
        except HostFault as fault:
            if fault.remedy is Remedy.WAIT:
                self._give_back(host)
            else:
                await asyncio.shield(self._retire(host))
            raise
        except BaseException:
            await asyncio.shield(self._retire(host))
            raise
        else:
            self._give_back(host)

    async def close(self) -> None:
        """Kill every machine, including busy and forgotten ones. May be called twice."""
        self._closed = True
        self._changed.set()
        self._closing.set()
        self._idle.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._admitting, return_exceptions=True)
        await asyncio.gather(*(self._kill(host) for host in list(self._live.values())))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(HostFault):  # they end with their lifetime
            await self._provider.sweep()

    async def _take(self) -> Host:
        """An idle machine, or a new one. If no more are granted while others are busy, waits for the
        next one returned."""
        attempt = 0
        while True:
            await self._enter()
            try:
                return await self._take_idle() or await self._create()
            except HostFault as fault:
                self._leave()
                if fault.remedy is not Remedy.WAIT or (attempt >= self._backoff.tries and not self._live):
                    raise
            except BaseException:
                self._leave()
                raise
            await self._wait(self._backoff.pause_s(attempt))
            attempt += 1

    async def _enter(self) -> None:
        """Take a place. Raises HostFault if none will be free soon: the fleet is closed, or it is unknown
        whether its machines are gone."""
        while not self._closed and self._used >= self._limit and self._unsure < self._limit:
            await self._wait(None)
        if self._closed:
            raise HostFault(Remedy.STOP, "the sandbox is closed")
        if self._used >= self._limit:
            raise HostFault(
                Remedy.REPLACE, "no place is free: of all machines it is unknown whether they have ended"
            )
        self._used += 1

    def _leave(self) -> None:
        self._used -= 1
        self._changed.set()

    async def _wait(self, limit_s: float | None) -> None:
        """Wait until something changes, or for `limit_s`."""
        self._changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), limit_s)

    async def _take_idle(self) -> Host | None:
        """An idle machine with enough time left; others are ended first, or end by themselves."""
        while self._idle:
            host = self._idle.pop()
            if host.remaining_s > _MARGIN_S:
                return host
            if not await self._kill(host):
                await asyncio.sleep(max(0.0, host.remaining_s))
        return None

    async def _create(self) -> Host:
        """A new machine with the worker installed, in a place that is already taken."""
        admission = asyncio.ensure_future(self._admit())
        self._admitting.add(admission)
        admission.add_done_callback(self._admitting.discard)
        try:
            host = await asyncio.shield(admission)
        except asyncio.CancelledError:
            self._used += 1  # the machine's own place; the cancelled caller gives up its place itself
            self._background(self._dismiss(admission))
            raise
        try:
            await self._prepare(host)
        except BaseException:
            self._used += 1
            await asyncio.shield(self._retire(host))
            raise
        return host

    async def _admit(self) -> Host:
        """Request a machine and record it. If the request fails but a machine may exist, it holds its own
        place for its lifetime."""
        try:
            host = await self._provider.create()
        except Unsure as fault:
            self._used += 1
            self._background(self._hold(fault.lifetime_s))
            raise
        self._live[host.name] = host
        if self._closed:  # `close` waits for this and kills it
            raise HostFault(Remedy.STOP, "the sandbox is closed")
        return host

    async def _dismiss(self, admission: asyncio.Future[Host]) -> None:
        """The caller that requested this machine was cancelled: retire it."""
        try:
            host = await admission
        except HostFault:
            self._leave()
        else:
            await self._retire(host)

    def _give_back(self, host: Host) -> None:
        if not self._closed:
            self._idle.append(host)
        self._leave()

    async def _retire(self, host: Host) -> None:
        """Kill a machine and free its place; if the kill cannot be confirmed, free it later."""
        if self._closed or await self._kill(host):
            self._leave()
        else:
            self._background(self._hold(host.remaining_s, host))

    async def _kill(self, host: Host) -> bool:
        """Kill it; whether it is certainly gone."""
        for attempt in range(_KILLS):
            try:
                await host.kill()
            except HostFault:
                await self._backoff.pause(attempt)
            else:
                self._live.pop(host.name, None)
                return True
        return False

    async def _hold(self, limit_s: float, host: Host | None = None) -> None:
        """Keep a place while a machine may be alive, and keep trying to kill it. A cancellation alone does
        not end this: a provider's package may lose a machine in the middle of a request."""
        self._unsure += 1
        self._changed.set()
        try:
            async with asyncio.timeout(max(0.0, limit_s)):
                while not self._closed and (host is None or not await self._kill(host)):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._closing.wait(), self._backoff.most_s)
        except TimeoutError:
            if host is not None:
                self._live.pop(host.name, None)
        finally:
            self._unsure -= 1
            self._leave()

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
