"""Rows of one request to their answers, as `codemill verify` judges them.

Place in the flow: `endpoints.py` has the body -> lines -> `prepare` -> the judge of `verify` -> lines of
JSON. The one rule: every row gets exactly one answer, whatever becomes of the others; a row that cannot be
judged is `refused` with the reason, and a fault of ours is `infrastructure`.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from synth.execution.observations import failed
from synth.execution.protocol import Sandbox
from synth.records import Limits, Outcome
from synth.serve.bodies import RowLine, SpooledBody
from synth.serve.gate import Busy, Gate
from synth.verify.answers import make_answer
from synth.verify.negative_controls import SuiteControls
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
        self._sandbox, self._gate, self._allowed = sandbox, gate, allowed
        self._salt = settings(allowed.limits)

    async def answers(self, lines: Iterable[RowLine]) -> AsyncIterator[RowAnswer]:
        """As they are found. Closing the iterator drops the rows that have not begun, and ends the others."""
        controls = SuiteControls(self._sandbox)  # the suites of one request are proven together
        judge = Judge(self._sandbox, None, controls)
        request = _OpenRequest(iter(lines), self._gate, partial(self._answer, judge))
        try:
            while (answer := await request.next()) is not None:
                yield answer
        finally:
            await request.close()
            await controls.close()

    async def _answer(self, judge: Judge, line: RowLine) -> RowAnswer:
        where = f"row {line.number}"
        if line.text is None:
            return _refused(line.number, f"{where}: must have at most {self._allowed.most_bytes} bytes")
        try:
            large = len(line.text) >= _LARGE_BYTES
            prepared = await asyncio.to_thread(self._prepare, line) if large else self._prepare(line)
        except RowError as error:
            return _refused(line.number, str(error), _id_of(line.text))
        began = time.monotonic()
        try:
            judge.controls.expect(prepared)
            (answer,) = await judge.answer([prepared])
        except Exception as error:  # noqa: BLE001  # whatever it is, the program is not to blame
            answer = make_answer(prepared, failed(prepared.request, f"{type(error).__name__}: {error}"))
        return RowAnswer(line.number, answer.verdict.value, answer.line(), time.monotonic() - began)

    def _prepare(self, line: RowLine) -> Prepared:
        text, where, allowed = line.text or b"", f"row {line.number}", self._allowed
        row = read_row(read_object(text, where, "correct the row"), where)
        key = hash_row(text, self._salt)
        return prepare(row, where, allowed.limits, line.number, key, row_limits=allowed.may_raise)


class _OpenRequest:
    """One request under way. A row is read once there is a place for it, so that what is held does not grow
    with the rows that wait; what has been found waits, in bounds, for a client that reads slowly."""

    def __init__(
        self, lines: Iterator[RowLine], gate: Gate, answer: Callable[[RowLine], Awaitable[RowAnswer]]
    ) -> None:
        self._lines, self._gate, self._answer = lines, gate, answer
        self._found: asyncio.Queue[RowAnswer | None] = asyncio.Queue(_UNDER_WAY)
        self._working: set[asyncio.Task[None]] = set()
        self._add_worker()
        self._ending = asyncio.create_task(self._end())

    async def next(self) -> RowAnswer | None:
        """The next answer; None after the last."""
        return await self._found.get()

    async def close(self) -> None:
        """Drop what is left."""
        tasks = [self._ending, *self._working]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _end(self) -> None:
        while self._working:
            await asyncio.wait(self._working)
        await self._found.put(None)

    def _add_worker(self) -> None:
        task = asyncio.create_task(self._work())
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self) -> None:
        """Answer rows until there are none. With each first one, another worker begins, up to the number that
        may ask for places at the same time."""
        has_helped = False
        while True:
            try:
                async with self._gate.place(patient=True):
                    line = next(self._lines, None)
                    if line is None:
                        return
                    if not has_helped and len(self._working) < _UNDER_WAY:
                        has_helped = True
                        self._add_worker()
                    answer = await self._answer(line)
            except Busy as busy:
                line = next(self._lines, None)
                if line is None:
                    return
                answer = _unjudged(line.number, busy.words)
            await self._found.put(answer)


def _refused(number: int, reason: str, name: str | int = "") -> RowAnswer:
    return _without_run(number, REFUSED, reason, name)


def _unjudged(number: int, reason: str) -> RowAnswer:
    return _without_run(number, Outcome.INFRASTRUCTURE.value, reason, "")


def _without_run(number: int, verdict: str, reason: str, name: str | int) -> RowAnswer:
    answer = {"id": str(name), "row": number, "verdict": verdict, "reason": reason}
    return RowAnswer(number, verdict, json.dumps(answer) + "\n")


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
