"""The client against a real local server that fails in chosen ways."""

import asyncio
import email.utils
import time
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from synth.config import OpenaiEngineConfig, SamplingConfig
from synth.errors import EngineError, RequestRefusedError
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.retry import Pauses, retry_after_s
from tests.builders import build_question

if TYPE_CHECKING:
    from tests.generation.conftest import Reply, ScriptedEndpoint

FAST = Pauses(first_s=0.01, longest_s=0.05)


ask = partial(build_question, seed=5, temperature=1.0)


def answer_all(url: str, *requests: GenerationRequest, **options: object) -> list[GenerationResponse]:
    """Start an engine for this address, ask everything at once, close it."""

    async def work() -> list[GenerationResponse]:
        engine = OpenaiApiEngine(
            OpenaiEngineConfig.model_validate({"base_url": url, "model": "tiny", **options}), pauses=FAST
        )
        await engine.start()
        try:
            return list(await asyncio.gather(*(engine.generate(request) for request in requests)))
        finally:
            await engine.close()

    return asyncio.run(work())


def test_choices_come_in_order_with_tokens_and_the_requests_id(endpoint: "ScriptedEndpoint") -> None:
    request = ask(n=3)
    response = answer_all(endpoint.url, request)[0]
    assert [completion.text.rsplit(" ", 1)[0] for completion in response.completions] == [
        "hello 0",
        "hello 1",
        "hello 2",
    ]
    assert sum(completion.tokens for completion in response.completions) == 30
    assert response.prompt_tokens == 7
    assert response.request_id == request.request_id(response.fingerprint)


def test_messages_go_to_chat_and_a_raw_prompt_to_completions(endpoint: "ScriptedEndpoint") -> None:
    sampling = SamplingConfig(temperature=0.0, max_tokens=4, top_p=0.9)
    answer_all(endpoint.url, ask(), GenerationRequest(prompt="def f(", sampling=sampling, stop=("\n\n",)))
    chat = next(body for body in endpoint.requests if "messages" in body)
    raw = next(body for body in endpoint.requests if "prompt" in body)
    assert chat["messages"] == [{"role": "user", "content": "hello"}]
    assert ("seed" in chat, chat["max_tokens"], "n" in chat, "top_p" in chat) == (True, 16, False, False)
    assert (raw["prompt"], raw["stop"], raw["top_p"], "seed" in raw) == ("def f(", ["\n\n"], 0.9, False)


def test_overload_faults_hang_ups_and_garbage_are_retried(
    endpoint: "ScriptedEndpoint", reply: "type[Reply]"
) -> None:
    endpoint.script = [
        reply(status=429, body='{"error": {"message": "slow down"}}'),
        reply(status=503, body="<html>busy</html>", headers={"Content-Type": "text/html"}),
        reply(hang_up=True),
        reply(body="<html>welcome</html>", headers={"Content-Type": "text/html"}),
        reply(body='{"choices": []}'),
    ]
    assert answer_all(endpoint.url, ask())[0].completions[0].text.startswith("hello 0")
    assert len(endpoint.requests) == 6


def test_a_slow_answer_is_asked_again_after_the_time_out(
    endpoint: "ScriptedEndpoint", reply: "type[Reply]"
) -> None:
    endpoint.script = [reply(delay_s=60.0)]
    started = time.monotonic()
    assert answer_all(endpoint.url, ask(), request_timeout_s=0.5)[0].completions
    assert time.monotonic() - started < 30
    assert len(endpoint.requests) == 2


def test_the_pause_is_at_least_what_the_endpoint_asks_for(
    endpoint: "ScriptedEndpoint", reply: "type[Reply]"
) -> None:
    endpoint.script = [reply(status=429, body="{}", headers={"Retry-After": "1"})]
    answer_all(endpoint.url, ask())
    assert endpoint.times[1] - endpoint.times[0] >= 1.0


def test_pauses_grow_are_jittered_and_bounded() -> None:
    pauses = Pauses(first_s=1.0, longest_s=8.0, random=Random(1))
    seen = [[pauses.before_retry(retry) for _ in range(50)] for retry in range(6)]
    for retry, values in enumerate(seen):
        full = min(8.0, 2.0**retry)
        assert full / 2 <= min(values) < max(values) <= full
    assert pauses.before_retry(0, 20.0) == 20.0
    assert pauses.before_retry(0, 100000.0) == pauses.asked_longest_s


def test_retry_after_is_read_in_all_its_forms() -> None:
    assert retry_after_s({"retry-after": "3"}) == 3.0
    assert retry_after_s({"retry-after-ms": "250"}) == 0.25
    assert 8 < retry_after_s({"retry-after": email.utils.formatdate(time.time() + 10, usegmt=True)}) <= 10
    assert retry_after_s({"retry-after": "soon"}) == 0.0
    assert retry_after_s({}) == 0.0


@pytest.mark.parametrize("most", [1, 3])
def test_missing_choices_are_asked_for_again_with_other_seeds(
    endpoint: "ScriptedEndpoint", most: int
) -> None:
    endpoint.max_choices = most
    responses = answer_all(endpoint.url, ask(n=8))
    texts = [completion.text for completion in responses[0].completions]
    assert len(texts) == len(set(texts)) == 8
    assert sum(min(most, body.get("n", 1)) for body in endpoint.requests) == 8


def test_an_endpoints_limit_of_choices_is_remembered_for_the_next_request(
    endpoint: "ScriptedEndpoint",
) -> None:
    endpoint.max_choices = 2

    async def work() -> None:
        engine = OpenaiApiEngine(OpenaiEngineConfig(base_url=endpoint.url, model="tiny"))
        await engine.start()
        await engine.generate(ask(n=4))
        endpoint.requests.clear()
        response = await engine.generate(ask("again", n=4))
        await engine.close()
        assert len(response.completions) == 4

    asyncio.run(work())
    assert [body["n"] for body in endpoint.requests] == [2, 2]


def test_no_more_calls_are_open_than_allowed(endpoint: "ScriptedEndpoint") -> None:
    endpoint.delay_s = 0.05
    responses = answer_all(endpoint.url, *(ask(f"q{number}") for number in range(20)), concurrency=3)
    assert len(responses) == 20
    assert endpoint.most_open == 3


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("not json", "not json"),
        ('{"choices": []}', "no choices"),
        ("[1, 2]", "[1, 2]"),
        ('{"choices": [{"index": 0, "finish_reason": "stop"}]}', "choices.0.message"),
        (
            '{"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]}',
            "an error of the endpoint",
        ),
        ('{"choices": [{"message": {"content": 3}, "finish_reason": "stop"}]}', "choices.0.message.content"),
        ('{"choices": [{"message": {"con', "Invalid JSON"),
    ],
)
def test_a_malformed_answer_is_an_error_that_says_what_was_found(
    endpoint: "ScriptedEndpoint", reply: "type[Reply]", body: str, found: str
) -> None:
    endpoint.script = [reply(body=body)] * 3
    with pytest.raises(EngineError) as raised:
        answer_all(endpoint.url, ask(), max_retries=2)
    assert found in str(raised.value)
    assert "malformed" in str(raised.value)
    assert raised.value.retryable
    assert len(endpoint.requests) == 3


def test_a_refused_request_is_not_repeated(endpoint: "ScriptedEndpoint", reply: "type[Reply]") -> None:
    endpoint.script = [reply(status=400, body='{"error": {"message": "context length is 4096"}}')]
    with pytest.raises(RequestRefusedError, match="context length is 4096") as raised:
        answer_all(endpoint.url, ask())
    assert raised.value.reason == "request_too_long"
    assert len(endpoint.requests) == 1


def test_an_empty_account_is_not_asked_again_and_again(
    endpoint: "ScriptedEndpoint", reply: "type[Reply]"
) -> None:
    endpoint.script = [
        reply(status=429, body='{"error": {"message": "no credit", "code": "insufficient_quota"}}')
    ]
    with pytest.raises(EngineError, match="no credit"):
        answer_all(endpoint.url, ask())
    assert len(endpoint.requests) == 1


def test_a_dead_endpoint_is_reported_in_plain_words() -> None:
    with pytest.raises(EngineError) as raised:
        answer_all("http://127.0.0.1:9/v1", ask(), max_retries=1)
    problem = raised.value.problems[0]
    assert problem.where == "endpoint http://127.0.0.1:9/v1"
    assert "no connection" in problem.message
    assert "base_url" in problem.fix


def test_the_key_comes_from_the_named_variable_and_stands_in_no_message(
    endpoint: "ScriptedEndpoint",
    reply: "type[Reply]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "top-secret-key")
    endpoint.script = [reply(status=401, body='{"error": {"message": "bad key top-secret-key"}}')]
    with pytest.raises(EngineError) as raised:
        answer_all(endpoint.url, ask(), api_key_env="MY_KEY")
    assert endpoint.keys == ["Bearer top-secret-key"]
    assert "bad key ***" in str(raised.value)
    assert "top-secret-key" not in str(raised.value)


def test_a_missing_key_is_found_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABSENT_KEY", raising=False)
    with pytest.raises(EngineError, match="export ABSENT_KEY"):
        answer_all("https://example.invalid/v1", ask(), api_key_env="ABSENT_KEY")


def test_an_unknown_model_is_found_before_anything_is_spent(endpoint: "ScriptedEndpoint") -> None:
    endpoint.models = ["tiny-v2", "huge"]
    with pytest.raises(EngineError, match="model: tiny-v2"):
        answer_all(endpoint.url, ask())
    assert endpoint.requests == []


def test_an_endpoint_without_a_model_list_is_used_as_it_is(endpoint: "ScriptedEndpoint") -> None:
    endpoint.models = None
    assert answer_all(endpoint.url, ask())[0].completions
