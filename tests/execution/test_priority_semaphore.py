"""The order in which waiting programs get a place."""

import asyncio

import pytest

from synth.execution.remote.priority_semaphore import PrioritySemaphore


async def _hold(slots: PrioritySemaphore, priority: int, served: list[int], until: asyncio.Event) -> None:
    async with slots.take(priority):
        served.append(priority)
        await until.wait()


def test_the_lowest_turn_goes_first_and_equals_in_the_order_they_came() -> None:
    async def scenario() -> list[int]:
        slots, served, open_ = PrioritySemaphore(1), list[int](), asyncio.Event()
        order = [50, 9, 3, 9, 1]
        tasks = []
        for priority in order:
            tasks.append(asyncio.create_task(_hold(slots, priority, served, open_)))
            await asyncio.sleep(0)
        open_.set()
        await asyncio.gather(*tasks)
        return served

    assert asyncio.run(scenario()) == [50, 1, 3, 9, 9]  # the first found a free place


def test_never_more_hold_a_place_than_there_are() -> None:
    async def scenario() -> int:
        slots, inside, most = PrioritySemaphore(3), 0, 0

        async def visit(priority: int) -> None:
            nonlocal inside, most
            async with slots.take(priority):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(visit(priority % 5) for priority in range(50)))
        return most

    assert asyncio.run(scenario()) == 3


@pytest.mark.parametrize("cancelled", [(1,), (1, 2), (1, 2, 3)])
def test_whoever_gives_up_waiting_loses_no_place(cancelled: tuple[int, ...]) -> None:
    async def scenario() -> list[int]:
        slots, served, open_ = PrioritySemaphore(1), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(_hold(slots, priority, served, open_)) for priority in range(4)]
        await asyncio.sleep(0)
        for priority in cancelled:
            tasks[priority].cancel()
        open_.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1), slots.take(0):
            served.append(99)
        return served

    assert asyncio.run(scenario()) == [
        0,
        *(priority for priority in range(1, 4) if priority not in cancelled),
        99,
    ]


def test_a_place_given_to_one_who_is_cancelled_at_that_moment_goes_on_to_the_next() -> None:
    async def scenario() -> list[int]:
        slots, served, open_ = PrioritySemaphore(1), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(_hold(slots, priority, served, open_)) for priority in range(3)]
        await asyncio.sleep(0)
        open_.set()
        await tasks[0]  # its place has been handed to the second, which has not run yet
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return served

    assert asyncio.run(scenario())[-1] == 2
