"""Which program runs next, and which go to a thread together."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from synth.execution.local.batching import batch_key
from synth.execution.local.run_queue import Group, QueuedProgram, RunQueue
from synth.records import ExecutionRequest, FunctionCall, Limits, StdioCall

T = TypeVar("T")


def request(name: str, language: str, entry_point: str = "f") -> ExecutionRequest:
    call = FunctionCall(entry_point=entry_point, signature="(int) -> int", arguments=(("i1",),))
    return ExecutionRequest(
        id=name, language=language, code="int f(int x) { return x; }", call=call, limits=Limits()
    )


def waiting(asked: ExecutionRequest, priority: int = 0, weight: int = 1) -> QueuedProgram:
    return QueuedProgram(
        asked.id, asked, asyncio.get_running_loop().create_future(), priority, batch_key(asked), weight
    )


def alike(language: str, count: int, priority: int = 0, weight: int = 1) -> list[QueuedProgram]:
    return [waiting(request(f"{language}{number}", language), priority, weight) for number in range(count)]


def filled(slots: int, runs: list[QueuedProgram]) -> RunQueue:
    queue = RunQueue(slots)
    for run in runs:
        queue.put(run)
    return queue


def begin_all(group: Group) -> list[str]:
    return [run.key for index, run in enumerate(group.programs) if group.begin(index)]


def served(queue: RunQueue) -> list[list[str]]:
    """What each group runs, where one has ended before the next is asked for."""
    found: list[list[str]] = []
    while group := next(queue.groups(), None):
        found.append(begin_all(group))
        queue.done(group)
    return found


def sizes(queue: RunQueue) -> list[int]:
    return [len(group.programs) for group in queue.groups()]


def in_loop(check: Callable[[], T]) -> T:
    async def scenario() -> T:
        return check()

    return asyncio.run(scenario())


def test_the_lowest_turn_goes_first_and_equals_in_the_order_they_came() -> None:
    priorities = {"a": 50, "b": 9, "c": 3, "d": 9, "e": 1}
    found = in_loop(
        lambda: served(
            filled(1, [waiting(request(name, "lua"), priority) for name, priority in priorities.items()])
        )
    )
    assert found == [["e"], ["c"], ["b"], ["d"], ["a"]]


@pytest.mark.parametrize(("count", "most"), [(1, 1), (4, 1), (8, 2), (32, 8), (1000, 8)])
def test_programs_that_start_warm_go_together_where_enough_wait_for_every_free_place(
    count: int, most: int
) -> None:
    found = in_loop(lambda: sizes(filled(4, alike("python", count))))
    assert max(found) == most and len(found) == min(count, 4)


def test_every_core_gets_a_part_of_what_shares_a_build() -> None:
    assert in_loop(lambda: sizes(filled(4, alike("cpp", 10, weight=2)))) == [5, 5]
    assert in_loop(lambda: sizes(filled(4, alike("cpp", 100, weight=2)))) == [24, 24]
    assert in_loop(lambda: sizes(filled(16, alike("cpp", 3, weight=2)))) == [1, 1, 1]


def test_other_languages_and_unknown_ones_go_alone() -> None:
    assert in_loop(lambda: sizes(filled(3, alike("lua", 2) + alike("klingon", 1)))) == [1, 1, 1]


def test_only_what_has_one_contract_and_one_turn_shares_a_build() -> None:
    def scenario() -> list[list[str]]:
        stdin = ExecutionRequest(
            id="c",
            language="cpp",
            code="int f(int x) { return x; }",
            call=StdioCall(stdins=("",)),
            limits=Limits(),
        )
        asked = [request("a", "cpp"), request("b", "cpp", "g"), stdin, request("d", "c++")]
        return served(filled(1, [*map(waiting, asked), waiting(request("e", "cpp"), priority=1)]))

    assert in_loop(scenario) == [["a", "d"], ["b"], ["c"], ["e"]]


def test_those_of_one_kind_meet_though_others_came_between_them() -> None:
    def scenario() -> list[list[str]]:
        names = ["cpp", "lua", "cpp", "lua"]
        return served(
            filled(1, [waiting(request(f"{name}{number}", name)) for number, name in enumerate(names)])
        )

    assert in_loop(scenario) == [["cpp0", "cpp2"], ["lua1"], ["lua3"]]


def test_nobody_passes_one_who_waits_for_more_places() -> None:
    def scenario() -> list[list[str]]:
        queue = filled(
            2,
            [
                waiting(request("a", "lua"), weight=1),
                waiting(request("wide", "lua"), weight=2),
                waiting(request("b", "lua")),
            ],
        )
        (first,) = queue.groups()
        begun = [begin_all(first)]
        queue.done(first)
        return begun + served(queue)

    assert in_loop(scenario) == [["a"], ["wide"], ["b"]]


def test_never_more_run_than_there_are_places() -> None:
    def scenario() -> None:
        queue = filled(3, alike("lua", 5))
        groups = list(queue.groups())
        assert len(groups) == 3 and not list(queue.groups())
        queue.done(groups[0])
        assert len(list(queue.groups())) == 1

    in_loop(scenario)


def test_what_nobody_asks_for_any_more_is_not_begun() -> None:
    def scenario() -> list[list[str]]:
        runs = alike("lua", 3)
        queue = filled(1, runs)
        runs[0].observation.cancel()
        (group,) = queue.groups()
        runs[1].observation.cancel()
        begun = [begin_all(group)]
        queue.done(group)
        return begun + served(queue)

    assert in_loop(scenario) == [[], ["lua2"]]


def test_a_free_place_takes_half_of_what_a_thread_has_before_it() -> None:
    def scenario() -> None:
        queue = filled(2, alike("python", 8))
        first, second = queue.groups()
        assert begin_all(second) == [run.key for run in second.programs]
        queue.done(second)
        assert not list(queue.groups())  # the thread of the first has not begun: it may be about to
        assert first.begin(0)
        (taken,) = queue.groups()
        assert [run.key for run in taken.programs] == ["python2", "python3"]
        assert [first.begin(index) for index in (1, 2, 3)] == [True, False, False]
        assert [run.key for run in first.begun] == ["python0", "python1"]

    in_loop(scenario)


def test_whoever_has_a_lower_turn_waits_for_one_program_and_not_for_a_group() -> None:
    def scenario() -> list[list[str]]:
        queue = filled(1, alike("python", 4, priority=9))
        (group,) = queue.groups()
        assert group.begin(0)
        queue.put(waiting(request("urgent", "lua"), priority=1))
        assert not list(queue.groups()) and not group.begin(1)
        queue.done(group)
        return served(queue)

    assert in_loop(scenario) == [["urgent"], ["python1", "python2", "python3"]]


def test_who_asks_again_at_a_lower_turn_hurries_what_waits() -> None:
    def scenario() -> list[list[str]]:
        runs = [waiting(request(name, "lua"), priority) for name, priority in (("a", 3), ("b", 9), ("c", 1))]
        queue = filled(1, runs)
        queue.raise_priority(runs[1], 2)
        queue.raise_priority(runs[0], 5)  # later than it is
        return served(queue)

    assert in_loop(scenario) == [["c"], ["b"], ["a"]]


def test_of_a_shared_build_parts_are_taken_when_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario() -> None:
        queue = filled(2, alike("cpp", 4))
        first, second = queue.groups()
        begin_all(second)
        queue.done(second)
        assert first.begin(0) and not list(queue.groups())
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 3)
        (taken,) = queue.groups()
        assert [run.key for run in taken.programs] == ["cpp1"]

    in_loop(scenario)


def test_what_was_left_waits_again_where_it_was() -> None:
    def scenario() -> list[list[str]]:
        queue = filled(1, alike("python", 10))
        (group,) = queue.groups()
        assert len(group.programs) == 8 and group.begin(0) and group.begin(1)
        group.put_back(1)
        assert [run.key for run in group.begun] == ["python0"]
        queue.done(group)
        return served(queue)

    assert in_loop(scenario) == [[f"python{number}" for number in range(1, 9)], ["python9"]]


def test_all_that_has_not_begun_can_be_taken_out() -> None:
    def scenario() -> list[str]:
        queue = filled(1, alike("python", 10))
        (group,) = queue.groups()
        assert group.begin(0)
        left = queue.clear()
        assert not group.begin(1) and not served(queue)
        return sorted(run.key for run in left)

    assert in_loop(scenario) == [f"python{number}" for number in range(1, 10)]


def lent(spare: int, aged_s: float) -> list[list[str]]:
    """What runs, on one slot, after its first program has run for `aged_s`."""
    queue = RunQueue(1, spare)
    for run in alike("python", 4):
        queue.put(run)
    (first,) = queue.groups()
    first.begin(0)
    first._began -= aged_s
    return [begin_all(group) for group in queue.groups()]


def test_a_program_that_runs_long_lends_its_slot_to_those_that_wait() -> None:
    assert in_loop(lambda: lent(spare=1, aged_s=1.0)) == [["python1", "python2", "python3"]]


@pytest.mark.parametrize(("spare", "aged_s"), [(0, 1.0), (1, 0.0)])
def test_a_slot_is_lent_only_where_one_is_spare_and_the_program_is_slow(spare: int, aged_s: float) -> None:
    assert in_loop(lambda: lent(spare, aged_s)) == []


def test_a_slot_that_was_lent_comes_back_once() -> None:
    def check() -> list[int]:
        queue = RunQueue(1, 1)
        for run in alike("lua", 6):
            queue.put(run)
        running = list(queue.groups())
        for group in running:
            begin_all(group)
            group._began -= 1.0
        running += queue.groups()
        counts = [len(running)]
        for group in running:
            begin_all(group)
            queue.done(group)
        counts.append(len(list(queue.groups())))
        return counts

    assert in_loop(check) == [2, 1]


def test_a_program_with_a_build_is_given_more_time() -> None:
    def check(aged_s: float) -> int:
        queue = RunQueue(2, 2)
        for run in alike("cpp", 1, weight=2):
            run.needs_build = True
            queue.put(run)
        (first,) = queue.groups()
        first.begin(0)
        first._began -= aged_s
        queue.put(waiting(request("late", "lua")))
        return len(list(queue.groups()))

    assert in_loop(lambda: [check(1.0), check(3.0)]) == [0, 1]
