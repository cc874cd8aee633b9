"""What an endpoint was found to take: which keys, how many choices at once. Learned from its refusals, which
cost nothing, and remembered for as long as the client lives.

The one rule: what changes the meaning of a request is never left out in silence. Keys that the recipe's
`request.extra_body` adds are the user's, and are never left out at all.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from synth.generation.protocol import GenerationRequest
from synth.generation.refusal import Meaning, Refusal
from synth.generation.wire import RequestShape

_LEARNT_FROM = frozenset({200, 400, 422, 501})
_MANY = re.compile(
    r"(multiple|several) (candidates|choices|completions)|candidate_?count|only one choice", re.I
)
_AT_MOST = re.compile(
    r"(?:at most|up to|less than or equal to|<=|between 1 and|maximum(?: value)?(?: of| is)?)\s*:?\s*(\d+)",
    re.I,
)
_LOST = {
    "seed": "takes no seed: the same request may get another answer",
    "top_p": "takes no top_p: its own default is used instead of the recipe's",
    "temperature": "takes no temperature: its own default is used instead of the recipe's, also where the "
    "recipe wants greedy answers",
}
"""Keys that are left out once they were refused, in this order, and what the user is told."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class EndpointCall(NamedTuple):
    """One call as it is sent, and what its answer must fit."""

    body: dict[str, JsonValue]
    shape: RequestShape

    def encode(self) -> bytes:
        return _encode(self.body).encode("utf-8", "surrogatepass")


class Lesson(NamedTuple):
    """The endpoint's way is known now, so the request can be asked again; `words` are for the user."""

    words: str = ""


class Dialect:
    """The ways of one endpoint with one model."""

    def __init__(self, extra_body: Mapping[str, JsonValue]) -> None:
        self._extra = dict(extra_body)
        self._left_out: set[str] = set()
        self._limit_key = "max_tokens"
        self.most_choices: int | None = None
        """Choices that one call brings at most, if that was found."""

    def call(self, request: GenerationRequest, model: str, seed: int, n: int) -> EndpointCall:
        """The body for up to n choices. Values equal to the protocol's default are left out: some endpoints
        refuse keys that they do not know."""
        sampling, is_chat = request.sampling, bool(request.messages)
        n = min(n, self.most_choices or n)
        body: dict[str, JsonValue] = {"model": model}
        if is_chat:
            body["messages"] = [{"role": one.role, "content": one.content} for one in request.messages]
        else:
            body["prompt"] = request.prompt
            if request.is_rendered:
                body["add_special_tokens"] = False
        body["temperature"] = sampling.temperature
        body[self._limit_key if is_chat else "max_tokens"] = sampling.max_tokens
        if sampling.temperature > 0:
            body["seed"] = seed
        if sampling.top_p != 1.0:
            body["top_p"] = sampling.top_p
        if n > 1:
            body["n"] = n
        if request.stop:
            body["stop"] = list(request.stop)
        for key in self._left_out:
            body.pop(key, None)
        stop = request.stop if "stop" in self._left_out else ()
        return EndpointCall(body | self._extra, RequestShape(n, sampling.max_tokens, is_chat, stop))

    def learn(self, refusal: Refusal, call: EndpointCall) -> Lesson | None:
        """How to ask instead; None if the refusal is not about the way of asking."""
        if refusal.status not in _LEARNT_FROM:
            return None
        body, words = call.body, f"{refusal.code} {refusal.message}"
        if refusal.meaning() in (Meaning.TOO_LONG, Meaning.FILTERED, Meaning.EMPTY_ACCOUNT):
            return None
        if "max_tokens" in body and "max_completion_tokens" in words:
            self._limit_key = "max_completion_tokens"
            return Lesson()
        if "n" in body and (_is_named("n", refusal) or _MANY.search(words)):
            allowed = _AT_MOST.search(words)
            most = int(allowed[1]) if allowed is not None else 1
            self.learn_choices(most if 1 <= most < call.shape.n else 1)
            return Lesson()
        for key in ("stop", *_LOST):
            if key in body and key not in self._extra and _is_named(key, refusal):
                is_new = key not in self._left_out
                self._left_out.add(key)
                return Lesson(_LOST.get(key, "") if is_new else "")
        return None

    def learn_choices(self, most: int) -> None:
        """Note that a call brings at most so many choices."""
        self.most_choices = min(most, self.most_choices or most)

    def own_key(self, refusal: Refusal) -> str:
        """The key of the user's `extra_body` that the refusal names, or an empty text."""
        return next((key for key in self._extra if _is_named(key, refusal)), "")


def _is_named(key: str, refusal: Refusal) -> bool:
    if key in refusal.names:
        return True
    if re.search(rf"[\"'`]{re.escape(key)}[\"'`]", refusal.message):
        return True
    if key == "n":
        return (
            re.search(r"(?<![\w'])n\s*(=|>|:|must|should|is|has to|value|parameter)", refusal.message)
            is not None
        )
    return re.search(rf"(?<!\w){re.escape(key)}(?!\w)", refusal.message) is not None
