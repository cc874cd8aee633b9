"""The endpoints of the reward server, as ASGI applications: `/run_code`, `/verify`, `/health`, `/metrics`.

Place in the flow: `app.py` routes requests here; `run_code.py` and `verify_rows.py` say what they mean,
`gate.py` who may run. The one rule: a client that goes away costs nothing further: what it asked for and
has not begun is dropped.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from synth.execution.protocol import Sandbox
from synth.serve.bodies import (
    ClientGone,
    Message,
    Receive,
    Scope,
    Send,
    SpooledBody,
    headers_of,
    read_body,
    spool_body,
    stated_length,
)
from synth.serve.gate import Gate
from synth.serve.metrics import Metrics
from synth.serve.run_code import (
    Planned,
    RunCodeLimits,
    RunCodeRequest,
    RunCodeResponse,
    fault,
    plan,
    respond,
    unknown_language,
)
from synth.serve.verify_rows import MOST_ARRAY_BYTES, RowAnswer, RowJudge, RowLimits, rows_of_array

T = TypeVar("T")

_LINES: Final = "application/x-ndjson"
_REQUEST_BYTES: Final = 2 << 20
"""About what a request of rows holds beside its rows."""


class BadRequest(Exception):
    """A request that cannot be carried out. `detail` is for its sender."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(str(detail))
        self.status, self.detail = status, detail


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes of one program or row, and of a whole request with many rows."""

    row_bytes: int
    body_bytes: int


@dataclass(eq=False, slots=True)
class Service:
    """What all endpoints share."""

    sandbox: Sandbox
    gate: Gate
    programs: RunCodeLimits
    rows: RowLimits
    bounds: Bounds
    metrics: Metrics = field(default_factory=Metrics)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def run_code(self, scope: Scope, receive: Receive, send: Send) -> int:
        """One program of SandboxFusion's protocol."""
        most = self.bounds.row_bytes
        with self.gate.hold(stated_length(headers_of(scope), most) or most):
            asked = _read_run_code(await read_body(receive, most))
            began = time.monotonic()
            response = await while_connected(self._run_code(asked), receive)
        self.metrics.seconds["/run_code"].add(time.monotonic() - began)
        self.metrics.programs["/run_code", response.status.value] += 1
        return await send_body(send, 200, response.model_dump_json().encode())

    async def _run_code(self, asked: RunCodeRequest) -> RunCodeResponse:
        planned = plan(asked, next(self._numbers), self.programs)
        if not isinstance(planned, Planned):
            return planned
        async with self.gate.place():
            try:
                (seen,) = await self.sandbox.execute([planned.request])
            except Exception as error:  # noqa: BLE001  # whatever it is, the program is not to blame
                return fault(f"{type(error).__name__}: {error}")
        return respond(planned, seen)

    async def verify(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Rows in, answers out: lines as they are found, or an array in the order of the rows."""
        headers, most = headers_of(scope), self.bounds.body_bytes
        length = stated_length(headers, most)
        with self.gate.hold(_REQUEST_BYTES):
            return await self._verify(headers, length, receive, send)

    async def _verify(
        self, headers: Mapping[str, str], length: int | None, receive: Receive, send: Send
    ) -> int:
        async with spool_body(receive, self.bounds.body_bytes) as body:
            if not body.starts_with(b"["):
                return await while_connected(self._send_lines(body, send), receive)
            if body.length > MOST_ARRAY_BYTES:
                raise BadRequest(413, f"an array must have at most {MOST_ARRAY_BYTES} bytes; send JSON Lines")
            with self.gate.hold(2 * (length or body.length)):
                if _LINES in headers.get("accept", ""):
                    return await while_connected(self._send_lines(body, send, is_array=True), receive)
                return await while_connected(self._send_array(body, send), receive)

    async def _send_lines(self, body: SpooledBody, send: Send, is_array: bool = False) -> int:
        rows = await self._array(body) if is_array else body.lines(self.bounds.row_bytes)
        await send(start_of(200, _LINES))
        async with aclosing(self._judge().answers(rows)) as answers:  # type: ignore[type-var]  # a generator
            async for answer in answers:
                self._count(answer)
                await send({"type": "http.response.body", "body": answer.line.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return 200

    async def _send_array(self, body: SpooledBody, send: Send) -> int:
        found: dict[int, str] = {}
        rows = await self._array(body)
        async with aclosing(self._judge().answers(rows)) as answers:  # type: ignore[type-var]  # a generator
            async for answer in answers:
                self._count(answer)
                found[answer.row] = answer.line.rstrip()
        return await send_body(send, 200, f"[{','.join(found[row] for row in sorted(found))}]".encode())

    async def _array(self, body: SpooledBody) -> Any:  # noqa: ANN401  # lines, read in a thread
        try:
            return await asyncio.to_thread(lambda: list(rows_of_array(body, self.bounds.row_bytes)))
        except ValueError as error:
            raise BadRequest(400, f"the body {error}"[:300]) from None

    def _count(self, answer: RowAnswer) -> None:
        self.metrics.programs["/verify", answer.verdict] += 1
        self.metrics.seconds["/verify"].add(answer.seconds)

    def _judge(self) -> RowJudge:
        return RowJudge(self.sandbox, self.gate, self.rows)

    async def health(self, _scope: Scope, _receive: Receive, send: Send) -> int:
        """Whether programs can run."""
        status = 503 if self.gate.closed else 200
        found = {
            "status": "ending" if self.gate.closed else "ok",
            "level": self.sandbox.level,
            "running": self.gate.inside,
            "waiting": self.gate.waiting,
        }
        return await send_body(send, status, json.dumps(found).encode())

    async def ping(self, _scope: Scope, _receive: Receive, send: Send) -> int:
        """As SandboxFusion answers it."""
        return await send_body(send, 200, b'"pong"')

    async def show_metrics(self, _scope: Scope, _receive: Receive, send: Send) -> int:
        """Prometheus text."""
        gauges = {
            "codemill_running": self.gate.inside,
            "codemill_waiting": self.gate.waiting,
            "codemill_held_bytes": self.gate.held_bytes,
        }
        text = self.metrics.text(gauges).encode()
        return await send_body(send, 200, text, {"content-type": "text/plain; version=0.0.4; charset=utf-8"})


def _read_run_code(body: bytes) -> RunCodeRequest:
    """Raises BadRequest, in the form that the protocol's own server gives."""
    try:
        asked = RunCodeRequest.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadRequest(422, [{**one, "loc": ["body", *one["loc"]]} for one in found]) from None
    unknown = unknown_language(asked.language)
    if unknown is not None:
        raise BadRequest(422, [{"type": "literal_error", "loc": ["body", "language"], "msg": unknown}])
    return asked


async def while_connected(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """The result of `work`, which is cancelled when the client goes away. Raises ClientGone."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def start_of(status: int, kind: str, more: Mapping[str, str] = {}) -> Message:
    """The message that begins a response."""
    headers = {"content-type": kind, **more}
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    }


async def send_body(send: Send, status: int, body: bytes, headers: Mapping[str, str] = {}) -> int:
    """A whole response; JSON unless the headers say otherwise. Returns the status."""
    given = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    await send(start_of(status, given.pop("content-type"), given))
    await send({"type": "http.response.body", "body": body})
    return status
