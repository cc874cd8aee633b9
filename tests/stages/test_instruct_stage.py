"""From references to tasks: which question is asked of which model, and what becomes of each answer."""

import pytest

from synth.config import SamplingConfig
from synth.errors import EngineError, Problem
from synth.generation.protocol import Completion, GenerationRequest
from synth.generation.scripted import ScriptedAnswer, ScriptedEngine
from synth.ids import derive_seed, unit_id
from synth.records import Decision, FunctionContract, Message, Reference, Task
from synth.stages.instruct import InstructStage
from tests.builders import CONTRACT, build_reference, build_seed
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

REFERENCES = (
    build_reference("seed-1", code="def a(xs): return 1"),
    build_reference("seed-2", code="def b(xs): return 2", language="ruby"),
)
SHARD = build_shard(*REFERENCES)


def instruct(answer: ScriptedAnswer, **config: object) -> StageRun:
    engine = ScriptedEngine(lambda _: answer)
    return run_stage(InstructStage(build_context({"instruct": config}, engine=engine)), SHARD)


def test_it_asks_a_model_about_references_and_makes_tasks() -> None:
    place = StagePlace("instruct", Reference, ("reference",), (Task,), asks_engine=True)
    assert describe_stage(InstructStage(build_context())) == place


def test_an_answer_becomes_a_task_that_keeps_the_contract_of_its_seed() -> None:
    engine = ScriptedEngine(lambda asked: f"Task: answer as {asked.messages[0].content[-1]} does.")
    run = run_stage(InstructStage(build_context(engine=engine)), SHARD)
    assert run.made(Task) == [
        Task(
            id=unit_id("task", reference.seed_id, f"answer as {number} does.", CONTRACT.model_dump()),
            round=2,
            instruction=f"answer as {number} does.",
            natural_language="en",
            contract=CONTRACT,
            seed_id=reference.seed_id,
            seed_language=reference.language,
            request_id=asked.request_id("scripted"),
        )
        for number, reference, asked in zip((1, 2), REFERENCES, engine.requests, strict=True)
    ]


def test_a_kept_reference_has_a_row_with_language_time_and_tokens() -> None:
    run = instruct(Completion(text="Add them.", finish="stop", tokens=17))
    row = run.rows["seed-2"]
    assert (row.kind, row.parents, row.decision, row.reason) == ("reference", ("seed-2",), Decision.KEPT, "")
    assert (row.language, row.natural_language, row.ms, row.tokens) == ("ruby", "en", 1.0, 17)
    assert run.evidence("seed-2") == {"overlap": 0.0}


def test_the_question_shows_the_seed_and_has_its_own_random_seed() -> None:
    engine = ScriptedEngine(lambda _: "Add.")
    sampling = SamplingConfig(temperature=0.25, max_tokens=40)
    data = {"instruct": {"sampling": {"temperature": 0.25, "max_tokens": 40}}}
    run_stage(InstructStage(build_context(data, engine=engine)), SHARD)
    assert engine.requests == [
        GenerationRequest(
            messages=(Message(role="user", content=f"English {reference.language}\n{reference.code}"),),
            sampling=sampling,
            n=1,
            seed=derive_seed(7, "instruct", reference.seed_id),
        )
        for reference in REFERENCES
    ]


def test_the_teacher_is_asked_where_there_is_one() -> None:
    teacher = ScriptedEngine(lambda _: "Add.", fingerprint="teacher")
    run = run_stage(InstructStage(build_context(teacher=teacher)), SHARD)
    assert [task.request_id for task in run.made(Task)] == [
        asked.request_id("teacher") for asked in teacher.requests
    ]


def test_natural_languages_take_turns() -> None:
    engine = ScriptedEngine(lambda _: "Add.")
    context = build_context({"instruct": {"natural_languages": ["zh", "en"]}}, engine=engine)
    run = run_stage(InstructStage(context), SHARD)
    assert [asked.messages[0].content.split()[0] for asked in engine.requests] == ["Chinese", "English"]
    assert [task.natural_language for task in run.made(Task)] == ["zh", "en"]
    assert [row.natural_language for row in run.rows.values()] == ["zh", "en"]


@pytest.mark.parametrize(
    ("signature", "name"),
    [
        ("(int) -> str", "n"),
        ("(str) -> int", "s"),
        ("(list[int]) -> int", "xs"),
        ("(list[str]) -> int", "ws"),
        ("(map[str, int]) -> int", "m"),
        ("(float) -> int", "x"),
    ],
)
def test_a_neutral_name_of_function_and_parameter_does_not_give_the_answer_away(
    signature: str, name: str
) -> None:
    telling = FunctionContract(entry_point="total", signature=signature, parameter_names=("summands",))
    engine = ScriptedEngine(lambda _: "Add.")
    context = build_context({"instruct": {"entry_point": "f"}}, engine=engine)
    shard = build_shard(build_reference(contract=telling))
    (task,) = run_stage(InstructStage(context), shard).made(Task)
    assert task.contract == FunctionContract(entry_point="f", signature=signature, parameter_names=(name,))


def test_names_stay_where_none_is_given_or_there_are_several_parameters() -> None:
    one = FunctionContract(entry_point="total", signature="(int) -> int", parameter_names=("a",))
    two = FunctionContract(entry_point="power", signature="(int, int) -> int", parameter_names=("a", "b"))
    shard = build_shard(build_reference("s1", contract=one), build_reference("s2", contract=two))
    for entry_point, expected in (
        ("", [("total", ("a",)), ("power", ("a", "b"))]),
        ("f", [("f", ("n",)), ("f", ("a", "b"))]),
    ):
        engine = ScriptedEngine(lambda _: "Add.")
        context = build_context({"instruct": {"entry_point": entry_point}}, engine=engine)
        contracts = [task.contract for task in run_stage(InstructStage(context), shard).made(Task)]
        assert [
            (contract.entry_point, contract.parameter_names)
            for contract in contracts
            if isinstance(contract, FunctionContract)
        ] == expected


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        ("Add the num", "length", "answer_cut"),
        ("```python\nsum(xs)\n```", "stop", "malformed_answer"),
        ("  \n", "stop", "malformed_answer"),
    ],
)
def test_an_answer_without_an_instruction_rejects_the_reference_and_says_what_came(
    text: str, finish: str, reason: str
) -> None:
    run = instruct(Completion.model_validate({"text": text, "finish": finish, "tokens": 5}))
    assert run.decision("seed-1") == (Decision.REJECTED, reason)
    assert run.evidence("seed-1") == {"answer": text}
    assert (run.rows["seed-1"].tokens, run.rows["seed-1"].ms) == (5, 1.0)
    assert run.made(Task) == []


def test_the_evidence_holds_the_beginning_of_a_long_answer() -> None:
    run = instruct("```\n" + "x" * 300)
    assert run.evidence("seed-1") == {"answer": "```\n" + "x" * 196}


def test_an_engine_that_fails_is_a_failure_of_that_reference_alone() -> None:
    def answer(asked: GenerationRequest) -> ScriptedAnswer:
        return failure if "def a" in asked.messages[0].content else "Add."

    failure = EngineError(Problem("the endpoint", "is overloaded", "ask again later"))
    run = run_stage(InstructStage(build_context(engine=ScriptedEngine(answer))), SHARD)
    assert run.decision("seed-1") == (Decision.FAILED, "engine_failed")
    assert "is overloaded" in str(run.evidence("seed-1")["error"])
    row = run.rows["seed-1"]
    assert (row.kind, row.language, row.natural_language) == ("reference", "python", "en")
    assert [task.seed_id for task in run.made(Task)] == ["seed-2"]


def test_an_error_that_no_retry_can_help_stops_the_run() -> None:
    wrong = EngineError(Problem("the key", "is wrong", "correct it"), retryable=False)
    with pytest.raises(EngineError, match="the key"):
        instruct(wrong)


def test_a_shard_without_references_asks_nothing() -> None:
    run = run_stage(InstructStage(build_context()), build_shard())
    assert (run.rows, run.units) == ({}, ())


@pytest.mark.parametrize("stage", ["snippet", "reference"])
def test_a_seed_that_was_turned_away_does_not_enter(stage: str) -> None:
    shard = build_shard(build_seed("seed-1"), *REFERENCES, rejected={stage: ["seed-1"]})
    assert find_entering(InstructStage(build_context()), shard) == ["seed-2"]
