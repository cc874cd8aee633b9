"""The client for every endpoint that speaks the OpenAI protocol: a hosted API, a cluster's vLLM, or the vLLM
that codemill starts. It uses the openai package, an optional extra.

It turns a `GenerationRequest` into HTTP calls and back. The one rule: it returns a complete, well-formed
response (n answers, each with text and a known ending), or it raises an EngineError that says what was found.
The key never appears in a message.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, JsonValue, ValidationError

from synth.errors import EngineError, Problem
from synth.generation.protocol import Completion, GenerationRequest
from synth.generation.retry import Pauses
from synth.ids import derive_seed

if TYPE_CHECKING:
    from openai import APIError, AsyncOpenAI

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_STOPPED = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence"})
_CUT = frozenset({"length", "max_tokens"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address, and the limits on calls to it."""

    base_url: str
    concurrency: int
    request_timeout_s: float
    max_retries: int
    socket: str = ""
    """Path of the Unix socket to call. `base_url` is then only a name."""
    api_key: str = field(default="", repr=False)
    pauses: Pauses = field(default_factory=Pauses)
    extra_body: Mapping[str, JsonValue] = field(default_factory=dict)
    """Extra keys for the request's body, for servers that support them."""


class Answers(NamedTuple):
    completions: tuple[Completion, ...]
    prompt_tokens: int


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    index: int = 0
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    token_ids: list[int] | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Body(BaseModel):
    """The part of an answer's body that is used; extra keys are ignored."""

    choices: list[_Choice]
    usage: _Usage | None = None


class _Malformed(Exception):
    """An invalid answer; the text says what was found."""


class EndpointClient:
    """Calls one endpoint. At most `concurrency` calls are open at any time; a call that pauses before a retry
    keeps its slot. Raises EngineError if the openai package is not installed."""

    def __init__(self, endpoint: Endpoint) -> None:
        if find_spec("openai") is None:
            raise EngineError(
                Problem(
                    where=f"endpoint {endpoint.base_url}",
                    message="needs the package openai, which is not installed",
                    fix="pip install 'codemill[openai]'",
                ),
                retryable=False,
            )
        self.endpoint = endpoint
        self.retries = 0
        """Retries so far, across all calls."""
        self._places = asyncio.Semaphore(endpoint.concurrency)
        self._client: AsyncOpenAI | None = None
        self._most_choices: int | None = None

    @property
    def client(self) -> "AsyncOpenAI":
        if self._client is None:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            options: dict[str, Any] = {}
            if self.endpoint.socket:
                package = import_module(DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
                options["transport"] = package.AsyncHTTPTransport(uds=self.endpoint.socket)
            is_local = urlsplit(self.endpoint.base_url).hostname in LOOPBACK  # never reached through a proxy
            self._client = AsyncOpenAI(
                base_url=self.endpoint.base_url,
                api_key=self.endpoint.api_key or "none",
                timeout=self.endpoint.request_timeout_s,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(trust_env=not (is_local or options), **options),
            )
        return self._client

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def complete(self, request: GenerationRequest, model: str) -> Answers:
        """All n answers, in order. If the endpoint returns fewer choices than requested, the rest is
        requested again. Raises EngineError."""
        found: list[Completion] = []
        prompt_tokens, again = 0, 0
        while len(found) < request.n:
            size = min(request.n, self._most_choices or request.n)
            calls = [
                self._part(request, model, (again, at), min(size, request.n - at))
                for at in range(len(found), request.n, size)
            ]
            # gather would free the slot for the next call before this answer is stored
            parts = [await calls[0]] if len(calls) == 1 else await asyncio.gather(*calls)
            if len(parts[0].completions) < min(size, request.n - len(found)):
                self._most_choices = len(parts[0].completions)
            found += [completion for part in parts for completion in part.completions]
            prompt_tokens, again = parts[0].prompt_tokens, again + 1
        return Answers(tuple(found), prompt_tokens)

    async def _part(self, request: GenerationRequest, model: str, place: tuple[int, int], n: int) -> Answers:
        """One call for n answers, with its own random seed; otherwise the parts would be copies
        of each other.

        The seed is hashed: vLLM gives sample i of a request the seed plus i, so requests with seeds 11 and 12
        would share samples.
        """
        seed = derive_seed(request.seed, "part", *place)
        async with self._places:
            return await self._attempts(request.model_copy(update={"n": n, "seed": seed}), model)

    async def _attempts(self, request: GenerationRequest, model: str) -> Answers:
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        started = time.monotonic()
        for attempt in range(self.endpoint.max_retries + 1):
            headers: Mapping[str, str] = {}
            try:
                return _read_body(await self._send(request, model), request)
            except APITimeoutError:
                found = f"no answer within {self.endpoint.request_timeout_s:g} s"
            except APIConnectionError as error:
                found = f"no connection ({error.__cause__ or error})"
            except APIStatusError as error:
                if not _is_transient(error.status_code, error.code):
                    raise self._refused(error) from None
                found, headers = (
                    f"HTTP {error.status_code}: {_shorten(error.message)}",
                    error.response.headers,
                )
            except APIError as error:
                found = f"an answer that cannot be read ({_shorten(str(error))})"
            except _Malformed as error:
                found = f"a malformed answer: {error}"
            if attempt < self.endpoint.max_retries:
                self.retries += 1
                await asyncio.sleep(self.endpoint.pauses.before_retry(attempt, headers))
        raise self._gave_up(found, time.monotonic() - started)

    async def _send(self, request: GenerationRequest, model: str) -> str:
        body = _sampling_body(request) | dict(self.endpoint.extra_body)
        options: dict[str, Any] = {"model": model, "extra_body": body}
        if request.messages:
            messages: Any = [message.model_dump() for message in request.messages]
            return str(
                (
                    await self.client.chat.completions.with_raw_response.create(messages=messages, **options)
                ).text
            )
        return str(
            (await self.client.completions.with_raw_response.create(prompt=request.prompt, **options)).text
        )

    async def list_models(self) -> list[str] | None:
        """Models that the endpoint offers; None if it has no list. Raises EngineError if it is down or
        rejects the key."""
        from openai import APIConnectionError, APIStatusError

        for attempt in range(self.endpoint.max_retries + 1):
            try:
                return [model.id async for model in self.client.models.list()]
            except APIConnectionError as error:
                found = f"no connection ({error.__cause__ or error})"
            except APIStatusError as error:
                if error.status_code in (401, 403):
                    raise self._refused(error) from None
                if not _is_transient(error.status_code, error.code):
                    return None
                found = f"HTTP {error.status_code}"
            except (ValueError, AttributeError, TypeError):
                return None  # the address answers, but has no list; the first request will show
            if attempt < self.endpoint.max_retries:
                await asyncio.sleep(self.endpoint.pauses.before_retry(attempt))
        raise self._gave_up(found, 0.0)

    def _refused(self, error: "APIError") -> EngineError:
        status = int(getattr(error, "status_code", 0))
        fixes = {
            401: "set the key that engine.api_key_env names",
            403: "use a key that may use this model",
            404: "correct engine.model or base_url",
        }
        return EngineError(
            Problem(
                where=f"endpoint {self.endpoint.base_url}",
                message=f"refused the request with HTTP {status}: {self._scrub(_shorten(error.message))}",
                fix=fixes.get(
                    status,
                    "correct the request: the model, its context length, or the sampling in the recipe",
                ),
            ),
            retryable=False,
        )

    def _gave_up(self, found: str, seconds: float) -> EngineError:
        attempts = self.endpoint.max_retries + 1
        return EngineError(
            Problem(
                where=f"endpoint {self.endpoint.base_url}",
                message=(
                    f"did not answer; the last of {attempts} attempts in {seconds:.0f} s found: "
                    f"{self._scrub(found)}"
                ),
                fix=(
                    "check that the server runs and base_url is right, then rerun the same command: "
                    "answered requests are kept"
                ),
            )
        )

    def _scrub(self, text: str) -> str:
        return text.replace(self.endpoint.api_key, "***") if self.endpoint.api_key else text


def _sampling_body(request: GenerationRequest) -> dict[str, JsonValue]:
    """Keys of the request's body. Values equal to the protocol's default are left out: some endpoints reject
    keys that they do not know."""
    sampling = request.sampling
    body: dict[str, JsonValue] = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
    if sampling.temperature > 0:
        body["seed"] = request.seed
    if sampling.top_p != 1.0:
        body["top_p"] = sampling.top_p
    if request.n > 1:
        body["n"] = request.n
    if request.stop:
        body["stop"] = list(request.stop)
    return body


def _is_transient(status: int, code: str | None) -> bool:
    return (status in (408, 409, 425, 429) or status >= 500) and code != "insufficient_quota"


def _read_body(text: str, request: GenerationRequest) -> Answers:
    try:
        body = _Body.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise _Malformed(f"{place}: {first['msg']}; the body begins {_shorten(text)!r}") from None
    if not body.choices:
        raise _Malformed(f"no choices; the body begins {_shorten(text)!r}")
    choices = sorted(body.choices, key=lambda choice: choice.index)[: request.n]
    texts = [_choice_text(choice, bool(request.messages)) for choice in choices]
    counts = _token_counts(choices, texts, body.usage)
    finishes = [_finish(choice) for choice in choices]
    completions = tuple(
        Completion(text=t, finish=f, tokens=c) for t, f, c in zip(texts, finishes, counts, strict=True)
    )
    return Answers(completions, body.usage.prompt_tokens if body.usage else 0)


def _choice_text(choice: _Choice, is_chat: bool) -> str:
    text = (choice.message.content if choice.message else None) if is_chat else choice.text
    if text is None and choice.finish_reason not in _CUT:
        raise _Malformed(f"a choice without text (finish_reason {choice.finish_reason!r})")
    return text or ""


def _finish(choice: _Choice) -> Literal["stop", "length"]:
    if choice.finish_reason in _CUT:
        return "length"
    if choice.finish_reason in _STOPPED:
        return "stop"
    raise _Malformed(f"finish_reason {choice.finish_reason!r}, neither an end nor a cut")


def _token_counts(choices: Sequence[_Choice], texts: Sequence[str], usage: _Usage | None) -> list[int]:
    """Tokens of each choice: exact if the endpoint gives token ids or a single choice, else the total split
    in proportion to the text lengths."""
    exact = [len(choice.token_ids) for choice in choices if choice.token_ids is not None]
    if len(exact) == len(choices):
        return exact
    total, weights = (usage.completion_tokens if usage else 0), [len(text) + 1 for text in texts]
    ends = [round(total * sum(weights[: place + 1]) / sum(weights)) for place in range(len(texts))]
    return [end - before for before, end in zip([0, *ends], ends, strict=False)]


def _shorten(text: str, limit: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[:limit] + "…"
