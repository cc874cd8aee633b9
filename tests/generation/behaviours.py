"""Ways in which endpoints were seen to behave, each with what must come of it."""

import email.utils
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.generation.mock_endpoint import Body, MockEndpoint, Played

Play = Callable[[MockEndpoint, Body], Played | None]
Scope = Literal["all", "one", "once"]


@dataclass(frozen=True)
class Behaviour:
    """`play` answers the requests of its scope: all of them, all of the first unit, or the very first one.
    `outcome` is `same` (as if nothing had happened), `stops` (the run ends), `fails` (the unit is asked again
    later), or the reason with which the first unit is rejected."""

    name: str
    play: Play
    outcome: str = "same"
    scope: Scope = "all"


def refuse(status: int, message: str, when: str = "", **fields: object) -> Play:
    """An error in OpenAI's shape, for requests that hold the key `when`."""

    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        if when and when not in body:
            return None
        return Played(status, {"error": {"message": message, **fields}})

    return play


def always(
    status: int,
    body: object,
    headers: Callable[[], dict[str, str]] = dict,
    *,
    delay_s: float = 0.0,
    drip_s: float = 0.0,
    cut: bool = False,
) -> Play:
    return lambda endpoint, asked: Played(status, body, headers(), delay_s, drip_s, cut)


def change(**changes: object) -> Play:
    """A sound answer, with changes to each choice."""
    return lambda endpoint, body: Played(body=endpoint.answer(body, changes))


def message(write: Callable[[str], Body]) -> Play:
    return change(message=lambda text: {"role": "assistant", **write(text)})


def unsound(**fields: object) -> Play:
    """An answer that is paid for and holds nothing that can be used."""
    return lambda endpoint, body: Played(body={"usage": endpoint.charge(1), **fields})


def temperature_of_one(endpoint: MockEndpoint, body: Body) -> Played | None:
    text = "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1)."
    error = {
        "message": text,
        "type": "invalid_request_error",
        "param": "temperature",
        "code": "unsupported_value",
    }
    return Played(400, {"error": error}) if body.get("temperature", 1) != 1 else None


def one_choice_only(endpoint: MockEndpoint, body: Body) -> Played | None:
    return Played(body=endpoint.answer(body, n=1))


def four_choices(endpoint: MockEndpoint, body: Body) -> Played | None:
    if body.get("n", 1) <= 3:
        return None
    return Played(400, {"error": {"message": "'n' : number must be at most 3", "param": "n"}})


def unknown_key(endpoint: MockEndpoint, body: Body) -> Played | None:
    if "seed" not in body:
        return None
    detail = {"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}
    return Played(422, {"detail": [detail]})


MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
LONG = "This model's maximum context length is 4096 tokens. However, your messages resulted in 5012 tokens."
FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry."
)
EMPTY = "You exceeded your current quota, please check your plan and billing details."


def _soon() -> dict[str, str]:
    return {"Retry-After": email.utils.formatdate(time.time() + 1, usegmt=True)}


BEHAVIOURS = (
    # the way of asking
    Behaviour("n must be one", refuse(400, "n must be exactly 1", "n", type="invalid_request_error")),
    Behaviour(
        "several candidates off", refuse(400, "Multiple candidates is not enabled for this model", "n")
    ),
    Behaviour("n at most three", four_choices),
    Behaviour("n ignored", one_choice_only),
    Behaviour(
        "max_tokens refused",
        refuse(400, MAX_TOKENS, "max_tokens", param="max_tokens", code="unsupported_parameter"),
    ),
    Behaviour("temperature refused", temperature_of_one),
    Behaviour("seed unknown, 422", unknown_key),
    Behaviour("seed unknown, 400", refuse(400, "Unrecognized request argument supplied: seed", "seed")),
    # one request
    Behaviour("too long", refuse(400, LONG, code="context_length_exceeded"), "request_too_long", "one"),
    Behaviour(
        "too large, 413", always(413, "<html>Request Entity Too Large</html>"), "request_too_long", "one"
    ),
    Behaviour("filtered", refuse(400, FILTERED, code="content_filter"), "request_filtered", "one"),
    Behaviour("flagged, 403", refuse(403, "Input flagged by moderation"), "request_filtered", "one"),
    Behaviour("malformed", refuse(400, "messages: text content must not be that"), "request_refused", "one"),
    # all requests
    Behaviour("wrong key", refuse(401, "Incorrect API key provided"), "stops"),
    Behaviour("quota", refuse(429, EMPTY, code="insufficient_quota"), "stops"),
    Behaviour("payment required", refuse(402, "Insufficient Balance"), "stops"),
    Behaviour("credit balance", refuse(400, "Your credit balance is too low to access the API."), "stops"),
    Behaviour(
        "unknown model", refuse(404, "The model `tiny` does not exist", code="model_not_found"), "stops"
    ),
    # for a while
    Behaviour(
        "429 in seconds",
        always(429, {"error": {"message": "slow"}}, lambda: {"Retry-After": "0.2"}),
        scope="once",
    ),
    Behaviour("429 with a date", always(429, "{}", _soon), scope="once"),
    Behaviour("500", always(500, {"error": {"message": "oops"}}), scope="once"),
    Behaviour("503", always(503, "upstream connect error"), scope="once"),
    Behaviour(
        "529",
        always(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        scope="once",
    ),
    Behaviour("page in place of json", always(200, "<html>welcome</html>"), scope="once"),
    Behaviour(
        "cut body", always(200, {"choices": [{"message": {"content": "x" * 999}}]}, cut=True), scope="once"
    ),
    Behaviour("time-out", always(200, "{}", delay_s=1.5), scope="once"),
    Behaviour("a byte now and then", always(200, "{}", drip_s=0.1), scope="once"),
    Behaviour(
        "error in 200",
        always(200, {"error": {"code": 502, "message": "Provider returned error"}}),
        scope="once",
    ),
    Behaviour("empty body", always(200, ""), scope="once"),
    Behaviour("no choices", unsound(choices=[]), scope="once"),
    Behaviour("no choices ever", unsound(choices=[]), "fails", "one"),
    Behaviour("500 ever", always(500, "no"), "fails", "one"),
    Behaviour(
        "ended by an error",
        unsound(choices=[{"message": {"content": "half"}, "finish_reason": "error"}]),
        scope="once",
    ),
    # readings
    Behaviour("finish null", change(finish_reason=None)),
    Behaviour("finish STOP", change(finish_reason="STOP")),
    Behaviour("list content", message(lambda text: {"content": [{"type": "text", "text": text}]})),
    Behaviour("reasoning beside", message(lambda text: {"content": text, "reasoning_content": "hm"})),
    Behaviour("reasoning before", message(lambda text: {"content": f"<think>hm</think>\n\n{text}"})),
    Behaviour("calls of tools beside", change(finish_reason="tool_calls")),
    Behaviour("content_filter", change(finish_reason="content_filter"), "request_filtered", "one"),
    Behaviour("refusal", message(lambda text: {"content": None, "refusal": text}), "request_filtered", "one"),
    Behaviour("reasoning alone", message(lambda text: {"content": None, "reasoning": text}), "empty", "one"),
    Behaviour(
        "tool calls alone",
        change(
            finish_reason="tool_calls",
            message=lambda text: {"content": None, "tool_calls": [], "reasoning": text},
        ),
        "empty",
        "one",
    ),
)
