"""Places, the line for them, and who may ask, without a server."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from synth.serve.access import is_loopback, refusal
from synth.serve.gate import Busy, Gate


def in_loop(check: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await asyncio.wait_for(check(), 20)

    asyncio.run(main())


async def _steps(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_places_are_given_in_the_order_of_arrival() -> None:
    async def check() -> None:
        gate, order = Gate(1, 10, 5.0, 100), list[int]()

        async def one(number: int) -> None:
            async with gate.place(patient=number % 2 == 0):
                order.append(number)
                await asyncio.sleep(0.01)

        await asyncio.gather(*(one(number) for number in range(6)))
        assert order == list(range(6))
        assert (gate.inside, gate.waiting) == (0, 0)

    in_loop(check)


def test_a_full_line_and_a_long_wait_are_said() -> None:
    async def check() -> None:
        gate = Gate(1, 1, 0.05, 100)
        async with gate.place():
            waits = asyncio.create_task(gate.place().__aenter__())
            await _steps()
            with pytest.raises(Busy) as full:
                await gate.place().__aenter__()
            assert (full.value.status, 1 <= full.value.retry_s <= 60) == (429, True)
            with pytest.raises(Busy) as late:
                await waits
            assert late.value.status == 503
            assert (gate.inside, gate.waiting) == (1, 0)
        assert gate.inside == 0

    in_loop(check)


def test_who_leaves_the_line_or_a_place_takes_nothing_along() -> None:
    async def check() -> None:
        gate = Gate(1, 10, 5.0, 100)

        async def hold() -> None:
            async with gate.place():
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(hold()) for _ in range(5)]
        await _steps()
        assert (gate.inside, gate.waiting) == (1, 4)
        tasks[2].cancel()
        await _steps()
        assert (gate.inside, gate.waiting) == (1, 3)
        tasks[0].cancel()  # its place goes to the next, who is cancelled in the same moment
        tasks[1].cancel()
        await _steps()
        assert (gate.inside, gate.waiting) == (1, 1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (gate.inside, gate.waiting) == (0, 0)

    in_loop(check)


def test_a_gate_that_closes_tells_all_who_wait() -> None:
    async def check() -> None:
        gate = Gate(1, 10, 5.0, 100)
        async with gate.place():
            waits = [asyncio.create_task(gate.place(patient=True).__aenter__()) for _ in range(3)]
            await _steps()
            gate.close()
            for found in await asyncio.gather(*waits, return_exceptions=True):
                assert isinstance(found, Busy) and found.status == 503
        with pytest.raises(Busy):
            await gate.place(patient=True).__aenter__()
        assert (gate.inside, gate.waiting) == (0, 0)

    in_loop(check)


def test_bytes_are_bounded_and_given_back() -> None:
    gate = Gate(1, 1, 1.0, 100)
    with gate.hold(60):
        with pytest.raises(Busy), gate.hold(50):
            raise AssertionError("there is no room")
        with gate.hold(40):
            assert gate.held_bytes == 100
    assert gate.held_bytes == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:80", "localhost:8080", "[::1]:8080", "127.9.9.9"])
def test_names_of_this_machine_need_no_token(host: str) -> None:
    assert refusal("", {"host": host}, b"") is None


@pytest.mark.parametrize(
    "host", ["", "example.org", "127.0.0.1.example.org", "10.0.0.1", "[::1", "0.0.0.0", "a@127.0.0.1.b"]
)
def test_other_names_do(host: str) -> None:
    found = refusal("", {"host": host}, b"")
    assert found is not None and found[0] == 403


def test_a_token_counts_whole() -> None:
    assert refusal("s3cret", {"authorization": "Bearer s3cret"}, b"") is None
    assert refusal("s3cret", {}, b"a=b&token=s3cret") is None
    for headers, query in (
        ({"authorization": "Bearer s3cre"}, b""),
        ({}, b"token="),
        ({}, b""),
        ({"host": "localhost"}, b""),
    ):
        found = refusal("s3cret", headers, query)
        assert found is not None and found[0] == 401


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert [
        is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "example.org", "")
    ] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
