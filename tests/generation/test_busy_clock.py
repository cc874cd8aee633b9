"""The share of generation time in which at least one request was in flight."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from synth.generation.busy import BusyClock


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def request(busy: BusyClock) -> Iterator[None]:
    busy.begin()
    yield
    busy.end()


def test_a_gap_between_two_requests_counts_as_idle() -> None:
    clock = Clock()
    busy = BusyClock(clock)
    clock.now += 50  # before the first request: not generation
    with request(busy):
        clock.now += 3
    clock.now += 2
    with request(busy):
        clock.now += 5
    clock.now += 70  # after the last answer: not generation
    times = busy.read()
    assert (times.span_s, times.busy_s, times.request_s) == (10, 8, 8)
    assert times.share == pytest.approx(0.8)


def test_requests_that_overlap_count_once_as_busy_and_each_as_request_time() -> None:
    clock = Clock()
    busy = BusyClock(clock)
    with request(busy):
        clock.now += 1
        with request(busy):
            clock.now += 2
        clock.now += 1
    times = busy.read()
    assert (times.span_s, times.busy_s, times.request_s) == (4, 4, 6)


def test_gaps_count_inside_a_marked_window_and_not_between_two() -> None:
    clock = Clock()
    busy = BusyClock(clock)
    for _ in range(2):
        with busy.window():
            clock.now += 4  # before the first request of the window
            with request(busy):
                clock.now += 3
            clock.now += 1
            with request(busy):
                clock.now += 6
        clock.now += 1000  # training
    times = busy.read()
    assert (times.span_s, times.busy_s) == (20, 18)


def test_a_window_that_closes_over_a_request_in_flight_hides_nothing() -> None:
    clock = Clock()
    busy = BusyClock(clock)
    window = busy.window()
    window.__enter__()
    busy.begin()
    clock.now += 2
    window.__exit__(None, None, None)
    clock.now += 3
    assert busy.read().span_s == busy.read().busy_s == 5
    busy.end()
    assert busy.read().share == 1.0


def test_nothing_sent_is_nothing_idle() -> None:
    assert BusyClock(Clock()).read().share == 1.0
