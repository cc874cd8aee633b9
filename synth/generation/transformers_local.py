"""Engine over transformers in a worker process: slow, but runs wherever torch does. This module
never imports torch.

Requests become rows (one sample each, with its own random seed), and rows with the same sampling become
batches. The one rule: a row's answer depends on its prompt, its seed and the policy, not on the other rows
of its batch.
"""

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from synth.cards import visible_to_child
from synth.child_environment import hub_access
from synth.config import TransformersEngineConfig
from synth.errors import EngineEndedError, EngineError, Problem
from synth.generation.gate import PolicyGate
from synth.generation.owned_process import OwnedProcess
from synth.generation.placement import EnginePlacement
from synth.generation.protocol import Completion, GenerationRequest, GenerationResponse
from synth.ids import derive_seed
from synth.policy import Policy

_WORKER = Path(__file__).with_name("transformers_worker.py")


class _Answer(BaseModel):
    error: str = ""
    text: str = ""
    finish: Literal["stop", "length"] = "stop"
    tokens: int = 0
    prompt_tokens: int = 0


class _Reply(BaseModel):
    """One line from the worker."""

    error: str = ""
    answers: list[_Answer] = []


@dataclass(frozen=True, slots=True)
class _Row:
    request: GenerationRequest
    seed: int
    answer: "asyncio.Future[_Answer]"

    @property
    def batch_key(self) -> tuple[object, ...]:
        return (self.request.sampling, self.request.stop)

    def dump(self) -> dict[str, object]:
        messages = [message.model_dump() for message in self.request.messages]
        return {
            "messages": messages,
            "prompt": self.request.prompt,
            "is_rendered": self.request.is_rendered,
            "seed": self.seed,
        }


class TransformersLocal:
    """Serves `policy`. Log: `<log_folder>/transformers-worker.log`."""

    def __init__(self, config: TransformersEngineConfig, *, policy: Policy, log_folder: Path) -> None:
        self._config, self._policy = config, policy
        self._log = log_folder / "transformers-worker.log"
        self._gate = PolicyGate()
        self._rows: deque[_Row] = deque()
        self._waiting = asyncio.Event()
        self._process: OwnedProcess | None = None
        self._batches: asyncio.Task[None] | None = None
        self._placement = EnginePlacement()

    def place(self, placement: EnginePlacement) -> None:
        """Say where the worker will run."""
        self._placement = placement

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the policy that answers now."""
        return self._policy.fingerprint

    async def start(self) -> None:
        """Start the worker and load the policy. Raises EngineError, with the end of the worker's log."""
        if self._process is not None:
            return
        self._process = OwnedProcess(
            [sys.executable, "-P", str(_WORKER)],
            log=self._log,
            environment={"TOKENIZERS_PARALLELISM": "false"}
            | ({} if Path(self._policy.weights).is_dir() else hub_access())
            | (visible_to_child(cards) if (cards := self._placement.cards) is not None else {}),
            piped=True,
            holds=self._placement.holds,
        )
        try:
            await self._process.start()
            await self._ask({"load": _source(self._policy)})
        except EngineEndedError as error:
            await self.close()
            raise self._failed(f"it {error.problems[0].message}") from error
        except BaseException:
            await self.close()
            raise
        self._batches = asyncio.create_task(self._run_batches())

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """Answer one request. Raises EngineError."""
        async with self._gate.generation():
            if self._batches is None or self._batches.done():
                raise EngineError(
                    Problem("transformers worker", "is not running", "call start() first"), retryable=False
                )
            fingerprint, started, loop = self.fingerprint, time.monotonic(), asyncio.get_running_loop()
            rows = [
                _Row(request, derive_seed(request.seed, "sample", index), loop.create_future())
                for index in range(request.n)
            ]
            self._rows.extend(rows)
            self._waiting.set()
            answers = await asyncio.gather(*(row.answer for row in rows))
        return GenerationResponse(
            request_id=request.request_id(fingerprint),
            fingerprint=fingerprint,
            completions=tuple(
                Completion(text=answer.text, finish=answer.finish, tokens=answer.tokens) for answer in answers
            ),
            prompt_tokens=answers[0].prompt_tokens,
            ms=(time.monotonic() - started) * 1000,
        )

    async def load_policy(self, policy: Policy) -> float:
        """Load this policy in place of the old one. Returns the seconds that it took. If it raises
        EngineError, the old policy still answers."""
        async with self._gate.swap():
            started = time.monotonic()
            await self._ask({"load": _source(policy)})
            self._policy = policy
            return time.monotonic() - started

    async def sleep(self) -> float:
        """End the worker, once open requests are answered: it starts anew in seconds. Returns those that the
        end took."""
        async with self._gate.swap():
            started = time.monotonic()
            await self.close()
            return time.monotonic() - started

    async def wake(self, policy: Policy | None = None) -> float:
        """Start a worker with this policy, or the one of before; load it if one runs. Returns the seconds
        that it took. Raises EngineError."""
        if self._process is not None:
            return await self.load_policy(policy or self._policy)
        async with self._gate.swap():
            started = time.monotonic()
            self._policy = policy or self._policy
            await self.start()
            return time.monotonic() - started

    async def close(self) -> None:
        """End the worker. Requests in flight end with an EngineError. May be called twice."""
        batches, self._batches = self._batches, None
        process, self._process = self._process, None
        if batches is not None:
            batches.cancel()
            await asyncio.wait([batches])
        self._fail_rows(
            list(self._rows), EngineError(Problem("transformers worker", "was closed", "start it again"))
        )
        if process is not None:
            await process.end()

    async def _run_batches(self) -> None:
        while True:
            await self._waiting.wait()
            await asyncio.sleep(0)  # let requests made at the same time join the batch
            batch = self._take_batch()
            try:
                reply = await self._ask(_batch_order(batch))
            except EngineError as error:
                self._fail_rows(batch, error)
                continue
            except asyncio.CancelledError:
                self._fail_rows(
                    batch, EngineError(Problem("transformers worker", "was closed", "start it again"))
                )
                raise
            for row, answer in zip(batch, reply.answers, strict=True):
                if answer.error:
                    self._fail_rows([row], self._failed(answer.error))
                elif not row.answer.done():
                    row.answer.set_result(answer)

    def _take_batch(self) -> list[_Row]:
        live = [row for row in self._rows if not row.answer.done()]
        batch = [row for row in live if row.batch_key == live[0].batch_key][: self._config.batch_size]
        taken = {id(row) for row in batch}
        self._rows = deque(row for row in live if id(row) not in taken)
        if not self._rows:
            self._waiting.clear()
        return batch

    def _fail_rows(self, rows: list[_Row], error: EngineError) -> None:
        for row in rows:
            if not row.answer.done():
                row.answer.set_exception(error)

    async def _ask(self, order: dict[str, object]) -> _Reply:
        process = self._process
        if process is None:
            raise EngineError(
                Problem("transformers worker", "is not running", "call start() first"), retryable=False
            )
        try:
            reply = _Reply.model_validate_json(await process.ask(json.dumps(order).encode()))
        except EOFError as error:
            raise self._died(process, str(error)) from error
        except ValidationError as error:
            raise self._failed(f"answered what cannot be read: {error}") from error
        if reply.error:
            raise self._failed(reply.error)
        return reply

    def _died(self, process: OwnedProcess, what: str) -> EngineEndedError:
        tail = process.log_tail().replace("\n", "\n    ")
        return EngineEndedError(
            Problem(
                where=f"transformers worker for {self._policy.weights}",
                message=f"ended: {what}. The end of its log:\n    {tail}",
                fix="rerun the same command: answered requests are kept",
            )
        )

    def _failed(self, what: str) -> EngineError:
        return EngineError(
            Problem(
                where=f"transformers worker for {self._policy.weights}",
                message=f"failed: {what}",
                fix=f"read {self._log}; check torch and transformers with `codemill doctor`",
            ),
            retryable=False,
        )


def _source(policy: Policy) -> str:
    """What to load: an absolute folder, or a hub id as it is."""
    folder = Path(policy.weights)
    return str(folder.resolve()) if folder.is_dir() else policy.weights


def _batch_order(batch: list[_Row]) -> dict[str, object]:
    first = batch[0].request
    return {
        "rows": [row.dump() for row in batch],
        "sampling": first.sampling.model_dump(),
        "stop": list(first.stop),
    }
