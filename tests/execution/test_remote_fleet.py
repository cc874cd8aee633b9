"""The hard limit on live machines, with a provider that stands in for a service: what is unsure counts as
alive."""

import asyncio
import itertools
import time
from collections.abc import Callable

import pytest

from synth.execution.remote.fleet import Backoff, Fleet
from synth.execution.remote.hosts import Host, HostFault, Remedy, Unsure


class Machine:
    """A machine that exists only in the provider's book."""

    def __init__(self, provider: "Provider", name: str) -> None:
        self._provider, self.name = provider, name
        self._ends = time.monotonic() + provider.lifetime_s

    @property
    def remaining_s(self) -> float:
        return self._ends - time.monotonic()

    async def prolong(self) -> None:
        self._ends = time.monotonic() + self._provider.lifetime_s

    async def put(self, path: str, data: bytes) -> None:
        await asyncio.sleep(0)

    async def run(
        self, command: str, hear: Callable[[str], None], *, limit_s: float, silence_s: float
    ) -> None:
        await asyncio.sleep(0.01)

    async def kill(self) -> None:
        try:
            await asyncio.sleep(self._provider.kill_s)
        except asyncio.CancelledError:
            if not self._provider.loses_cancellations:
                raise
        if self._provider.kills_fail:
            raise HostFault(Remedy.REPLACE, "no answer")
        self._provider.alive.discard(self.name)


class Provider:
    """Keeps the book of machines: who is alive, and how many ever were at once. A machine dies at the end of
    its lifetime."""

    def __init__(self, lifetime_s: float = 100.0) -> None:
        self.lifetime_s, self.kills_fail = lifetime_s, False
        self.kill_s, self.loses_cancellations = 0.0, False
        self.faults: list[HostFault] = []
        self.alive: set[str] = set()
        self.most, self.asked, self.swept = 0, 0, 0
        self._names = itertools.count()

    async def create(self) -> Host:
        self.asked += 1
        await asyncio.sleep(0.01)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not isinstance(fault, Unsure):
            raise fault
        machine = Machine(self, str(next(self._names)))
        self.alive.add(machine.name)
        self.most = max(self.most, len(self.alive))
        asyncio.get_running_loop().call_later(self.lifetime_s, self.alive.discard, machine.name)
        if fault is not None:
            raise fault
        return machine

    async def sweep(self) -> None:
        self.swept += 1
        self.alive.clear()


async def nothing(host: Host) -> None:
    await host.put("worker", b"")


def fleet_of(provider: Provider, limit: int) -> Fleet:
    return Fleet(provider, limit, Backoff(0.001, 3), nothing)


async def work(fleet: Fleet, fault: HostFault | None = None) -> str:
    async with fleet.lend() as host:
        await host.run("", lambda line: None, limit_s=1, silence_s=1)
        if fault is not None:
            raise fault
        return host.name


def test_machines_are_kept_for_the_next_batch() -> None:
    async def main() -> None:
        provider = Provider()
        fleet = fleet_of(provider, 3)
        await asyncio.gather(*(work(fleet) for _ in range(30)))
        assert (provider.asked, provider.most) == (3, 3)
        await fleet.close()
        assert (provider.alive, provider.swept) == (set(), 1)

    asyncio.run(main())


def test_a_machine_that_fails_is_replaced_within_the_limit() -> None:
    async def main() -> None:
        provider = Provider()
        fleet = fleet_of(provider, 2)
        lost = HostFault(Remedy.REPLACE, "lost")
        done = await asyncio.gather(
            *(work(fleet, lost if n % 3 == 0 else None) for n in range(30)), return_exceptions=True
        )
        assert sum(isinstance(one, HostFault) for one in done) == 10
        assert (provider.most, provider.asked > 5) == (2, True)

    asyncio.run(main())


def test_a_kill_that_is_never_answered_holds_its_place_until_the_machine_has_ended_by_itself() -> None:
    async def main() -> None:
        provider = Provider(lifetime_s=0.5)
        fleet = fleet_of(provider, 1)
        provider.kills_fail = True
        with pytest.raises(HostFault, match="lost"):
            await work(fleet, HostFault(Remedy.REPLACE, "lost"))
        with pytest.raises(HostFault, match="unknown whether they have ended"):
            await work(fleet)
        assert provider.asked == 1
        await asyncio.sleep(0.6)
        await work(fleet)
        assert (provider.asked, provider.most) == (2, 1)

    asyncio.run(main())


def test_a_machine_that_may_have_been_made_counts_as_alive() -> None:
    async def main() -> None:
        provider = Provider(lifetime_s=0.5)
        provider.faults.append(Unsure("no answer", 0.5))
        fleet = fleet_of(provider, 2)
        with pytest.raises(Unsure):
            await work(fleet)
        provider.lifetime_s = 100.0
        await asyncio.gather(*(work(fleet) for _ in range(4)))
        assert (provider.asked, provider.most) == (2, 2)
        await asyncio.sleep(0.6)
        await asyncio.gather(*(work(fleet) for _ in range(4)))
        assert (provider.asked, provider.most) == (3, 2)

    asyncio.run(main())


def test_a_machine_that_is_being_made_while_the_fleet_closes_is_killed_too() -> None:
    async def main() -> None:
        provider = Provider()
        fleet = fleet_of(provider, 1)
        waiting = asyncio.create_task(work(fleet))
        await asyncio.sleep(0.005)
        provider.sweep = nothing_to_sweep  # type: ignore[method-assign]  # the kill alone has to do it
        await fleet.close()
        with pytest.raises(HostFault, match="closed"):
            await waiting
        assert (provider.asked, provider.alive) == (1, set())

    asyncio.run(main())


async def nothing_to_sweep() -> None:
    await asyncio.sleep(0)


def test_whoever_is_cancelled_while_a_machine_is_made_leaves_none_and_keeps_no_place() -> None:
    async def main() -> None:
        provider = Provider()
        fleet = fleet_of(provider, 1)
        waiting = asyncio.create_task(work(fleet))
        await asyncio.sleep(0.005)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.wait_for(work(fleet), 2)
        assert (provider.most, len(provider.alive)) == (1, 1)

    asyncio.run(main())


def test_no_more_are_granted_so_the_ones_at_work_are_waited_for() -> None:
    async def main() -> None:
        provider = Provider()
        fleet = fleet_of(provider, 5)
        first = await work(fleet)
        provider.faults += [HostFault(Remedy.WAIT, "too many")] * 1000
        assert set(await asyncio.gather(*(work(fleet) for _ in range(20)))) == {first}

    asyncio.run(main())


def test_a_closed_fleet_wakes_whoever_waits() -> None:
    async def main() -> None:
        provider = Provider()
        fleet = fleet_of(provider, 1)
        async with fleet.lend():
            waiting = asyncio.create_task(work(fleet))
            await asyncio.sleep(0.01)
            await fleet.close()
        with pytest.raises(HostFault, match="closed"):
            await asyncio.wait_for(waiting, 2)
        assert not provider.alive

    asyncio.run(main())


def test_closing_does_not_wait_for_a_kill_that_lost_its_cancellation() -> None:
    async def main() -> None:
        provider = Provider()
        fleet = fleet_of(provider, 1)
        provider.kills_fail = provider.loses_cancellations = True
        provider.kill_s = 0.05
        with pytest.raises(HostFault, match="lost"):
            await work(fleet, HostFault(Remedy.REPLACE, "lost"))
        await asyncio.sleep(0.02)
        await asyncio.wait_for(fleet.close(), 2)

    asyncio.run(main())
