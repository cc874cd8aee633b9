"""The engine that a function answers."""

import asyncio

import pytest

from synth.errors import EngineError, Problem
from synth.generation.protocol import Completion, GenerationRequest, GenerationResponse
from synth.generation.scripted import AnswerRequest, ScriptedEngine
from synth.policy import Policy
from tests.builders import build_question


def answer(script: AnswerRequest, *requests: GenerationRequest) -> list[GenerationResponse]:
    async def work() -> list[GenerationResponse]:
        engine = ScriptedEngine(script)
        return list(await asyncio.gather(*(engine.generate(one) for one in requests)))

    return asyncio.run(work())


def test_the_function_sees_the_request_and_its_text_is_the_answer() -> None:
    (response,) = answer(lambda asked: asked.messages[0].content.upper(), build_question("def f"))
    assert response.completions == (Completion(text="DEF F", finish="stop", tokens=2),)
    assert response.request_id == build_question("def f").request_id("scripted")
    assert (response.fingerprint, response.prompt_tokens, response.ms) == ("scripted", 7, 1.0)


def test_one_text_answers_all_samples_and_a_sequence_answers_each() -> None:
    same, each = answer(
        lambda asked: "a" if asked.n == 2 else ["x", "y", "z"], build_question(n=2), build_question(n=3)
    )
    assert [completion.text for completion in same.completions] == ["a", "a"]
    assert [completion.text for completion in each.completions] == ["x", "y", "z"]


def test_a_completion_says_itself_how_it_ended() -> None:
    cut = Completion(text="def f(", finish="length", tokens=8)
    (alone,), (among,) = (
        answer(lambda _: cut, build_question()),
        answer(lambda _: [cut, "whole"], build_question(n=2)),
    )
    assert alone.completions == (cut,)
    assert [completion.finish for completion in among.completions] == ["length", "stop"]


def test_an_empty_text_still_counts_a_token() -> None:
    assert answer(lambda _: "", build_question())[0].completions[0].tokens == 1


@pytest.mark.parametrize(("n", "texts"), [(1, []), (2, ["a"]), (1, ["a", "b"])])
def test_a_wrong_number_of_answers_is_said(n: int, texts: list[str]) -> None:
    with pytest.raises(EngineError, match=f"gave {len(texts)} answers where n = {n}") as raised:
        answer(lambda _: texts, build_question(n=n))
    assert not raised.value.retryable


def test_an_exception_that_the_function_returns_or_raises_reaches_the_caller() -> None:
    busy = EngineError(Problem("the endpoint", "is overloaded", "ask again later"))

    def fail(_: GenerationRequest) -> str:
        raise KeyError("the script's own mistake")

    with pytest.raises(EngineError) as raised:
        answer(lambda _: busy, build_question())
    assert raised.value is busy
    with pytest.raises(KeyError):
        answer(fail, build_question())


def test_an_async_function_answers_several_requests_at_once() -> None:
    met = asyncio.Barrier(2)

    async def wait_for_the_other(asked: GenerationRequest) -> str:
        await asyncio.wait_for(met.wait(), timeout=5)
        return asked.messages[0].content

    first, second = answer(wait_for_the_other, build_question("a"), build_question("b"))
    assert (first.completions[0].text, second.completions[0].text) == ("a", "b")


def test_requests_are_noted_in_order_the_refused_ones_too() -> None:
    engine = ScriptedEngine(lambda asked: KeyError("two") if asked.n == 2 else "")

    async def work() -> None:
        await engine.generate(build_question("a"))
        with pytest.raises(KeyError, match="two"):
            await engine.generate(build_question("b", n=2))

    asyncio.run(work())
    assert engine.requests == [build_question("a"), build_question("b", n=2)]


def test_a_policy_that_is_loaded_answers_under_its_own_fingerprint() -> None:
    engine = ScriptedEngine(lambda _: "same", fingerprint="first")

    async def work() -> list[str]:
        before = await engine.generate(build_question())
        await engine.load_policy(Policy(name="p", base="", fingerprint="second"))
        after = await engine.generate(build_question())
        assert after.request_id == build_question().request_id("second")
        return [before.fingerprint, after.fingerprint, engine.fingerprint]

    assert asyncio.run(work()) == ["first", "second", "second"]


def test_a_closed_engine_refuses_until_it_is_started_again() -> None:
    engine = ScriptedEngine(lambda _: "yes")

    async def work() -> GenerationResponse:
        await engine.close()
        await engine.close()
        assert engine.closed
        with pytest.raises(EngineError, match="was closed"):
            await engine.generate(build_question())
        assert engine.requests == []
        await engine.start()
        await engine.start()
        return await engine.generate(build_question())

    assert asyncio.run(work()).completions[0].text == "yes"
