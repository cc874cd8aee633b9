"""The breaker: an outage is waited for, and a request that fails on its own is told from it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

import pytest

from synth.errors import EngineError, OutageError, Problem
from synth.generation.breaker import RECENT, TRIES, Breaker
from synth.outage_config import OutageConfig
from tests.builders import Run

QUICK = OutageConfig(failures=3, first_pause_s=0.01, longest_pause_s=0.04, patience_s=30)


def failure(retryable: bool = True) -> EngineError:
    return EngineError(Problem("the endpoint", "answers 500", "ask again"), retryable=retryable)


class Endpoint:
    """Answers the name of each request, unless `fails` says otherwise; `sent` holds all of them."""

    def __init__(self, fails: Callable[[str, int], bool]) -> None:
        self.sent: list[str] = []
        self.in_flight = self.most_in_flight = 0
        self._fails = fails

    async def send(self, name: str) -> str:
        self.sent.append(name)
        number = len(self.sent)
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        await asyncio.sleep(0.001)
        self.in_flight -= 1
        if self._fails(name, number):
            raise failure()
        return name


def ask_all(
    breaker: Breaker, endpoint: Endpoint, names: Sequence[str]
) -> Coroutine[object, object, list[str | BaseException]]:
    async def ask() -> list[str | BaseException]:
        asked = (breaker.ask(lambda name=name: endpoint.send(name)) for name in names)  # type: ignore[misc]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    return ask()


NAMES = [f"r{number}" for number in range(12)]


def test_every_request_of_an_outage_is_answered_after_it(run: Run[list[str | BaseException]]) -> None:
    endpoint, said = Endpoint(lambda _, number: number <= 20), list[str]()
    assert run(ask_all(Breaker("the engine", QUICK, said.append), endpoint, NAMES)) == NAMES
    assert "the engine fails: the endpoint: answers 500; asking again in 0 s, giving up in 30 s" in said[0]
    assert said[-1] == "the engine answers again"


def test_in_an_outage_one_request_at_a_time_is_sent(run: Run[list[str | BaseException]]) -> None:
    endpoint = Endpoint(lambda _, number: number <= 20)
    breaker = Breaker("the engine", QUICK)
    run(ask_all(breaker, endpoint, NAMES))
    assert len(endpoint.sent) == 20 + len(NAMES), "all twelve fail at once, then eight probes alone"


def test_patience_ends_all_of_them_with_what_is_wrong_and_what_to_do(
    run: Run[list[str | BaseException]],
) -> None:
    config = QUICK.model_copy(update={"patience_s": 0.1})
    found = run(ask_all(Breaker("the engine", config), Endpoint(lambda *_: True), NAMES))
    assert all(isinstance(one, OutageError) for one in found)
    assert "the engine\n  has failed for 0 s" in str(found[0])
    assert "the endpoint: answers 500" in str(found[0])
    assert "the same command again" in str(found[0])


def test_without_patience_the_first_pause_is_the_end(run: Run[list[str | BaseException]]) -> None:
    config = QUICK.model_copy(update={"patience_s": 0})
    endpoint = Endpoint(lambda *_: True)
    found = run(ask_all(Breaker("the engine", config), endpoint, NAMES))
    assert {type(one) for one in found} == {OutageError}
    assert len(endpoint.sent) == len(NAMES)


def test_a_request_that_fails_while_others_are_answered_fails_for_good(
    run: Run[list[str | BaseException]],
) -> None:
    """The others are asked after it, so that the engine is known to answer."""
    config = QUICK.model_copy(update={"failures": 5})

    async def one_by_one() -> list[str | BaseException]:
        breaker, endpoint = Breaker("the engine", config), Endpoint(lambda name, _: name == "r3")
        tasks = []
        for name in NAMES:
            tasks.append(asyncio.create_task(breaker.ask(partial(endpoint.send, name))))
            await asyncio.sleep(0.003)
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert endpoint.sent.count("r3") == TRIES
        return list(found)

    found = run(one_by_one())
    assert isinstance(found.pop(3), EngineError)
    assert found == [name for name in NAMES if name != "r3"]


def test_one_request_that_nothing_vouches_for_is_an_outage(run: Run[list[str | BaseException]]) -> None:
    config = QUICK.model_copy(update={"patience_s": 0.05})
    endpoint = Endpoint(lambda *_: True)
    [found] = run(ask_all(Breaker("the engine", config), endpoint, ["alone"]))
    assert isinstance(found, OutageError)


def test_an_engine_that_the_user_vouches_for_is_not_waited_for(run: Run[list[str | BaseException]]) -> None:
    endpoint = Endpoint(lambda *_: True)
    found = run(ask_all(Breaker("the engine", QUICK, is_well=True), endpoint, ["one", "two"]))
    assert [type(one) for one in found] == [EngineError, EngineError]
    assert len(endpoint.sent) == 2 * TRIES


def test_an_engine_that_is_vouched_for_and_fails_at_everything_is_an_outage_all_the_same(
    run: Run[list[str | BaseException]],
) -> None:
    config = QUICK.model_copy(update={"patience_s": 0})
    found = run(ask_all(Breaker("the engine", config, is_well=True), Endpoint(lambda *_: True), NAMES))
    assert {type(one) for one in found} == {OutageError}


def test_an_error_that_no_retry_can_mend_is_raised_at_once(run: Run[None]) -> None:
    async def ask() -> None:
        calls = 0

        async def send() -> str:
            nonlocal calls
            calls += 1
            raise failure(retryable=False)

        with pytest.raises(EngineError):
            await Breaker("the engine", QUICK).ask(send)
        assert calls == 1

    run(ask())


def test_a_share_of_recent_requests_that_fail_is_an_outage_too(run: Run[list[str | BaseException]]) -> None:
    """Two of three fail: never three in a row, and never an end."""
    config = QUICK.model_copy(update={"share": 0.6, "patience_s": 0, "failures": RECENT})
    found = run(
        ask_all(Breaker("the engine", config), Endpoint(lambda _, number: number % 3 > 0), NAMES * 10)
    )
    assert any(isinstance(one, OutageError) for one in found)


def test_cancelling_the_request_that_goes_first_lets_the_next_one_go(run: Run[None]) -> None:
    async def cancel() -> None:
        endpoint = Endpoint(lambda _, number: number <= 6)
        breaker = Breaker("the engine", QUICK.model_copy(update={"first_pause_s": 0.05}))
        tasks = [
            asyncio.create_task(breaker.ask(lambda name=name: endpoint.send(name)))  # type: ignore[misc]
            for name in NAMES[:6]
        ]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        tasks[3].cancel()
        found = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert [one for one in found if isinstance(one, str)] == ["r1", "r2", "r4", "r5"]

    run(cancel())
