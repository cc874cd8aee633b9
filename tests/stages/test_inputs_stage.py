"""From tasks to test suites: the model writes inputs, the seed says what comes out, drawn cases fill up."""

import pytest

from synth.config import SamplingConfig
from synth.errors import EngineError, Problem
from synth.execution.scripted import ScriptedSandbox
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedAnswer, ScriptedEngine
from synth.ids import derive_random, derive_seed, unit_id
from synth.records import (
    CaseObservation,
    Decision,
    EvidenceRank,
    Example,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    InputSet,
    InputValidator,
    Limits,
    Message,
    Observation,
    StdioContract,
    Task,
    TestSuite,
)
from synth.rules.input_drawing import draw_inputs
from synth.stages.inputs import InputsStage
from synth.values import Value, decode, encode, parse_signature
from tests.builders import (
    CONTRACT,
    PlainCase,
    build_observation,
    build_reference,
    build_seed,
    build_suite,
    build_task,
)
from tests.stages.harness import (
    PRIORITY,
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

REFERENCE = build_reference(
    "seed-1",
    ((([],), 0), (([1, 2],), 3)),
    code="def total(xs): ...",
    contract=CONTRACT.model_copy(update={"entry_point": "total"}),
)
UNSEARCHED = {"mutants": 0, "hidden": False}
"""Suites of the drawn inputs and the model's, all of them seen by selection."""
BARE = build_reference("seed-1", ())


def add_up(request: ExecutionRequest) -> Observation:
    """What the seed would give back: the sum of each list."""
    assert isinstance(request.call, FunctionCall)
    return build_observation(request, *(total(row[0]) for row in request.call.arguments))


def total(wire: str) -> int:
    value = decode(wire)
    assert isinstance(value, list)
    return sum(item for item in value if isinstance(item, int))


def make(
    answer: ScriptedAnswer, *tasks: Task, sandbox: ScriptedSandbox | None = None, **config: object
) -> StageRun:
    context = build_context(
        {"inputs": {"minimum": 2, "maximum": 4, **UNSEARCHED, **config}},
        engine=ScriptedEngine(lambda _: answer),
        sandbox=sandbox or ScriptedSandbox(add_up),
    )
    return run_stage(InputsStage(context), build_shard(REFERENCE, *(tasks or (build_task(),))))


def suite_of(run: StageRun) -> list[tuple[str, str]]:
    """The cases of the one suite, as wire text."""
    (suite,) = run.made(TestSuite)
    return [(case.arguments[0], case.expected) for case in suite.cases]


def test_it_asks_a_model_about_tasks_and_makes_suites_or_sets_of_inputs() -> None:
    made = (TestSuite, InputSet, InputValidator)
    place = StagePlace("inputs", Task, ("instruct", "problem"), made, asks_engine=True)
    assert describe_stage(InputsStage(build_context())) == place


def test_the_models_inputs_come_first_with_what_the_seed_makes_of_them() -> None:
    run = make("[[7, 8]]\n[[9]]")
    assert run.made(TestSuite) == [
        build_suite("task-1", ((([7, 8],), 15), (([9],), 9), (([],), 0), (([1, 2],), 3)))
    ]
    assert run.made(InputSet) == []


def test_the_suite_keeps_the_contract_of_the_task_and_stands_on_the_reference() -> None:
    renamed = FunctionContract(entry_point="f", signature=CONTRACT.signature, parameter_names=("xs",))
    context = build_context(
        {"inputs": {"minimum": 1, "from_model": False, **UNSEARCHED}}, sandbox=ScriptedSandbox(add_up)
    )
    shard = build_shard(REFERENCE, build_task(contract=renamed))
    (suite,) = run_stage(InputsStage(context), shard).made(TestSuite)
    assert (suite.contract, suite.rank) == (renamed, EvidenceRank.REFERENCE)


def test_a_kept_task_has_a_row_that_counts_its_cases() -> None:
    run = make("[[7, 8]]")
    row = run.rows["task-1"]
    assert run.decision("task-1") == (Decision.KEPT, "")
    assert run.evidence("task-1") == {"cases": 3, "from_model": 1}
    assert (row.kind, row.parents, row.language, row.natural_language) == (
        "task",
        ("seed-1",),
        "python",
        "en",
    )


def test_the_question_shows_declaration_and_instruction_in_the_tasks_language() -> None:
    engine = ScriptedEngine(lambda _: "")
    context = build_context(
        {"inputs": {"minimum": 1, "sampling": {"temperature": 0.5, "max_tokens": 33}, **UNSEARCHED}},
        engine=engine,
        sandbox=ScriptedSandbox(add_up),
    )
    tasks = [build_task("task-1", seed_language="ruby"), build_task("task-2", natural_language="zh")]
    run_stage(InputsStage(context), build_shard(REFERENCE, *tasks))
    shown = "def solve(xs: list[int]) -> int\nReturn the sum of the list."
    assert engine.requests == [
        GenerationRequest(
            messages=(Message(role="user", content=f"{first}\n{shown}"),),
            sampling=SamplingConfig(temperature=0.5, max_tokens=33),
            n=1,
            seed=derive_seed(7, "inputs", unit),
        )
        for first, unit in (("inputs", "task-1"), ("输入", "task-2"))
    ]


def test_the_teacher_is_asked_where_there_is_one() -> None:
    teacher = ScriptedEngine(lambda _: "[[7, 8]]")
    context = build_context(
        {"inputs": {"minimum": 1, **UNSEARCHED}}, teacher=teacher, sandbox=ScriptedSandbox(add_up)
    )
    run = run_stage(InputsStage(context), build_shard(REFERENCE, build_task()))
    assert run.evidence("task-1")["from_model"] == len(teacher.requests) == 1


def test_the_reference_itself_is_run_on_the_models_inputs_alone() -> None:
    sandbox = ScriptedSandbox(add_up)
    context = build_context(
        {"inputs": {"minimum": 1, **UNSEARCHED}},
        engine=ScriptedEngine(lambda _: "[[7, 8]]\n[[9]]"),
        sandbox=sandbox,
        execution={"kind": "local", "limits": {"cpu_s": 3}},
    )
    run_stage(InputsStage(context), build_shard(REFERENCE, build_task()))
    rows = (("l2 i7 i8",), ("l1 i9",))
    assert sandbox.requests == [
        ExecutionRequest(
            id=unit_id("seed-inputs", "seed-1", rows),
            language="python",
            code=REFERENCE.code,
            call=FunctionCall(entry_point="total", signature="(list[int]) -> int", arguments=rows),
            limits=Limits(cpu_s=3),
        )
    ]
    assert sandbox.priorities == [PRIORITY]


def test_known_and_repeated_inputs_count_once() -> None:
    run = make("[[9]]\n[[1, 2]]\n[[9]]\n[[]]\n[[5]]", maximum=9)
    assert suite_of(run) == [("l1 i9", "i9"), ("l1 i5", "i5"), ("l0", "i0"), ("l2 i1 i2", "i3")]
    assert run.evidence("task-1") == {"cases": 4, "from_model": 2}


def test_inputs_that_the_seed_fails_on_are_left_out() -> None:
    def observe(request: ExecutionRequest) -> Observation:
        cases = (
            CaseObservation(index=0, status="raised", error="ValueError"),
            CaseObservation(index=1, status="returned", output="i9"),
            CaseObservation(index=2, status="missing"),
            CaseObservation(index=3, status="returned", output=None),
            CaseObservation(index=4, status="raised", output="i5", error="after the result"),
        )
        return build_observation(request, cases=cases)

    run = make("[[8]]\n[[9]]\n[[10]]\n[[11]]\n[[5]]", sandbox=ScriptedSandbox(observe), maximum=9)
    assert suite_of(run) == [("l1 i9", "i9"), ("l0", "i0"), ("l2 i1 i2", "i3")]
    assert run.evidence("task-1") == {"cases": 3, "from_model": 5}


@pytest.mark.parametrize(
    "fault", [{"infrastructure": "the machine was lost"}, {"toolchain_missing": "apt-get install node"}]
)
def test_a_task_fails_when_its_seed_could_not_be_run_on_the_models_inputs(fault: dict[str, object]) -> None:
    run = make("[[9]]", sandbox=ScriptedSandbox(lambda asked: build_observation(asked, **fault)))
    assert run.decision("task-1") == (Decision.FAILED, next(iter(fault)))
    assert run.units == ()


def test_maps_are_expected_in_one_order() -> None:
    sandbox = ScriptedSandbox(lambda asked: build_observation(asked, {"b": 1, "a": 2}))
    assert suite_of(make("[[9]]", sandbox=sandbox))[0] == ("l1 i9", "m2 s61 i2 s62 i1")


@pytest.mark.parametrize(
    ("drawn", "maximum", "written", "kept"),
    [
        (4, 4, 4, ["w", "w", "d", "d"]),  # half of each where there are enough
        (1, 4, 4, ["w", "w", "w", "d"]),  # the model's fill up what was not drawn
        (4, 4, 1, ["w", "d", "d", "d"]),
        (4, 5, 4, ["w", "w", "d", "d", "d"]),
    ],
)
def test_the_maximum_is_shared_between_written_and_drawn_cases(
    drawn: int, maximum: int, written: int, kept: list[str]
) -> None:
    cases: tuple[PlainCase, ...] = tuple((([-at],), -at) for at in range(1, drawn + 1))
    reference = build_reference("seed-1", cases)
    context = build_context(
        {"inputs": {"minimum": 1, "maximum": maximum, **UNSEARCHED}},
        engine=ScriptedEngine(lambda _: "\n".join(f"[[{at}]]" for at in range(1, written + 1))),
        sandbox=ScriptedSandbox(add_up),
    )
    run = run_stage(InputsStage(context), build_shard(reference, build_task()))
    assert ["d" if "-" in expected else "w" for _, expected in suite_of(run)] == kept


def test_no_more_than_the_maximum_of_written_inputs_is_run() -> None:
    sandbox = ScriptedSandbox(add_up)
    run = make("\n".join(f"[[{at}]]" for at in range(3, 30)), sandbox=sandbox, maximum=4)
    (request,) = sandbox.requests
    assert isinstance(request.call, FunctionCall)
    assert len(request.call.arguments) == 4
    assert run.evidence("task-1") == {"cases": 4, "from_model": 4}


@pytest.mark.parametrize(("minimum", "kept"), [(3, True), (4, False)])
def test_a_task_with_too_few_cases_is_rejected_and_gets_no_suite(minimum: int, kept: bool) -> None:
    run = make("[[9]]", minimum=minimum)
    assert run.decision("task-1") == ((Decision.KEPT, "") if kept else (Decision.REJECTED, "too_few_inputs"))
    assert run.evidence("task-1") == {"cases": 3, "from_model": 1}
    assert len(run.made(TestSuite)) == kept


def test_a_task_fails_with_its_request_although_there_are_drawn_cases() -> None:
    run = make(EngineError(Problem("the endpoint", "is overloaded", "ask again later")))
    assert run.decision("task-1") == (Decision.FAILED, "engine_failed")
    assert run.units == ()


def test_an_error_that_no_retry_can_help_stops_the_run() -> None:
    with pytest.raises(EngineError, match="the key"):
        make(EngineError(Problem("the key", "is wrong", "correct it"), retryable=False))


def test_no_model_is_asked_where_the_recipe_says_so_or_there_is_no_signature() -> None:
    refused = AssertionError("a model was asked")
    for run in (make(refused, from_model=False), make(refused, build_task(contract=StdioContract()))):
        assert run.evidence("task-1") == {"cases": 2, "from_model": 0}


def test_a_task_whose_seed_was_not_run_gets_inputs_without_results() -> None:
    context = build_context(
        {"inputs": {"minimum": 3, "maximum": 9, "drawn": 12}},
        engine=ScriptedEngine(lambda _: "[[7, 8]]\n[[9]]"),
        sandbox=ScriptedSandbox(add_up),
    )
    run = run_stage(InputsStage(context), build_shard(BARE, build_task()))
    random = derive_random(7, "inputs", "task-1")
    drawn = draw_inputs(parse_signature(CONTRACT.signature), 12, random)
    rows = (("l2 i7 i8",), ("l1 i9",), *drawn[:7])
    assert run.made(InputSet) == [InputSet(task_id="task-1", contract=CONTRACT, rows=rows)]
    assert run.made(TestSuite) == []
    assert run.decision("task-1") == (Decision.KEPT, "")
    assert run.evidence("task-1") == {"cases": 9, "from_model": 2}


def test_inputs_without_results_are_distinct_and_too_few_of_them_reject() -> None:
    random = derive_random(7, "inputs", "task-1")
    (first,), *_ = drawn = draw_inputs(parse_signature(CONTRACT.signature), 3, random)
    assert first == "l0"
    engine = ScriptedEngine(lambda _: "[[]]\n[[9]]")
    context = build_context({"inputs": {"minimum": 5, "maximum": 9, "drawn": 3, **UNSEARCHED}}, engine=engine)
    run = run_stage(InputsStage(context), build_shard(BARE, build_task()))
    assert run.decision("task-1") == (Decision.REJECTED, "too_few_inputs")
    assert run.evidence("task-1") == {"cases": len(drawn) + 1, "from_model": 2}
    assert run.made(InputSet) == []


def test_each_task_gets_the_inputs_and_results_of_its_own_seed() -> None:
    references = [REFERENCE, build_reference("seed-2", ((([-1],), -1),)), build_reference("seed-3", ())]
    tasks = [build_task(f"task-{number}", seed_id=f"seed-{number}") for number in (3, 2, 1)]

    def answer(asked: GenerationRequest) -> str:
        return f"[[{asked.seed % 1000 + 10}]]"

    def observe(asked: ExecutionRequest) -> Observation:
        return build_observation(asked, 111 if asked.code == REFERENCE.code else 222)

    engine, sandbox = ScriptedEngine(answer), ScriptedSandbox(observe)
    context = build_context(
        {"inputs": {"minimum": 1, "drawn": 1, **UNSEARCHED}}, engine=engine, sandbox=sandbox
    )
    run = run_stage(InputsStage(context), build_shard(*references, *tasks))
    assert [(suite.task_id, suite.cases[0].expected) for suite in run.made(TestSuite)] == [
        ("task-2", "i222"),
        ("task-1", "i111"),
    ]
    first = [suite.cases[0].arguments[0] for suite in run.made(TestSuite)]
    own = [derive_seed(7, "inputs", task) % 1000 + 10 for task in ("task-2", "task-1")]
    assert first == [f"l1 i{value}" for value in own]
    assert [found.task_id for found in run.made(InputSet)] == ["task-3"]


@pytest.mark.parametrize("stage", ["instruct", "reference"])
def test_a_task_does_not_enter_when_its_seed_was_turned_away(stage: str) -> None:
    tasks = [build_task("task-1"), build_task("task-2", seed_id="seed-2")]
    shard = build_shard(REFERENCE, *tasks, rejected={stage: ["seed-1"]})
    assert find_entering(InputsStage(build_context()), shard) == ["task-2"]


def test_what_people_state_is_the_suite_of_a_seed_that_was_not_run() -> None:
    """The model's inputs have no results then, and the minimum is of inputs that were drawn."""
    examples = REFERENCE.model_copy(update={"rank": EvidenceRank.EXAMPLES})
    context = build_context(
        {"inputs": {"minimum": 9, "maximum": 16}},
        engine=ScriptedEngine(lambda _: "[[4]]"),
        sandbox=ScriptedSandbox(lambda request: pytest.fail(f"{request.id} was run")),
    )
    run = run_stage(InputsStage(context), build_shard(examples, build_task()))
    (suite,) = run.made(TestSuite)
    assert suite.rank is EvidenceRank.EXAMPLES
    assert {case.arguments for case in suite.cases} == {case.arguments for case in REFERENCE.cases}


def test_what_the_seed_returns_on_inputs_that_it_forbids_is_no_case() -> None:
    """Three calls by people, on lists that are never empty."""
    rows: tuple[list[Value], ...] = ([1], [1, 2], [3, 4, 5])
    seed = build_seed("seed-1").model_copy(
        update={"examples": tuple(Example(arguments=(encode(row),)) for row in rows)}
    )
    context = build_context(
        {"inputs": {"minimum": 1, "maximum": 9, **UNSEARCHED}},
        engine=ScriptedEngine(lambda _: "```\n[[]]\n[[7]]\n```"),
        sandbox=ScriptedSandbox(add_up),
    )
    reference = REFERENCE.model_copy(update={"cases": REFERENCE.cases[1:]})
    run = run_stage(InputsStage(context), build_shard(seed, reference, build_task()))
    (suite,) = run.made(TestSuite)
    assert [case.arguments[0] for case in suite.cases] == [encode([7]), encode([1, 2])]
