"""From tasks to candidates: which questions are asked, and how answers become solutions."""

import pytest

from synth.config import SamplingConfig
from synth.errors import EngineError, Problem
from synth.generation.protocol import Completion, GenerationRequest
from synth.generation.scripted import ScriptedAnswer, ScriptedEngine
from synth.ids import derive_seed, unit_id
from synth.records import Decision, FunctionContract, Message, Solution, Task
from synth.stages.shard_state import ShardState
from synth.stages.solve import SolveStage
from tests.builders import build_reference, build_suite, build_task
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

PYTHON = "Here:\n```python\ndef solve(xs):\n    return sum(xs)\n```\n"
RUBY = "```ruby\ndef solve(xs) = xs.sum\n```"
OVERLOADED = EngineError(Problem("the endpoint", "is overloaded", "ask again later"))


def shard(*ids: str) -> ShardState:
    return build_shard(*(build_task(id, natural_language="zh" if id == "task-zh" else "en") for id in ids))


def solve(engine: ScriptedEngine, state: ShardState, **config: object) -> StageRun:
    return run_stage(SolveStage(build_context({"solve": config}, engine=engine)), state)


def test_it_asks_a_model_about_tasks_with_inputs_and_makes_solutions() -> None:
    place = StagePlace("solve", Task, ("inputs",), (Solution,), asks_engine=True)
    assert describe_stage(SolveStage(build_context())) == place


def test_each_sample_in_each_language_becomes_a_solution() -> None:
    cut = Completion(text="```ruby\ndef solve(", finish="length", tokens=4)

    def answer(asked: GenerationRequest) -> ScriptedAnswer:
        return [RUBY, cut] if "Ruby" in asked.messages[0].content else ["I cannot", PYTHON]

    engine = ScriptedEngine(answer, fingerprint="policy-1")
    run = solve(engine, shard("task-1"), languages=["ruby", "python"], n=2)
    ruby, python = (asked.request_id("policy-1") for asked in engine.requests)
    assert run.made(Solution) == [
        Solution(
            id=unit_id("solution", "task-1", language, index, text),
            task_id="task-1",
            language=language,
            code=code,
            index=index,
            policy="policy-1",
            request_id=request_id,
            cut=is_cut,
        )
        for language, index, text, code, request_id, is_cut in (
            ("ruby", 0, RUBY, "def solve(xs) = xs.sum", ruby, False),
            ("ruby", 1, cut.text, "def solve(", ruby, True),
            ("python", 0, "I cannot", "", python, False),
            ("python", 1, PYTHON, "def solve(xs):\n    return sum(xs)", python, False),
        )
    ]


def test_a_solved_task_has_a_row_that_counts_its_solutions() -> None:
    run = solve(ScriptedEngine(lambda _: PYTHON), shard("task-1"), languages=["python"], n=3)
    row = run.rows["task-1"]
    assert (row.kind, row.parents, row.language, row.natural_language) == (
        "task",
        ("seed-1",),
        "python",
        "en",
    )
    assert run.decision("task-1") == (Decision.KEPT, "")
    assert run.evidence("task-1") == {"solutions": 3, "failed_requests": 0}


def test_the_question_declares_the_function_in_its_language_and_has_its_own_random_seed() -> None:
    engine = ScriptedEngine(lambda _: "")
    sampling = {"temperature": 0.5, "max_tokens": 99}
    solve(engine, shard("task-1", "task-zh"), languages=["python", "go"], n=4, sampling=sampling)
    python, go = "def solve(xs: list[int]) -> int", "func solve(xs []int) int"
    words = "Return the sum of the list."
    assert engine.requests == [
        GenerationRequest(
            messages=(Message(role="user", content=f"{first}\n{declaration}\n{words}"),),
            sampling=SamplingConfig(temperature=0.5, max_tokens=99),
            n=4,
            seed=derive_seed(7, "solve", unit),
        )
        for first, declaration, unit in (
            ("solve in Python", python, "task-1/python"),
            ("solve in Go", go, "task-1/go"),
            ("用 Python 实现", python, "task-zh/python"),
            ("用 Go 实现", go, "task-zh/go"),
        )
    ]


def test_the_policy_itself_is_asked_though_there_is_a_teacher() -> None:
    engine = ScriptedEngine(lambda _: PYTHON)
    teacher = ScriptedEngine(lambda _: AssertionError("the teacher was asked"))
    context = build_context({"solve": {"n": 1}}, engine=engine, teacher=teacher)
    run = run_stage(SolveStage(context), shard("task-1"))
    assert len(run.made(Solution)) == len(engine.requests) == 1


def test_only_tasks_with_inputs_enter() -> None:
    state = build_shard(build_task("task-1"), build_task("task-2"), rejected={"inputs": ["task-1"]})
    run = solve(ScriptedEngine(lambda _: PYTHON), state, n=1)
    assert list(run.rows) == ["task-2"]
    assert [solution.task_id for solution in run.made(Solution)] == ["task-2"]


def test_a_task_fails_with_any_of_its_requests_and_has_no_candidates_then() -> None:
    """Fewer candidates than were asked for would be another task's data."""

    def answer(asked: GenerationRequest) -> ScriptedAnswer:
        return OVERLOADED if "Ruby" in asked.messages[0].content else PYTHON

    run = solve(ScriptedEngine(answer), shard("task-1"), languages=["ruby", "python"], n=2)
    assert run.decision("task-1") == (Decision.FAILED, "engine_failed")
    assert run.made(Solution) == []


def test_a_task_whose_requests_all_fail_is_a_failure_with_the_first_error() -> None:
    def answer(asked: GenerationRequest) -> ScriptedAnswer:
        name = asked.messages[0].content.split()[2]
        return EngineError(Problem(f"the endpoint of {name}", "is overloaded", "ask again later"))

    run = solve(ScriptedEngine(answer), shard("task-1"), languages=["ruby", "python"])
    row = run.rows["task-1"]
    assert run.decision("task-1") == (Decision.FAILED, "engine_failed")
    assert "the endpoint of Ruby" in str(run.evidence("task-1")["error"])
    assert (row.kind, row.parents, row.natural_language) == ("task", ("seed-1",), "en")
    assert run.made(Solution) == []


def test_a_language_that_cannot_hold_the_values_is_left_out_with_its_reason() -> None:
    """A seed that returns None among integers: C++ and Rust have no type for that, and are not asked."""
    contract = FunctionContract(entry_point="solve", signature="(int) -> any", parameter_names=("n",))
    state = build_shard(
        build_task("task-1", contract=contract),
        build_suite("task-1", contract=contract, cases=(((1,), None), ((2,), 2))),
    )
    engine = ScriptedEngine(lambda _: PYTHON)
    run = solve(engine, state, languages=["cpp", "python", "rust"], n=1)
    assert [solution.language for solution in run.made(Solution)] == ["python"]
    assert (
        run.evidence("task-1")["left_out"] == "cpp: C++ has no type for any; rust: Rust has no type for any"
    )


def test_a_task_that_no_language_can_hold_asks_nothing() -> None:
    state = build_shard(build_task("task-1"), build_suite("task-1", cases=((([2**70],), 2**70),)))
    run = run_stage(SolveStage(build_context({"solve": {"languages": ["java", "go"], "n": 1}})), state)
    assert run.decision("task-1") == (Decision.REJECTED, "unsupported_language")
    assert run.evidence("task-1")["left_out"] == (
        "java: no integers beyond 64 bits; go: no integers beyond 64 bits"
    )


def test_an_error_that_no_retry_can_help_stops_the_run() -> None:
    wrong = EngineError(Problem("the key", "is wrong", "correct it"), retryable=False)
    with pytest.raises(EngineError, match="the key"):
        solve(ScriptedEngine(lambda _: wrong), shard("task-1"))


@pytest.mark.parametrize(
    ("stage", "unit"), [("inputs", "task-1"), ("instruct", "seed-1"), ("reference", "seed-1")]
)
def test_a_task_does_not_enter_when_it_or_its_seed_was_turned_away(stage: str, unit: str) -> None:
    tasks = [build_task("task-1"), build_task("task-2", seed_id="seed-2")]
    state = build_shard(build_reference("seed-1"), *tasks, rejected={stage: [unit]})
    assert find_entering(SolveStage(build_context()), state) == ["task-2"]
