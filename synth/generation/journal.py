"""An engine whose answers survive a crash: every response is on disk before it is used, and no answered
request is sent again.

Wraps any engine. The one rule: a response leaves `generate` only after its journal line was written. What was
written survives the death of this process at once, and a power failure within SYNC_EVERY_S.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synth.errors import BudgetSpentError, EngineError, Problem
from synth.generation.breaker import Breaker
from synth.generation.busy import BusyClock
from synth.generation.ledger import AnswerPart, PaidEngine, Usage
from synth.generation.placement import PlacedEngine
from synth.generation.protocol import Completion, Engine, GenerationRequest, GenerationResponse
from synth.generation.responses import ResponseFiles, Waste
from synth.policy import Policy

SYNC_EVERY_S = 1.0
"""One sync serves all answers of this time."""


@dataclass(slots=True)
class JournalCounts:
    """Requests and tokens of this process. asked = answered_from_journal + joined + sent; sent = answered +
    failed + in flight."""

    asked: int = 0
    answered_from_journal: int = 0
    joined: int = 0
    """Requests made while the same one was in flight: one answer served both."""
    sent: int = 0
    answered: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class JournalledEngine:
    """The wrapped engine; its answers are stored in `folder` as `responses-*.jsonl`. With a breaker, outages
    are sat out."""

    def __init__(self, engine: Engine, folder: Path, breaker: Breaker | None = None) -> None:
        self.engine = engine
        self._breaker = breaker
        self.counts = JournalCounts()
        self.busy = BusyClock()
        self.admit: Callable[[], None] = _admit_all
        """Called before each call that costs something; raises BudgetSpentError when no more may be spent."""
        self.say: Callable[[str], None] = _say_on_stderr
        """Tells the user what the engine has to say."""
        self._paid = engine if isinstance(engine, PaidEngine) else None
        self._budget_is_spent = False
        self._files = ResponseFiles(folder)
        self._in_flight: dict[str, _Sending] = {}
        self._syncing: asyncio.Task[None] | None = None

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the wrapped engine."""
        return self.engine.fingerprint

    @property
    def usage(self) -> Usage:
        """Tokens of all that stands in the journal, whichever process paid for it."""
        return self._files.usage

    async def start(self) -> None:
        """Start the wrapped engine."""
        await self.engine.start()

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """The stored answer, or a new one, stored before it is returned. Raises EngineError, OutageError, or
        StoreError if it cannot be stored."""
        fingerprint = self.fingerprint
        request_id = request.request_id(fingerprint)
        self.counts.asked += 1
        sending = self._in_flight.get(request_id)
        if sending is not None:
            self.counts.joined += 1
        else:
            kept = self._files.read(request_id)
            if kept is not None:
                self.counts.answered_from_journal += 1
                return kept
            sending = self._in_flight[request_id] = _Sending()
            sending.task = asyncio.create_task(self._answer(request, request_id, fingerprint, sending))
        answer: asyncio.Future[GenerationResponse] = asyncio.get_running_loop().create_future()
        sending.callers.append(answer)
        return await answer  # cancelling a caller does not discard the paid-for answer

    async def load_policy(self, policy: Policy) -> float:
        """Wait for requests in flight, then swap. Returns the seconds that the swap took."""
        await self._drain()
        return await self.engine.load_policy(policy)

    async def sleep(self) -> float:
        """Wait for requests in flight, then give back the cards of the wrapped engine. Returns the seconds
        that it took; 0 for an engine that has none."""
        await self._drain()
        return await self.engine.sleep() if isinstance(self.engine, PlacedEngine) else 0.0

    async def wake(self, policy: Policy | None = None) -> float:
        """Serve this policy, or the one of before, with the cards back. Returns the seconds that it took."""
        await self._drain()
        if isinstance(self.engine, PlacedEngine):
            return await self.engine.wake(policy)
        return await self.engine.load_policy(policy) if policy is not None else 0.0

    async def close(self) -> None:
        """Cancel requests in flight, then close the wrapped engine and the files. May be called twice. After
        the end of a budget, what is in flight is paid for, so it is waited for and stored."""
        if not self._budget_is_spent:
            for sending in list(self._in_flight.values()):
                sending.task.cancel()
        await self._drain()
        for sending in self._in_flight.values():  # cancelled before they began
            sending.fail(asyncio.CancelledError())
        self._in_flight.clear()
        await self.engine.close()
        if self._syncing is not None:
            self._syncing.cancel()
            await asyncio.wait([self._syncing])
        self._files.close()

    async def _answer(
        self, request: GenerationRequest, request_id: str, fingerprint: str, sending: "_Sending"
    ) -> None:
        """Answer all who wait for one request."""
        try:
            if self._breaker is None:
                response = await self._send(request, request_id, fingerprint)
            else:
                response = await self._breaker.ask(lambda: self._send(request, request_id, fingerprint))
        except BaseException as error:
            self._in_flight.pop(request_id)
            sending.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._in_flight.pop(request_id)
            sending.answer(response)

    async def _send(
        self, request: GenerationRequest, request_id: str, fingerprint: str
    ) -> GenerationResponse:
        self.counts.sent += 1
        book = _RequestBook(self, self._files, request_id, fingerprint, request.n)
        try:
            self.busy.begin()
            try:
                response = await self._ask(request, book)
            finally:
                self.busy.end()
            if response.request_id != request_id:
                raise _other_policy(request_id, response)
            if book.whole is None:
                self._files.append(response)
            self._sync_soon()
        except BaseException:
            self.counts.failed += 1
            raise
        self.counts.answered += 1
        self.counts.prompt_tokens += response.prompt_tokens
        self.counts.completion_tokens += sum(completion.tokens for completion in response.completions)
        return response

    async def _ask(self, request: GenerationRequest, book: "_RequestBook") -> GenerationResponse:
        if self._paid is None:
            book.admit()
            return await self.engine.generate(request)
        response = await self._paid.buy(request, book)
        return book.whole or response

    def spend_no_more(self) -> None:
        """The budget is spent: closing waits for what is in flight."""
        self._budget_is_spent = True

    def _sync_soon(self) -> None:
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())

    async def _sync(self) -> None:
        await asyncio.sleep(SYNC_EVERY_S)
        await asyncio.to_thread(self._files.sync)

    async def _drain(self) -> None:
        if self._in_flight:
            await asyncio.wait([sending.task for sending in self._in_flight.values()])


class _Sending:
    """A request in flight: the task that sends it, and the callers who wait for its answer."""

    __slots__ = ("callers", "task")

    def __init__(self) -> None:
        self.task: asyncio.Task[None]
        self.callers: list[asyncio.Future[GenerationResponse]] = []

    def answer(self, response: GenerationResponse) -> None:
        for caller in self.callers:
            if not caller.done():
                caller.set_result(response)

    def fail(self, error: BaseException) -> None:
        for caller in self.callers:
            if caller.done():
                continue
            if isinstance(error, Exception):
                caller.set_exception(error)
            else:
                caller.cancel()


class _RequestBook:
    """The ledger of one request, in the journal."""

    __slots__ = ("_files", "_fingerprint", "_journal", "_n", "_started", "request_id", "whole")

    def __init__(
        self, journal: JournalledEngine, files: ResponseFiles, request_id: str, fingerprint: str, n: int
    ) -> None:
        self._journal, self._files, self._n = journal, files, n
        self.request_id, self._fingerprint = request_id, fingerprint
        self._started = time.monotonic()
        self.whole: GenerationResponse | None = None
        """The response, once it is stored as one."""

    def parts(self) -> tuple[AnswerPart, ...]:
        return self._files.parts(self.request_id)

    def admit(self) -> None:
        try:
            self._journal.admit()
        except BudgetSpentError:
            self._journal.spend_no_more()
            raise

    def keep(self, first: int, completions: tuple[Completion, ...], usage: Usage) -> None:
        if self._journal.fingerprint != self._fingerprint:
            return  # another policy answered: what the engine returns says so, and is refused
        if len(completions) < self._n:
            part = AnswerPart(part_of=self.request_id, first=first, completions=completions, usage=usage)
            self._files.append_part(part)
            return
        whole = GenerationResponse(
            request_id=self.request_id,
            fingerprint=self._fingerprint,
            completions=completions,
            prompt_tokens=usage.prompt_tokens,
            ms=(time.monotonic() - self._started) * 1000,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
        )
        self._files.append(whole)
        self.whole = whole

    def waste(self, usage: Usage) -> None:
        self._files.append_waste(Waste(wasted_on=self.request_id, usage=usage))

    def say(self, text: str) -> None:
        self._journal.say(text)


def _admit_all() -> None:
    """There is no budget."""


def _say_on_stderr(text: str) -> None:
    print(f"note: {text}", file=sys.stderr, flush=True)


def _other_policy(request_id: str, response: GenerationResponse) -> EngineError:
    return EngineError(
        Problem(
            where=f"request {request_id}",
            message=(
                f"must be answered by the policy that was asked, but {response.fingerprint} answered as "
                f"{response.request_id}"
            ),
            fix="swap policies through the journalled engine, which waits for requests in flight",
        ),
    )
