"""Rows of one request to their answers, as `codemill verify` judges them.

Place in the flow: `endpoints.py` has the body -> lines -> `prepare` -> the judge of `verify` -> lines of
JSON. The one rule: every row gets exactly one answer, whatever becomes of the others; a row that cannot be
judged is `refused` with the reason, and a fault of ours is `infrastructure`.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final, NamedTuple

from synth.errors import CodemillError
from synth.execution.observations import failed
from synth.execution.protocol import Sandbox
from synth.records import Limits
from synth.serve.bodies import RowLine, SpooledBody
from synth.serve.gate import Busy, Gate
from synth.verify.answers import make_answer
from synth.verify.row_files import hash_row, read_object
from synth.verify.rows import Prepared, RowError, prepare, read_row
from synth.verify.verify import Judge, settings

REFUSED: Final = "refused"
_UNDER_WAY: Final = 32
"""Rows of one request that ask for a place at the same time, so that requests take turns."""
_LARGE_BYTES: Final = 256 << 10
"""A row of this size is read in a thread."""
MOST_ARRAY_BYTES: Final = 32 << 20
"""An array is read at once, unlike lines."""


class RowAnswer(NamedTuple):
    """The answer to one row: its number, from 1, its verdict, its line of JSON, and how long it took."""

    row: int
    verdict: str
    line: str
    seconds: float = 0.0


class RowLimits(NamedTuple):
    """What the operator allows a row."""

    limits: Limits
    may_raise: bool
    most_bytes: int


class RowJudge:
    """Judges rows of requests, with places from the gate."""

    def __init__(self, sandbox: Sandbox, gate: Gate, allowed: RowLimits) -> None:
        self._judge, self._gate, self._allowed = Judge(sandbox, None, None), gate, allowed
        self._salt = settings(allowed.limits)

    async def answers(self, lines: Iterable[RowLine]) -> AsyncIterator[RowAnswer]:
        """As they are found. Closing the iterator drops the rows that have not begun."""
        running: set[asyncio.Task[RowAnswer]] = set()
        ended: asyncio.Queue[asyncio.Task[RowAnswer]] = asyncio.Queue()
        try:
            for line in lines:
                task = asyncio.create_task(self._answer(line))
                task.add_done_callback(ended.put_nowait)
                running.add(task)
                while len(running) >= _UNDER_WAY:
                    yield await _next(ended, running)
            while running:
                yield await _next(ended, running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _answer(self, line: RowLine) -> RowAnswer:
        where = f"row {line.number}"
        if line.text is None:
            return _refused(line.number, f"{where}: must have at most {self._allowed.most_bytes} bytes")
        try:
            large = len(line.text) >= _LARGE_BYTES
            prepared = await asyncio.to_thread(self._prepare, line) if large else self._prepare(line)
        except RowError as error:
            return _refused(line.number, str(error), _id_of(line.text))
        return await self._judged(prepared)

    def _prepare(self, line: RowLine) -> Prepared:
        text, where, allowed = line.text or b"", f"row {line.number}", self._allowed
        row = read_row(read_object(text, where, "correct the row"), where)
        key = hash_row(text, self._salt)
        return prepare(row, where, allowed.limits, line.number, key, row_limits=allowed.may_raise)

    async def _judged(self, prepared: Prepared) -> RowAnswer:
        began = time.monotonic()
        try:
            async with self._gate.place(patient=True):
                (answer,) = await self._judge.answer([prepared])
        except (CodemillError, Busy, OSError) as error:
            answer = make_answer(prepared, failed(prepared.request, str(error)))
        seconds = time.monotonic() - began
        return RowAnswer(prepared.number, answer.verdict.value, answer.line(), seconds)


async def _next(
    ended: "asyncio.Queue[asyncio.Task[RowAnswer]]", running: set[asyncio.Task[RowAnswer]]
) -> RowAnswer:
    task = await ended.get()
    running.discard(task)
    return task.result()


def _refused(number: int, reason: str, name: str | int = "") -> RowAnswer:
    answer = {"id": str(name), "row": number, "verdict": REFUSED, "reason": reason}
    return RowAnswer(number, REFUSED, json.dumps(answer) + "\n")


def _id_of(text: bytes) -> str | int:
    """The id of a row that cannot be judged, where it has one."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    name = found.get("id", "") if isinstance(found, dict) else ""
    return name if isinstance(name, str | int) else ""


def rows_of_array(body: SpooledBody, most_bytes: int) -> Iterator[RowLine]:
    """The rows of a JSON array, as lines. Raises ValueError for a body that is none."""
    try:
        found = json.loads(body.whole())
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(found, list):
        raise ValueError("must be an array of rows")
    for number, row in enumerate(found, start=1):
        text = json.dumps(row).encode()
        yield RowLine(number, text if len(text) <= most_bytes else None)
