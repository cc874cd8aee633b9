"""One request of one stage: which engine is asked, under which random seed, and what a failure becomes."""

from dataclasses import replace
from typing import Final

import pytest

from synth.config import SamplingConfig
from synth.errors import EngineError, Problem, RequestRefusedError
from synth.filters.protocol import Reject
from synth.generation.protocol import Completion, GenerationRequest, GenerationResponse
from synth.generation.scripted import ScriptedEngine
from synth.ids import derive_seed
from synth.records import Message
from synth.stages.asking import Asker
from tests.builders import Run
from tests.stages.harness import build_context

QUESTION: Final = (Message(role="user", content="Why?"),)
SAMPLING: Final = SamplingConfig(temperature=0.5, max_tokens=9)


def test_the_question_goes_out_as_it_is_with_a_random_seed_of_its_own(run: Run[object]) -> None:
    engine = ScriptedEngine(lambda _: "Because.")
    asker = Asker(build_context(engine=engine), "solve")
    response = run(asker.ask("task-1", QUESTION, SAMPLING, 3))
    assert isinstance(response, GenerationResponse)
    assert [one.text for one in response.completions] == ["Because."] * 3
    assert engine.requests == [
        GenerationRequest(messages=QUESTION, sampling=SAMPLING, n=3, seed=derive_seed(7, "solve", "task-1"))
    ]


def test_one_answer_is_asked_for_unless_it_is_said_otherwise(run: Run[object]) -> None:
    engine = ScriptedEngine(lambda _: "Because.")
    run(Asker(build_context(engine=engine), "solve").ask("task-1", QUESTION, SAMPLING))
    assert [asked.n for asked in engine.requests] == [1]


@pytest.mark.parametrize(
    ("named", "role", "asked"),
    [
        (("teacher",), "teacher", "teacher"),
        (("teacher",), "engine", "engine"),
        ((), "teacher", "engine"),
        ((), "judge", "engine"),
        (("teacher",), "judge", "teacher"),
        (("teacher",), "tester", "teacher"),
        (("teacher", "judge"), "judge", "judge"),
        (("judge",), "tester", "engine"),
        (("tester", "judge"), "teacher", "engine"),
    ],
)
def test_the_engine_of_the_role_is_asked_or_the_one_that_stands_in_for_it(
    run: Run[object], named: tuple[str, ...], role: str, asked: str
) -> None:
    engines = {name: ScriptedEngine(lambda _: "", fingerprint=name) for name in ("engine", *named)}
    context = replace(build_context(engine=engines["engine"]), others={name: engines[name] for name in named})
    response = run(Asker(context, "solve", role=role).ask("u", QUESTION, SAMPLING))
    assert isinstance(response, GenerationResponse)
    assert response.fingerprint == asked


def test_the_policy_is_asked_where_nothing_else_is_said(run: Run[object]) -> None:
    policy, teacher = (ScriptedEngine(lambda _: "", fingerprint=name) for name in ("policy", "teacher"))
    run(Asker(build_context(engine=policy, teacher=teacher), "solve").ask("u", QUESTION, SAMPLING))
    assert (len(policy.requests), len(teacher.requests)) == (1, 0)


def test_a_failure_after_every_retry_is_a_reason_with_the_beginning_of_its_words(run: Run[object]) -> None:
    failed = EngineError(Problem("the endpoint", "is overloaded" + "!" * 400, "ask again later"))
    answer = run(
        Asker(build_context(engine=ScriptedEngine(lambda _: failed)), "s").ask("u", QUESTION, SAMPLING)
    )
    assert answer == Reject("engine_failed", {"error": str(failed)[:300]})
    assert len(str(failed)) > 300


def test_a_request_that_is_refused_is_a_reason_of_the_endpoints(run: Run[object]) -> None:
    long = RequestRefusedError(Problem("the request", "is long", "shorten it"), reason="request_too_long")
    asker = Asker(build_context(engine=ScriptedEngine(lambda _: long)), "s")
    assert run(asker.ask("u", QUESTION, SAMPLING)) == Reject("request_too_long", {"error": str(long)})


def test_answers_that_are_all_refused_are_a_reason_and_some_are_not(run: Run[object]) -> None:
    refused = Completion(text="I will not", finish="refused", tokens=3)
    asker = Asker(build_context(engine=ScriptedEngine(lambda asked: [refused] * asked.n)), "s")
    assert run(asker.ask("u", QUESTION, SAMPLING, 2)) == Reject("request_filtered", {"answer": "I will not"})
    asker = Asker(build_context(engine=ScriptedEngine(lambda _: [refused, "yes"])), "s")
    assert not isinstance(run(asker.ask("u", QUESTION, SAMPLING, 2)), Reject)


def test_an_error_that_no_retry_can_mend_is_raised(run: Run[object]) -> None:
    wrong = EngineError(Problem("the key", "is wrong", "correct it"), retryable=False)
    with pytest.raises(EngineError, match="the key"):
        run(Asker(build_context(engine=ScriptedEngine(lambda _: wrong)), "s").ask("u", QUESTION, SAMPLING))


@pytest.mark.parametrize(
    ("language", "first"), [("", "solve in Go"), ("zh", "用 Go 实现"), ("de", "solve in Go")]
)
def test_a_prompt_is_rendered_in_the_variant_of_the_language_where_there_is_one(
    language: str, first: str
) -> None:
    values = {"language_title": "Go", "declaration": "f()", "instruction": "Add."}
    messages = Asker(build_context(), "solve").render("solve", language, **values)
    assert messages == (Message(role="user", content=f"{first}\nf()\nAdd."),)
    if not language:
        assert Asker(build_context(), "solve").render("solve", **values) == messages
