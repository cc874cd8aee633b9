"""Sends items in batches to live machines, and resends lost items in smaller batches, in the end one by one.

Place in the flow: a remote sandbox passes items and gets an answer for each. The one rule: an unanswered item
is our own fault, with a message, and answers received before a machine was lost are kept.
"""

import asyncio
import itertools
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from pydantic import ValidationError

from synth.execution.observations import ATTEMPTS
from synth.execution.remote.bundle import RUN
from synth.execution.remote.fleet import Backoff, Fleet
from synth.execution.remote.hosts import Host, HostFault, Remedy
from synth.execution.remote.priority_semaphore import PrioritySemaphore
from synth.execution.remote.wire import Item, Line, Shared, WorkerBatch, WorkerResult

_SILENCE_S: Final = 45.0
"""The worker gives a sign of life every 5 seconds."""
_BATCH_BYTES: Final = 8 << 20
_SHRINK: Final = 8

SharedOf = Callable[[Item], dict[str, Shared]]


class _How(NamedTuple):
    alone: bool
    priority: int


class Dispatcher:
    """Runs items on a fleet of `machines`. An item is given up after it has lost `attempts` machines."""

    def __init__(
        self,
        fleet: Fleet,
        machines: int,
        batch_size: int,
        backoff: Backoff,
        shared_of: SharedOf,
        *,
        silence_s: float = _SILENCE_S,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._fleet, self._size, self._backoff, self._shared_of = fleet, batch_size, backoff, shared_of
        self._silence_s, self._attempts = silence_s, attempts
        self._free, self._names = PrioritySemaphore(machines), itertools.count()

    async def run(
        self, items: Sequence[Item], *, alone: bool = False, priority: int = 0
    ) -> dict[int, WorkerResult]:
        """An answer for each item, by index. `alone`: one program at a time per machine. Among waiting
        batches, the lowest priority number goes first."""
        answers: dict[int, WorkerResult] = {}
        await self._run_lost(items, 0, _How(alone, priority), answers)
        return answers

    async def _run_lost(
        self, items: Sequence[Item], lost: int, how: _How, answers: dict[int, WorkerResult]
    ) -> None:
        """Run items that have lost this many machines, in ever smaller batches: a single program may
        be the cause."""
        size = max(1, self._size // _SHRINK**lost if lost + 1 < self._attempts else 1)
        await asyncio.gather(*(self._run_batch(batch, lost, how, answers) for batch in split(items, size)))

    async def _run_batch(
        self, items: Sequence[Item], lost: int, how: _How, answers: dict[int, WorkerResult]
    ) -> None:
        left, waited = items, 0
        while True:
            fault = await self._try(left, how, answers)
            left = [item for item in left if item.index not in answers]
            if not left:
                return
            if fault.remedy is Remedy.WAIT and waited < self._backoff.tries:
                await self._backoff.pause(waited)
                waited += 1
            elif fault.remedy is Remedy.REPLACE and lost + 1 < self._attempts:
                await self._backoff.pause(lost)
                await self._run_lost(left, lost + 1, how, answers)
                return
            else:
                answers.update(
                    {
                        item.index: WorkerResult(
                            index=item.index, fault=f"{fault} (given up after {lost + 1} tries)"
                        )
                        for item in left
                    }
                )
                return

    async def _try(self, items: Sequence[Item], how: _How, answers: dict[int, WorkerResult]) -> HostFault:
        """Run one batch on one machine. Received answers are kept, whatever happens; the fault is for the
        items without one."""
        faults: list[str] = []
        try:
            async with self._free.take(how.priority), self._fleet.lend() as host:
                await self._call(host, items, how.alone, answers, faults)
        except HostFault as fault:
            return fault
        return HostFault(Remedy.REPLACE, faults[-1] if faults else "the worker ended without answering")

    async def _call(
        self,
        host: Host,
        items: Sequence[Item],
        alone: bool,
        answers: dict[int, WorkerResult],
        faults: list[str],
    ) -> None:
        """Call the worker once. Raises HostFault."""
        shared = {key: files for item in items for key, files in self._shared_of(item).items()}
        batch = WorkerBatch(shared=shared, items=tuple(items), parallel=1 if alone else 0)
        name = f"batch-{next(self._names)}.json"
        await host.prolong()
        await host.put(name, json.dumps(batch.model_dump()).encode("ascii"))
        known = {item.index for item in items}
        await host.run(
            f"{RUN} {shlex.quote(name)}",
            lambda line: hear(line, known, answers, faults),
            limit_s=host.remaining_s,
            silence_s=self._silence_s,
        )


def hear(line: str, known: set[int], answers: dict[int, WorkerResult], faults: list[str]) -> None:
    """Handle one line from the worker. Raises HostFault for an invalid line. A fault inside leaves the item
    without an answer."""
    try:
        if '"index"' not in line[:20]:
            Line.model_validate_json(line)
            return
        answer = WorkerResult.model_validate_json(line)
    except ValidationError as error:
        raise HostFault(
            Remedy.REPLACE, f"the worker wrote a line that is no answer: {error.errors()[0]['msg']}"
        ) from error
    if answer.fault is not None:
        faults.append(answer.fault)
    elif answer.index in known:
        answers[answer.index] = answer


def split(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """Batches of at most `size` items and about 8 MiB of text, unless one item is larger."""
    batch: list[Item] = []
    held = 0
    for item in items:
        weight = sum(map(len, item.files.values())) + sum(map(len, item.stdins))
        if batch and (len(batch) >= size or held + weight > _BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += weight
    if batch:
        yield batch
