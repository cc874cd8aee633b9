"""Right programs are timed on larger inputs, and paired where the difference holds in every repeat."""

import json
from collections.abc import Callable

import pytest

from synth.execution.scripted import ScriptedSandbox
from synth.products import Pair
from synth.records import Case, Decision, ExecutionRequest, FunctionCall, Observation, Unit
from synth.rules.speed_pairs import Timed, Timing, choose_speed_pairs, enlarge, largest_rows, spread_out
from synth.select_config import SpeedConfig
from synth.stages.execute import ExecuteStage
from synth.stages.pair import PairStage
from synth.stages.speed import SpeedStage
from synth.values import Value, decode, encode
from tests.builders import build_solution, build_suite, build_task, build_verdict
from tests.stages.harness import StageRun, build_context, build_shard, run_python, run_stage

FAST = "def solve(xs):\n    return sum(xs)"
SLOW = "def solve(xs):\n    t = 0\n    for x in xs: t += x\n    return t"
OTHER = "def solve(xs):\n    return sum(xs) if len(xs) < 20 else 0"
START_S = 0.05


def sandbox(cost: Callable[[ExecutionRequest, int], float]) -> ScriptedSandbox:
    """Runs programs here, and says that they took what `cost` makes of the elements that they were given."""

    def observe(request: ExecutionRequest) -> Observation:
        assert isinstance(request.call, FunctionCall)
        given = sum(row[0].count(" ") for row in request.call.arguments)
        seen = run_python(request)
        return seen.model_copy(update={"cpu_s": START_S + cost(request, given)})

    return ScriptedSandbox(observe)


def by_program(request: ExecutionRequest, given: int) -> float:
    return given * (2e-5 if request.code == SLOW else 2e-6)


def units(*codes: str) -> list[Unit]:
    suite = build_suite(cases=((([1, 2],), 3), (([1, 2, 3, 4, 5, 6],), 21), (([],), 0)))
    solutions = [build_solution(f"s{at}", code, index=at) for at, code in enumerate(codes)]
    return [build_task(), suite, *solutions, *(build_verdict(one.id) for one in solutions)]


def time(box: ScriptedSandbox, *codes: str) -> StageRun:
    context = build_context({"pairs": {"speed": {}}}, sandbox=box)
    return run_stage(SpeedStage(context), build_shard(*units(*codes)))


def test_it_times_what_a_program_needs_beyond_its_start() -> None:
    box = sandbox(by_program)
    run = time(box, FAST, SLOW)
    assert run.decision("task-1.python") == (Decision.KEPT, "")
    fast, slow = run.made(Timing)
    assert len(fast.cpu_ms) == len(slow.cpu_ms) == 3
    assert min(slow.cpu_ms) >= 20 and min(slow.cpu_ms) > 8 * max(fast.cpu_ms)
    assert fast.results == slow.results
    calls = [request.call.model_dump_json() for request in box.requests if request.code == SLOW]
    timed = [one for one in calls if len(one) > 5000]
    assert len(timed) == len(set(timed)), "a repeat that a cache could answer"


def test_every_second_repeat_runs_them_in_the_opposite_order() -> None:
    box = sandbox(by_program)
    time(box, FAST, SLOW)
    last = [request.code for request in box.requests[-12:]]
    assert last == [FAST, SLOW, FAST, SLOW, SLOW, FAST, SLOW, FAST, FAST, SLOW, FAST, SLOW]


def test_one_program_alone_cannot_be_compared() -> None:
    run = time(sandbox(by_program), FAST, FAST + "  # again")
    assert run.decision("task-1.python") == (Decision.REJECTED, "no_speed_pair")
    assert run.units == ()


def timing(name: str, *cpu_ms: float, results: str = "r") -> Timed:
    made = Timing(solution_id=name, task_id="task-1", cpu_ms=cpu_ms, factor=8, calls=8, results=results)
    return Timed(build_solution(name, FAST), made)


@pytest.mark.parametrize(
    ("slow", "pairs"),
    [
        (timing("slow", 60, 70, 65), 1),
        (timing("slow", 60, 70, 25), 0),  # not in every repeat
        (timing("slow", 60, 70, 65, results="other"), 0),  # another reading of the task
        (timing("slow", 15, 15, 15), 0),  # too short to be timed
    ],
)
def test_a_pair_holds_in_every_repeat_on_the_same_results(slow: Timed, pairs: int) -> None:
    fast = timing("fast", 18, 20, 19) if pairs or slow.timing.cpu_ms[0] > 20 else timing("fast", 1, 1, 1)
    found = choose_speed_pairs([slow, fast], SpeedConfig(), 2.0)
    assert [(one.fast.solution.id, one.slow.solution.id) for one in found] == [("fast", "slow")] * pairs


def test_a_program_stands_in_one_such_pair_and_never_on_both_sides() -> None:
    four = [timing(name, ms, ms) for name, ms in (("a", 2), ("b", 30), ("c", 100), ("d", 400))]
    found = choose_speed_pairs(four, SpeedConfig(per_prompt=9), 2.0)
    assert [(one.fast.solution.id, one.slow.solution.id) for one in found] == [("a", "d"), ("b", "c")]


def test_rows_grow_in_lists_and_texts_alone() -> None:
    row = (encode([1, 2]), encode("ab"), encode(7), encode(True))
    assert [decode(wire) for wire in enlarge(row, 3)] == [[1, 2] * 3, "ababab", 7, True]
    assert [decode(wire) for wire in spread_out(row, 3)] == [[1, 2, 3, 4, 5, 6], "ab", 7, True]
    lists: tuple[list[Value], ...] = ([1], [1, 2, 3])
    cases = [Case(arguments=(encode(one),), expected="i1") for one in lists]
    assert largest_rows(cases, 1) == [cases[1].arguments]


def test_the_row_says_that_speed_tells_the_two_apart_and_by_how_much() -> None:
    context = build_context({"pairs": {"speed": {}}}, sandbox=sandbox(by_program))
    known = units(FAST, SLOW)
    timings = run_stage(SpeedStage(context), build_shard(*known)).units
    run = run_stage(PairStage(context, ExecuteStage), build_shard(*known, *timings))
    [pair] = run.made(Pair)
    assert (pair.by, pair.chosen_id, pair.rejected_id) == ("speed", "s0", "s1")
    assert (pair.chosen_pass, pair.rejected_pass) == (1.0, 1.0)
    assert json.loads(pair.figures)["ratio"] > 8
    assert run.decision("task-1.python") == (Decision.KEPT, "")


def test_programs_that_differ_on_larger_inputs_are_no_pair() -> None:
    context = build_context(
        {"pairs": {"speed": {}}},
        sandbox=sandbox(lambda request, given: given * (2e-5 if request.code == OTHER else 2e-6)),
    )
    known = units(FAST, OTHER)
    timings = run_stage(SpeedStage(context), build_shard(*known)).units
    run = run_stage(PairStage(context, ExecuteStage), build_shard(*known, *timings))
    assert run.made(Pair) == []
