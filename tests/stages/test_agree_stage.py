"""Agreement in the flow: candidates of a task without a reference judge among themselves, or nobody does."""

from collections.abc import Sequence

import pytest

from synth.execution.scripted import ObserveRequest, ScriptedSandbox
from synth.records import (
    Case,
    CaseObservation,
    Decision,
    EvidenceRank,
    ExecutionRequest,
    InputSet,
    Limits,
    Observation,
    Solution,
    Task,
    TestSuite,
    Unit,
)
from synth.stages.agree import AgreeStage
from synth.values import encode
from tests.builders import CONTRACT, build_observation, build_reference, build_solution, build_task
from tests.stages.harness import (
    PRIORITY,
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_python,
    run_stage,
)

INPUTS = tuple((encode(list(values)),) for values in ((), (1,), (1, 2), (5, 7, 9), (-4, 8), (3, 3)))
TOTAL = "def solve(xs):\n    return sum(xs)"
LOOP = "def solve(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t"
SCRIPT = "function solve(xs) {\n  return xs.reduce((a, b) => a + b, 0);\n}"
LAST = "def solve(xs):\n    return xs[-1] if xs else 0"
COUNT = "def solve(xs):\n    return len(xs)"
MEAN = "def solve(xs):\n    return sum(xs) // len(xs)"
PYTHON = {SCRIPT: TOTAL}
"""What the programs of other languages do."""


def observe(request: ExecutionRequest) -> Observation:
    return run_python(request.model_copy(update={"code": PYTHON.get(request.code, request.code)}))


def build_inputs(task_id: str = "task-1", rows: tuple[tuple[str, ...], ...] = INPUTS) -> InputSet:
    return InputSet(task_id=task_id, contract=CONTRACT, rows=rows)


def candidates(*codes: str, task: str = "task-1", language: str = "python") -> list[Solution]:
    return [
        build_solution(f"{task}-{language}-{at}", code, task_id=task, language=language, index=at)
        for at, code in enumerate(codes)
    ]


def agree(
    solutions: Sequence[Solution],
    *others: Unit,
    observe: ObserveRequest = observe,
    minimum: int = 4,
    threshold: float = 0.6,
) -> StageRun:
    """What candidates say; without `others` about one task and six inputs."""
    data = {
        "inputs": {"minimum": minimum},
        "evidence": {"agreement": True, "agreement_threshold": threshold},
    }
    shard = build_shard(*(others or (build_task(), build_inputs())), *solutions)
    return run_stage(AgreeStage(build_context(data, sandbox=ScriptedSandbox(observe))), shard)


def test_it_runs_what_parses_and_makes_suites() -> None:
    place = StagePlace("agree", Task, ("syntax",), (TestSuite,))
    assert describe_stage(AgreeStage(build_context())) == place


def test_the_majority_answer_becomes_the_suite_across_languages() -> None:
    run = agree([*candidates(TOTAL, LOOP, LAST), *candidates(SCRIPT, language="javascript")])
    assert run.decision("task-1") == (Decision.KEPT, "")
    assert run.made(TestSuite) == [
        TestSuite(
            task_id="task-1",
            contract=CONTRACT,
            cases=tuple(
                Case(arguments=row, expected=expected)
                for row, expected in zip(INPUTS, ("i0", "i1", "i3", "i21", "i4", "i6"), strict=True)
            ),
            rank=EvidenceRank.AGREEMENT,
        )
    ]


def test_a_kept_task_has_a_row_with_its_votes() -> None:
    run = agree(candidates(TOTAL, LOOP, "def solve(xs): return sum(xs, 0)", LAST))
    row = run.rows["task-1"]
    assert (row.kind, row.parents, row.language, row.natural_language) == (
        "task",
        ("seed-1",),
        "python",
        "en",
    )
    assert run.evidence("task-1") == {"share": 0.75, "voters": 4, "behaviours": 2, "dropped_inputs": 0}


def test_the_sandbox_gets_every_candidate_on_the_inputs_after_what_questions_wait_for() -> None:
    sandbox = ScriptedSandbox(observe)
    context = build_context(sandbox=sandbox, execution={"kind": "local", "limits": {"cpu_s": 3}})
    given = [*candidates(TOTAL), *candidates(SCRIPT, language="javascript")]
    run_stage(AgreeStage(context), build_shard(build_task(), build_inputs(), *given))
    assert sandbox.requests == [
        ExecutionRequest(
            id=f"agree-{one.id}",
            language=one.language,
            code=one.code,
            call=CONTRACT.call(INPUTS),
            limits=Limits(cpu_s=3),
        )
        for one in given
    ]
    assert sandbox.priorities == [PRIORITY + (1 << 32)]


def test_copies_of_one_program_have_one_vote_and_a_split_vote_abstains() -> None:
    run = agree(candidates(LAST, LAST, LAST.replace("else 0", "else  0"), TOTAL, COUNT))
    assert run.decision("task-1") == (Decision.REJECTED, "agreement_abstained")
    assert run.evidence("task-1")["voters"] == 3
    assert run.units == ()


@pytest.mark.parametrize(("threshold", "kept"), [(0.75, True), (0.76, False)])
def test_the_recipe_says_how_many_must_agree(threshold: float, kept: bool) -> None:
    run = agree(candidates(TOTAL, LOOP, "def solve(xs): return sum(xs, 0)", LAST), threshold=threshold)
    assert run.decision("task-1")[0] is (Decision.KEPT if kept else Decision.REJECTED)
    assert len(run.units) == kept


@pytest.mark.parametrize(("minimum", "kept"), [(5, True), (6, False)])
def test_inputs_without_an_agreed_output_are_left_out_and_enough_must_be_left(
    minimum: int, kept: bool
) -> None:
    means = (MEAN, MEAN.replace("//", "  //  "), "def solve(x):\n    return sum(x) // len(x)")
    run = agree(candidates(*means, "def solve(y):\n    return sum(y) // len(y)"), minimum=minimum)
    assert run.decision("task-1") == ((Decision.KEPT, "") if kept else (Decision.REJECTED, "too_few_inputs"))
    if kept:
        (suite,) = run.made(TestSuite)
        assert [(case.arguments, case.expected) for case in suite.cases] == [
            (INPUTS[1], "i1"),
            (INPUTS[2], "i1"),
            (INPUTS[3], "i7"),
            (INPUTS[4], "i2"),
            (INPUTS[5], "i3"),
        ]
    else:
        assert run.evidence("task-1") == {"agreed": 5, "minimum": 6}


def test_a_task_whose_every_output_is_the_same_tells_nothing_apart() -> None:
    run = agree(candidates(*(f"def solve(xs):\n    x{at} = 5\n    return x{at}" for at in range(3))))
    assert run.decision("task-1") == (Decision.REJECTED, "agreement_abstained")
    assert run.evidence("task-1") == {"why": "every input gives the same output", "cases": 6}
    assert run.units == ()


def test_two_different_outputs_are_enough() -> None:
    run = agree(candidates(*(f"def solve(xs):\n    x{at} = bool(xs)\n    return x{at}" for at in range(3))))
    assert run.decision("task-1") == (Decision.KEPT, "")


BIG = 3_000_000_000


@pytest.mark.parametrize(("other", "cases"), [("python", 6), ("javascript", 5)])
def test_values_that_depend_on_the_language_are_left_out_across_languages_only(
    other: str, cases: int
) -> None:
    def big(request: ExecutionRequest) -> Observation:
        return build_observation(request, BIG, 1, 2, 3, 4, 5)

    run = agree([*candidates("a", "b"), *candidates("c", language=other)], observe=big)
    (suite,) = run.made(TestSuite)
    assert len(suite.cases) == cases


@pytest.mark.parametrize(
    "fault", [{"infrastructure": "the machine was lost"}, {"toolchain_missing": "apt-get install node"}]
)
def test_a_task_fails_with_a_program_that_could_not_be_run(fault: dict[str, object]) -> None:
    """Without its vote, the others could agree on something else."""

    def lose(request: ExecutionRequest) -> Observation:
        return build_observation(request, **fault) if request.code == LAST else observe(request)

    run = agree(candidates(TOTAL, LAST, LOOP, "def solve(xs): return sum(xs, 0)"), observe=lose)
    assert run.decision("task-1") == (Decision.FAILED, next(iter(fault)))
    assert run.made(TestSuite) == []


def test_outputs_count_where_a_program_returned_and_in_one_order() -> None:
    def answer(request: ExecutionRequest) -> Observation:
        first = {"1": "m2 s61 i1 s62 i2", "2": "m2 s62 i2 s61 i1", "3": "m2 s61 i1 s62 i2"}[request.code[-1]]
        cases = (
            CaseObservation(index=0, status="returned", output=first),
            CaseObservation(index=1, status="raised", output="i9", error="after the result"),
            CaseObservation(index=2, status="returned", output=None),
            CaseObservation(index=4, status="returned", output="i7"),
        )
        return build_observation(request, cases=cases)

    run = agree(candidates("a1", "b2", "c3"), observe=answer, minimum=2)
    (suite,) = run.made(TestSuite)
    assert [(case.arguments, case.expected) for case in suite.cases] == [
        (INPUTS[0], "m2 s61 i1 s62 i2"),
        (INPUTS[4], "i7"),
    ]


def test_only_tasks_without_a_reference_enter_each_with_its_own_candidates_and_inputs() -> None:
    tasks = [build_task(name) for name in ("task-1", "task-2", "task-3")]
    inputs = [build_inputs("task-3", INPUTS[::-1]), build_inputs("task-1")]
    longest = ("max(xs, default=0)", "max([0, *xs])", "sorted([0, *xs])[-1]")
    solutions = [
        *candidates(*(f"def solve(xs): return {code}" for code in longest), task="task-3"),
        *candidates(TOTAL, task="task-2"),
        *candidates(TOTAL, LOOP, "def solve(xs): return sum(xs, 0)"),
    ]
    run = agree(solutions, *tasks, *inputs)
    assert list(run.rows) == ["task-1", "task-3"]
    assert [[case.expected for case in suite.cases] for suite in run.made(TestSuite)] == [
        ["i0", "i1", "i3", "i21", "i4", "i6"],
        ["i3", "i8", "i9", "i2", "i1", "i0"],
    ]


def test_candidates_that_do_not_parse_are_not_run() -> None:
    sandbox = ScriptedSandbox(observe)
    given = candidates(TOTAL, LAST, LOOP)
    shard = build_shard(
        build_task(), build_inputs(), *given, rejected={"syntax": [given[1].id]}, reason="parse_error"
    )
    run_stage(AgreeStage(build_context(sandbox=sandbox)), shard)
    assert [request.code for request in sandbox.requests] == [TOTAL, LOOP]


def test_a_task_without_candidates_abstains() -> None:
    run = agree([])
    assert run.decision("task-1") == (Decision.REJECTED, "agreement_abstained")


@pytest.mark.parametrize(
    ("stage", "unit"), [("solve", "task-1"), ("inputs", "task-1"), ("instruct", "seed-1")]
)
def test_a_task_does_not_enter_when_it_or_its_seed_was_turned_away(stage: str, unit: str) -> None:
    tasks = [build_task("task-1"), build_task("task-2", seed_id="seed-2")]
    inputs = [build_inputs("task-1"), build_inputs("task-2")]
    shard = build_shard(build_reference("seed-1", ()), *tasks, *inputs, rejected={stage: [unit]})
    assert find_entering(AgreeStage(build_context()), shard) == ["task-2"]
