"""What holds the client in bounds: dialects, the calls that are open, time, size, and who sees the key."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from synth.config import OpenaiEngineConfig
from synth.errors import EngineError, RequestRefusedError
from synth.generation.dialect import Dialect
from synth.generation.endpoint import Endpoint, EndpointClient
from synth.generation.ledger import NoLedger
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.refusal import Meaning, Refusal, read_refusal
from synth.generation.retry import Pauses, asked_pause_s, rate_limit_reset_s
from synth.generation.throttle import Throttle
from synth.generation.transport import NoReplyError, Transport
from tests.builders import build_question
from tests.generation.mock_endpoint import Body, MockEndpoint, Played, mock_endpoint

ask = partial(build_question, seed=5, temperature=0.5)
FAST = Pauses(first_s=0.01, longest_s=0.02)


@pytest.fixture
def endpoint() -> Iterator[MockEndpoint]:
    with mock_endpoint() as server:
        yield server


class Listener(NoLedger):
    """Notes what the user is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def answer_all(
    url: str, *requests: GenerationRequest, ledger: NoLedger | None = None, **options: object
) -> list[GenerationResponse]:
    config = {"base_url": url, "model": "tiny", "api_key_env": "", "max_retries": 2, **options}

    async def work() -> list[GenerationResponse]:
        engine = OpenaiApiEngine(OpenaiEngineConfig.model_validate(config), pauses=FAST)
        await engine.start()
        try:
            return [await engine.buy(request, ledger or NoLedger()) for request in requests]
        finally:
            await engine.close()

    return asyncio.run(work())


# --- dialects -----------------------------------------------------------------------------------------------


def test_a_dialect_is_learned_once_and_what_changes_the_meaning_is_said_once(endpoint: MockEndpoint) -> None:
    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        for key in ("temperature", "seed", "n"):
            if key in body:
                return Played(400, {"error": {"message": f"Unsupported parameter: '{key}'", "param": key}})
        return None

    endpoint.behaviour, ledger = play, Listener()
    answer_all(endpoint.url, *(ask(f"q{at}", n=2) for at in range(4)), ledger=ledger)
    assert len(endpoint.requests) == 3 + 4 * 2, "three refusals, then each answer by itself"
    assert len(ledger.said) == 2
    assert "takes no seed" in ledger.said[1] and "takes no temperature" in ledger.said[0]


def test_stop_texts_that_an_endpoint_does_not_take_are_cut_here(endpoint: MockEndpoint) -> None:
    endpoint.write = lambda prompt, number: "one\n\ntwo"
    endpoint.behaviour = lambda endpoint, body: (
        Played(422, {"detail": [{"loc": ["body", "stop"], "msg": "not permitted"}]})
        if "stop" in body
        else None
    )
    request = ask().model_copy(update={"stop": ("\n\n",)})
    assert answer_all(endpoint.url, request)[0].completions[0].text == "one"


def test_a_key_of_the_users_own_is_never_left_out(endpoint: MockEndpoint) -> None:
    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        message = "Unrecognized request argument supplied: top_k"
        return Played(400, {"error": {"message": message}}) if "top_k" in body else None

    endpoint.behaviour = play
    with pytest.raises(EngineError, match=r"correct `top_k` in engine.request.extra_body") as raised:
        answer_all(endpoint.url, ask(), request={"extra_body": {"top_k": 20}})
    assert not raised.value.retryable
    assert [body["top_k"] for body in endpoint.requests] == [20]


def test_once_an_endpoint_has_answered_a_refused_key_is_about_the_one_request(endpoint: MockEndpoint) -> None:
    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        refused = Played(400, {"error": {"message": "top_k is wrong for this prompt"}})
        return refused if len(endpoint.requests) == 2 else None

    endpoint.behaviour = play
    with pytest.raises(RequestRefusedError):
        answer_all(endpoint.url, ask("a"), ask("b"), request={"extra_body": {"top_k": 20}})


def error(message: str, code: str = "") -> str:
    return json.dumps({"error": {"message": message, "code": code}})


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (400, error("max_tokens is too large: 9. at most 4 completion tokens"), Meaning.TOO_LONG),
        (400, f"[{error('The input token count (9) exceeds the limit')}]", Meaning.TOO_LONG),
        (
            400,
            '{"type": "error", "error": {"type": "x", "message": "prompt is too long: 9"}}',
            Meaning.TOO_LONG,
        ),
        (400, error("x", "content_filter"), Meaning.FILTERED),
        (400, '{"code": "data_inspection_failed", "message": "inappropriate content"}', Meaning.FILTERED),
        (400, '{"error": "model tiny not found"}', Meaning.UNKNOWN_MODEL),
        (400, error("a tool is missing"), Meaning.REFUSED),
        (403, "<html>Forbidden</html>", Meaning.WRONG_KEY),
        (404, "", Meaning.WRONG_ADDRESS),
        (429, "{}", Meaning.RATE_LIMIT),
        (429, error("x", "insufficient_quota"), Meaning.EMPTY_ACCOUNT),
        (529, "{}", Meaning.OVERLOADED),
        (501, error("n is not implemented"), Meaning.REFUSED),
    ],
)
def test_a_refusal_means(status: int, body: str, meaning: Meaning) -> None:
    assert read_refusal(status, body.encode()).meaning() is meaning


def test_a_message_about_length_teaches_no_dialect() -> None:
    """vLLM names both keys of the limit when a request is too long."""
    dialect = Dialect({})
    call = dialect.call(ask(), "m", 1, 1)
    long = "'max_tokens' or 'max_completion_tokens' is too large. This model's maximum context length is 256"
    assert dialect.learn(Refusal(400, long, "", ()), call) is None
    assert "max_tokens" in dialect.call(ask(), "m", 1, 1).body


def test_what_the_endpoint_wrote_reaches_no_terminal_as_it_is(endpoint: MockEndpoint) -> None:
    endpoint.behaviour = lambda endpoint, body: Played(
        400, {"error": {"message": "\x1b[2J\x9b31m\u202e gone"}}
    )
    with pytest.raises(EngineError) as raised:
        answer_all(endpoint.url, ask())
    assert str(raised.value).replace("\n", "").isprintable()
    assert "\\x1b[2J" in str(raised.value)


# --- how many are open --------------------------------------------------------------------------------------


def test_a_wave_of_refusals_halves_the_calls_once_and_answers_bring_them_back() -> None:
    now = [0.0]

    async def work() -> None:
        throttle, done = Throttle(64, slow_s=10.0, clock=lambda: now[0]), asyncio.Event()

        async def wait() -> None:
            await done.wait()

        calls = [asyncio.create_task(throttle.run(wait)) for _ in range(100)]
        await asyncio.sleep(0.01)
        assert throttle.open == 64
        now[0] = 1.0
        for _ in range(64):
            throttle.refused(began=0.0)
        assert throttle.limit == 32
        now[0] = 2.0
        throttle.refused(began=1.5)
        assert throttle.limit == 16
        done.set()
        await asyncio.gather(*calls)
        assert throttle.open == 0
        for _ in range(2000):
            throttle.answered(began=now[0])
        assert throttle.limit == 64
        now[0] = 13.0
        throttle.answered(began=2.0)
        assert throttle.limit < 64, "an answer that took over half of the time-out"

    asyncio.run(work())


def test_calls_are_made_in_order_and_one_that_is_given_up_is_left_out() -> None:
    async def work() -> list[int]:
        throttle, order = Throttle(1, slow_s=10.0), list[int]()

        async def one(number: int) -> int:
            order.append(number)
            await asyncio.sleep(0.005)
            return number

        tasks = [asyncio.create_task(throttle.run(partial(one, number))) for number in range(6)]
        await asyncio.sleep(0.001)
        tasks[0].cancel()
        tasks[2].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [number for number in found if isinstance(number, int)] == [1, 3, 4, 5]
        await asyncio.sleep(0.001)
        assert throttle.open == 0
        return order

    assert asyncio.run(work()) == [0, 1, 3, 4, 5]


def test_an_error_of_a_call_reaches_its_caller_alone() -> None:
    async def work() -> list[object]:
        throttle = Throttle(1, slow_s=10.0)

        async def one(number: int) -> int:
            if number == 1:
                raise ValueError("one")
            return number

        calls = (throttle.run(partial(one, number)) for number in range(3))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    zero, error, two = asyncio.run(work())
    assert (zero, str(error), two) == (0, "one", 2)


def test_a_rate_limit_is_waited_for_and_all_callers_keep_to_it(endpoint: MockEndpoint) -> None:
    """An endpoint that takes ten requests in each half second, and says so only by 429."""
    arrived: list[float] = []

    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        now = time.monotonic()
        if sum(now - then < 0.5 for then in arrived) >= 10:
            return Played(429, "{}", {"Retry-After": "0.1"})
        arrived.append(now)
        return None

    endpoint.behaviour = play

    async def work() -> EndpointClient:
        client = EndpointClient(Endpoint(endpoint.url, 32, 5.0, 1, pauses=FAST))
        await asyncio.gather(*(client.complete(ask(f"q{at}"), "tiny") for at in range(40)))
        await client.close()
        return client

    client = asyncio.run(work())
    assert len(arrived) == 40
    assert client.throttle.limit < 32


def test_a_fault_now_and_then_does_not_slow_the_others(endpoint: MockEndpoint) -> None:
    endpoint.behaviour = lambda endpoint, body: Played(500, "no") if len(endpoint.requests) % 5 == 0 else None

    async def work() -> float:
        client = EndpointClient(Endpoint(endpoint.url, 16, 5.0, 5, pauses=FAST))
        await asyncio.gather(*(client.complete(ask(f"q{at}"), "tiny") for at in range(60)))
        await client.close()
        return client.throttle.limit

    assert asyncio.run(work()) == 16


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s"}, 0.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 0.0),
    ],
)
def test_when_a_limit_is_full_again(headers: dict[str, str], seconds: float) -> None:
    assert rate_limit_reset_s(headers) == seconds
    assert asked_pause_s({**headers, "retry-after": "2"}) == 2.0


def test_a_moment_is_read_in_seconds_and_in_milliseconds() -> None:
    for text in (f"{time.time() + 9:.0f}", f"{(time.time() + 9) * 1000:.0f}"):
        found = rate_limit_reset_s({"x-ratelimit-remaining": "0", "x-ratelimit-reset": text})
        assert 7.5 < found < 9.6


# --- time, size and the key ---------------------------------------------------------------------------------


def test_a_byte_now_and_then_does_not_extend_the_time_out(endpoint: MockEndpoint) -> None:
    endpoint.behaviour = lambda endpoint, body: Played(body="{}", drip_s=0.1)
    started = time.monotonic()
    with pytest.raises(EngineError, match="no answer within"):
        answer_all(endpoint.url, ask(), request_timeout_s=0.5, max_retries=0)
    assert time.monotonic() - started < 30


def test_a_body_without_end_is_cut_off(endpoint: MockEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.generation.transport._MOST_BYTES", 10_000)
    endpoint.behaviour = lambda endpoint, body: Played(body="x" * 10_001)
    with pytest.raises(EngineError, match="an answer that was cut"):
        answer_all(endpoint.url, ask(), max_retries=0)


def test_a_redirect_to_another_host_is_not_followed_so_no_key_goes_there(endpoint: MockEndpoint) -> None:
    with mock_endpoint() as stranger:
        target = stranger.url.replace("127.0.0.1", "localhost")
        endpoint.behaviour = lambda endpoint, body: Played(
            307, "", {"Location": f"{target}/chat/completions"}
        )
        with pytest.raises(EngineError, match=f"points to {target}"):
            answer_all(endpoint.url, ask(), request={"headers": {"X-Key": "secret"}})
        assert stranger.requests == []


def test_a_redirect_on_the_same_host_is_followed(endpoint: MockEndpoint) -> None:
    turns = itertools.count()
    endpoint.behaviour = lambda endpoint, body: (
        Played(308, "", {"Location": "/v1/chat/completions"}) if next(turns) == 0 else None
    )
    assert answer_all(endpoint.url, ask())
    assert endpoint.requests[0] == endpoint.requests[1]


def test_a_local_endpoint_is_reached_without_the_proxy(
    endpoint: MockEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert answer_all(endpoint.url, ask())
    with pytest.raises(EngineError, match="no connection"):
        answer_all("http://endpoint.invalid/v1", ask(), max_retries=0)


def test_a_foreign_endpoint_is_reached_through_the_proxy(
    endpoint: MockEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mock takes the proxy's part: it sees the whole address."""
    monkeypatch.setenv("http_proxy", endpoint.url.removesuffix("/v1"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    answer_all("http://endpoint.invalid/v1", ask())
    assert endpoint.headers[0]["Host"] == "endpoint.invalid"


def test_a_server_on_a_unix_socket_is_asked_there(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.Response:
        choice = {"message": {"content": "hi"}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})

    async def work() -> str:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.UnixSite(runner, str(tmp_path / "engine.sock")).start()
        client = EndpointClient(Endpoint("http://engine/v1", 2, 5.0, 0, socket=str(tmp_path / "engine.sock")))
        answers = await client.complete(ask(), "tiny")
        await client.close()
        await runner.cleanup()
        return answers.completions[0].text

    assert asyncio.run(work()) == "hi"


def test_a_socket_that_nobody_listens_on_is_no_connection(tmp_path: Path) -> None:
    async def work() -> None:
        transport = Transport("http://engine/v1", {}, 1.0, str(tmp_path / "none.sock"))
        try:
            await transport.exchange("GET", "/models")
        finally:
            await transport.close()

    with pytest.raises(NoReplyError, match="no connection"):
        asyncio.run(work())


# --- what a recipe adds -------------------------------------------------------------------------------------


def test_additions_are_sent_and_are_a_part_of_what_answers(
    endpoint: MockEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_ACCOUNT", "account-7")
    body = {"top_k": 20, "min_p": 0.1, "chat_template_kwargs": {"enable_thinking": False}}
    headers = {"X-Account": "id ${MY_ACCOUNT}", "X-Beta": "long"}
    answer_all(endpoint.url, ask(), request={"extra_body": body, "headers": headers})
    assert {key: endpoint.requests[0][key] for key in body} == body
    assert endpoint.headers[0]["X-Account"] == "id account-7"
    assert endpoint.headers[0]["X-Beta"] == "long"

    def fingerprint(**request: object) -> str:
        config = {"base_url": endpoint.url, "model": "tiny", "request": request}
        return OpenaiApiEngine(OpenaiEngineConfig.model_validate(config)).fingerprint

    assert len({fingerprint(), fingerprint(extra_body=body), fingerprint(headers={"X-Beta": "long"})}) == 3
    assert fingerprint(headers={"X-Key": "${A}"}) == fingerprint(), "a credential decides no answer"


def test_a_variable_that_is_not_set_is_found_before_anything_is_sent(
    endpoint: MockEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ABSENT", raising=False)
    with pytest.raises(EngineError, match="export ABSENT"):
        answer_all(endpoint.url, ask(), request={"headers": {"X-Key": "${ABSENT}"}})
    assert endpoint.requests == []


def test_the_value_of_a_header_stands_in_no_message(
    endpoint: MockEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "top-secret-value")
    endpoint.behaviour = lambda endpoint, body: Played(401, {"error": {"message": "bad top-secret-value"}})
    with pytest.raises(EngineError) as raised:
        answer_all(endpoint.url, ask(), request={"headers": {"X-Key": "${MY_KEY}"}})
    assert "bad ***" in str(raised.value)
