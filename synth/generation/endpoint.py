"""The client for every endpoint that speaks the OpenAI protocol: a hosted API, a cluster's vLLM, or the vLLM
that codemill starts.

It turns a `GenerationRequest` into HTTP calls and back: `dialect` writes the bodies, `transport` sends them,
`wire` reads the answers, `refusal` the errors, and `throttle` bounds how many are open. The one rule: it
returns a complete, well-formed response (n answers, each with text and a known ending), or it raises an
EngineError that says what was found. The key never appears in a message.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from synth.errors import EngineError, Problem, RequestRefusedError
from synth.generation.dialect import Dialect, EndpointCall
from synth.generation.ledger import Ledger, NoLedger, Usage
from synth.generation.protocol import Completion, GenerationRequest
from synth.generation.refusal import Meaning, Refusal, find_error, read_refusal
from synth.generation.retry import Pauses, asked_pause_s, rate_limit_reset_s
from synth.generation.throttle import Throttle
from synth.generation.transport import NoReplyError, Reply, Transport
from synth.generation.wire import Answers, FilteredError, MalformedError, read_answers, read_json, shorten
from synth.ids import derive_seed

_MOST_LESSONS = 12
_STOPS: Mapping[Meaning, str] = {
    Meaning.WRONG_KEY: "set the key that engine.api_key_env names, one that may use this model",
    Meaning.EMPTY_ACCOUNT: "fill the account, then rerun the same command: answered requests are kept",
    Meaning.UNKNOWN_MODEL: "correct engine.model",
}
_REASONS = (Meaning.TOO_LONG, Meaning.FILTERED, Meaning.REFUSED)
_OVERLOADED = (408, 425, 503, 529)
"""Besides 429, what says that there is too much to do. Other faults say nothing about it."""
_REFUSED = Completion(text="", finish="refused", tokens=0)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address, and the limits on calls to it."""

    base_url: str
    concurrency: int
    request_timeout_s: float
    max_retries: int
    api_key: str = field(default="", repr=False)
    pauses: Pauses = field(default_factory=Pauses)
    extra_body: Mapping[str, JsonValue] = field(default_factory=dict)
    """Extra keys for the request's body, for servers that support them."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Extra headers."""
    socket: str = ""
    """Path of a Unix socket on which the server listens; `base_url` is then only a name."""

    def all_headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"Content-Type": "application/json", "Accept": "application/json", **key, **self.headers}


class _Again(Exception):
    """What was found is worth another attempt. `wait_s` is what the endpoint asks for."""

    def __init__(self, found: str, *, is_rate_limit: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(found)
        self.is_rate_limit, self.wait_s = is_rate_limit, wait_s


class EndpointClient:
    """Calls one endpoint. At most `concurrency` calls are open at any time; a call that pauses before a retry
    keeps its place."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.retries = 0
        """Retries so far, across all calls."""
        self.dialect = Dialect(endpoint.extra_body)
        self.throttle = Throttle(endpoint.concurrency, endpoint.request_timeout_s / 2)
        self._transport = Transport(
            endpoint.base_url, endpoint.all_headers(), endpoint.request_timeout_s, endpoint.socket
        )
        self._has_answered = False

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._transport.close()

    # --- one request ----------------------------------------------------------------------------------------

    async def complete(self, request: GenerationRequest, model: str, ledger: Ledger | None = None) -> Answers:
        """All n answers, in order. An endpoint that returns fewer choices than requested is asked for the
        rest; each part is kept in the ledger as it arrives. Raises EngineError, or BudgetSpentError."""
        ledger = ledger or NoLedger()
        if request.n == 1:
            return await self._part(request, model, 0, 1, ledger)
        found: list[Completion | None] = [None] * request.n
        usage = Usage()
        for part in ledger.parts():
            if part.first + len(part.completions) > request.n:
                continue
            found[part.first : part.first + len(part.completions)] = part.completions
            usage += part.usage
        while None in found:
            places = list(self._missing(found))
            calls = [self._part(request, model, first, n, ledger) for first, n in places]
            answers: list[Answers | BaseException]
            if len(calls) == 1:
                answers = [await calls[0]]
            else:
                answers = await asyncio.gather(*calls, return_exceptions=True)
                _raise_worst(answers)
            for (first, _), answer in zip(places, answers, strict=True):
                if isinstance(answer, Answers):
                    found[first : first + len(answer.completions)] = answer.completions
                    usage += answer.usage
                else:
                    found[first] = _REFUSED
        return Answers(tuple(one for one in found if one is not None), usage)

    def _missing(self, found: Sequence[Completion | None]) -> Iterator[tuple[int, int]]:
        """Place and length of each stretch without answers, cut to what one call brings."""
        most, first = self.dialect.most_choices or len(found), 0
        while first < len(found):
            end = first
            while end < len(found) and end - first < most and found[end] is None:
                end += 1
            if end > first:
                yield first, end - first
            first = max(end, first + 1)

    async def _part(
        self, request: GenerationRequest, model: str, first: int, n: int, ledger: Ledger
    ) -> Answers:
        """One call for n answers from place `first` on, with its own random seed; otherwise the parts
        would be copies of each other.

        The seed is hashed: vLLM gives sample i of a request the seed plus i, so requests with seeds 11 and 12
        would share samples.
        """
        seed = derive_seed(request.seed, "part", 0, first)

        async def call() -> Answers:
            answers = await self._attempts(request, model, seed, n, ledger)
            ledger.keep(first, *answers)  # before the next call takes the place of this one
            return answers

        return await self.throttle.run(call)

    async def _attempts(
        self, request: GenerationRequest, model: str, seed: int, n: int, ledger: Ledger
    ) -> Answers:
        started, attempt, lessons = time.monotonic(), 0, 0
        limits, limited_s = 0, 0.0
        pauses = self.endpoint.pauses
        while True:
            await self.throttle.wait_until_clear()
            ledger.admit()
            call = self.dialect.call(request, model, seed, n)
            try:
                answers = await self._ask(call, ledger)
            except _Again as again:
                if again.is_rate_limit and limited_s < pauses.patience_s and self.endpoint.max_retries:
                    pause = pauses.before_retry(limits, again.wait_s)
                    limits, limited_s = limits + 1, limited_s + pause
                elif attempt < self.endpoint.max_retries:
                    pause = pauses.before_retry(attempt, again.wait_s)
                    attempt += 1
                else:
                    raise self._gave_up(str(again), attempt + limits, time.monotonic() - started) from None
                self.retries += 1
                await asyncio.sleep(pause)
                continue
            if answers is not None:
                return answers
            lessons += 1
            if lessons > _MOST_LESSONS:
                raise self._gave_up("refusals of every way to ask", lessons, time.monotonic() - started)

    async def _ask(self, call: EndpointCall, ledger: Ledger) -> Answers | None:
        """One attempt; None if the endpoint refused the way of asking, which the dialect has learned. Raises
        _Again, or the EngineError of a refusal."""
        began = time.monotonic()
        try:
            reply = await self._transport.exchange(
                "POST", "/chat/completions" if call.shape.is_chat else "/completions", call.encode()
            )
        except NoReplyError as error:
            if error.is_timeout:
                self.throttle.answered(began)  # as one that took too long
            raise _Again(str(error)) from None
        try:
            return self._read(reply, call, began)
        except MalformedError as error:
            self._note_waste(error.usage, ledger)
            raise _Again(f"a malformed answer: {error}") from None
        except FilteredError as error:
            self._note_waste(error.usage, ledger)
            raise self._refused_request(Refusal(200, str(error), "", ()), Meaning.FILTERED) from None
        except _RefusedReply as refused:
            lesson = self.dialect.learn(refused.refusal, call)
            if lesson is None:
                raise self._judge(refused.refusal, reply, began) from None
            if lesson.words:
                ledger.say(f"endpoint {self.endpoint.base_url} {lesson.words}")
            return None

    def _read(self, reply: Reply, call: EndpointCall, began: float) -> Answers:
        if reply.status != 200:
            raise _RefusedReply(read_refusal(reply.status, reply.data))
        document = read_json(reply.data)
        if isinstance(document, dict) and not document.get("choices"):
            error = find_error(document)
            if error is not None:
                raise _RefusedReply(error)
        answers = read_answers(document, call.shape)
        self._has_answered = True
        self.throttle.answered(began)
        reset_s = rate_limit_reset_s(reply.headers)
        if reset_s:
            self._hold(reset_s)
        if len(answers.completions) < call.shape.n:
            self.dialect.learn_choices(len(answers.completions))
        return answers

    def _hold(self, seconds: float) -> None:
        self.throttle.hold(min(seconds, self.endpoint.pauses.asked_longest_s))

    @staticmethod
    def _note_waste(usage: Usage, ledger: Ledger) -> None:
        if usage != Usage():
            ledger.waste(usage)

    # --- refusals -------------------------------------------------------------------------------------------

    def _judge(self, refusal: Refusal, reply: Reply, began: float) -> Exception:
        """What to raise: an EngineError, or _Again for what may pass."""
        meaning = refusal.meaning()
        if meaning in _STOPS:
            return self._stop(refusal, _STOPS[meaning])
        if meaning is Meaning.WRONG_ADDRESS and not self._has_answered:
            return self._stop(refusal, "correct engine.base_url or engine.model" + _onward(reply))
        own = self.dialect.own_key(refusal)
        if meaning is Meaning.REFUSED and own and not self._has_answered:
            return self._stop(refusal, f"correct `{own}` in engine.request.extra_body, or leave it out")
        if meaning in _REASONS:
            return self._refused_request(refusal, meaning)
        wait_s = asked_pause_s(reply.headers)
        is_rate_limit = meaning is Meaning.RATE_LIMIT
        if is_rate_limit or refusal.status in _OVERLOADED:
            self.throttle.refused(began)
        if wait_s:
            self._hold(wait_s)
        return _Again(f"HTTP {refusal.status}: {refusal.message}", is_rate_limit=is_rate_limit, wait_s=wait_s)

    def _stop(self, refusal: Refusal, fix: str) -> EngineError:
        return EngineError(self._problem(refusal, fix), retryable=False)

    def _refused_request(self, refusal: Refusal, meaning: Meaning) -> RequestRefusedError:
        fix = "correct the request: the model, its context length, or the sampling in the recipe"
        return RequestRefusedError(self._problem(refusal, fix), reason=meaning.value)

    def _problem(self, refusal: Refusal, fix: str) -> Problem:
        return Problem(
            where=f"endpoint {self.endpoint.base_url}",
            message=(
                f"refused the request with HTTP {refusal.status}: {self._scrub(shorten(refusal.message))}"
            ),
            fix=fix,
        )

    def _gave_up(self, found: str, attempts: int, seconds: float) -> EngineError:
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
        secrets = [self.endpoint.api_key, *self.endpoint.headers.values()]
        for secret in secrets:
            if len(secret) >= 6:
                text = text.replace(secret, "***")
        return text

    # --- the list of models ---------------------------------------------------------------------------------

    async def list_models(self) -> list[str] | None:
        """Models that the endpoint offers; None if it has no list. Raises EngineError if it is down or
        rejects the key."""
        for attempt in range(self.endpoint.max_retries + 1):
            try:
                reply = await self._transport.exchange("GET", "/models")
            except NoReplyError as error:
                found, wait_s = str(error), 0.0
            else:
                if reply.status == 200:
                    return _model_names(reply.data)
                refusal = read_refusal(reply.status, reply.data)
                meaning = refusal.meaning()
                if reply.status in (401, 403) and meaning in _STOPS:
                    raise self._stop(refusal, _STOPS[meaning])
                if meaning not in (Meaning.RATE_LIMIT, Meaning.OVERLOADED):
                    return None
                found, wait_s = f"HTTP {reply.status}", asked_pause_s(reply.headers)
            if attempt < self.endpoint.max_retries:
                await asyncio.sleep(self.endpoint.pauses.before_retry(attempt, wait_s))
        raise self._gave_up(found, self.endpoint.max_retries + 1, 0.0)


class _RefusedReply(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def _raise_worst(answers: Sequence[Answers | BaseException]) -> None:
    """Raise the error that matters most, after every part has ended. Parts that were refused alone leave
    their places to `refused` answers, so that what the others brought is used."""
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    lone = [error for error in errors if isinstance(error, RequestRefusedError)]
    others = [error for error in errors if not isinstance(error, RequestRefusedError)]
    if others:
        raise next((error for error in others if not getattr(error, "retryable", False)), others[0])
    if lone and len(lone) == len(answers):
        raise lone[0]


def _onward(reply: Reply) -> str:
    location = reply.headers.get("location", "")
    return f" (it points to {shorten(location)}, where the key is not sent)" if location else ""


def _model_names(data: bytes) -> list[str] | None:
    try:
        document = read_json(data)
    except MalformedError:
        return None  # the address answers, but has no list; the first request will show
    rows = document.get("data") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        return None
    return [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row] or None
