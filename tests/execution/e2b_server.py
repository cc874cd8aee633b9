"""A local server that speaks E2B's protocols and really executes: the control plane (create, list, kill,
prolong), envd's files, and envd's process service over Connect, by the package's own generated service class.
A proxy before it can cut, hold and refuse connections.

Each sandbox is a temporary folder; a command runs as a plain process in it, and a kill ends its whole tree.
What it counts (live sandboxes, requests) is what the tests ask about.
"""

import asyncio
import contextlib
import gzip
import os
import signal
import socket
import threading
import urllib.parse
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("e2b_code_interpreter", reason="the package e2b-code-interpreter is not installed")

import uvicorn
from connectrpc.request import RequestContext
from e2b.envd.process import process_connect, process_pb
from protobuf import Oneof
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

KEY = "e2b_" + "0" * 40
PIECE = 1 << 15
ENVD = "0.6.0"


@dataclass
class Machine:
    """One sandbox: its folder, what it was made with, and the processes that were started in it."""

    identity: str
    home: Path
    metadata: dict[str, str]
    internet: bool
    pids: list[int] = field(default_factory=list)
    spaces: set[str] = field(default_factory=set)
    """Network namespaces that were made in it: whoever is in one of them was started here."""

    def kill(self) -> None:
        """End every process that was started here, and all below them."""
        for pid in self.pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                top = psutil.Process(pid)
                for process in [top, *top.children(recursive=True)]:
                    self.spaces |= {network_of(process.pid)} - {"", network_of(os.getpid())}
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.send_signal(signal.SIGKILL)


def network_of(pid: int) -> str:
    """The network namespace of a process; empty for one that is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


@dataclass
class Faults:
    """What the server is told to do wrong. Statuses are answered to the next creates, one each."""

    creates: deque[int] = field(default_factory=deque)
    lose_next_create: bool = False
    """Make the sandbox, and hang up before the answer."""
    kills: deque[int] = field(default_factory=deque)
    starts: deque[int] = field(default_factory=deque)
    most_live: int | None = None
    """A quota: more are answered with 429."""


class E2bServer:
    """The server and its proxy, on loopback. `url` is where the package is pointed to."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.faults = folder, Faults()
        self.machines: dict[str, Machine] = {}
        self.counts: Counter[str] = Counter()
        self.most_live = 0
        self.ended: list[Machine] = []
        self.proxy = Proxy(port)
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._app(), log_level="critical", timeout_graceful_shutdown=1, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}"

    @property
    def debug_machine(self) -> Machine:
        """In the package's debug mode there is one machine, which nobody makes."""
        if "debug_sandbox_id" not in self.machines:
            self.machines["debug_sandbox_id"] = self._machine("debug_sandbox_id", {}, True)
        return self.machines["debug_sandbox_id"]

    def start(self) -> None:
        self._thread.start()
        self.proxy.started.wait(10)

    def stop(self) -> None:
        for machine in [*self.machines.values(), *self.ended]:
            machine.kill()
        self._server.should_exit = True
        self._thread.join(10)

    def reset(self) -> None:
        """As new, for the next test."""
        for machine in self.machines.values():
            machine.kill()
        self.machines.clear()
        self.counts.clear()
        self.most_live, self.faults = 0, Faults()
        self.proxy.heal()

    def _serve(self) -> None:
        async def both() -> None:
            async with await self.proxy.listen(self._socket.getsockname()[1]):
                await self._server.serve([self._socket])

        asyncio.run(both())

    def _app(self) -> Starlette:
        service = process_connect.ProcessASGIApplication(Processes(self), compressions=())
        return Starlette(
            routes=[
                Route("/v2/sandboxes", self._create, methods=["POST"]),
                Route("/v2/sandboxes", self._list, methods=["GET"]),
                Route("/sandboxes/{identity}", self._kill, methods=["DELETE"]),
                Route("/sandboxes/{identity}/timeout", self._prolong, methods=["POST"]),
                Route("/health", self._health),
                Route("/files", self._write, methods=["POST"]),
                Mount("/", service),
            ]
        )

    def _machine(self, identity: str, metadata: dict[str, str], internet: bool) -> Machine:
        home = self.folder / identity
        home.mkdir()
        return Machine(identity, home, metadata, internet)

    def _refused(self, request: Request, statuses: deque[int]) -> Response | None:
        if request.headers.get("X-API-KEY") != KEY:
            return _error(401, "Invalid API key")
        return _error(statuses.popleft(), "told to refuse") if statuses else None

    async def _create(self, request: Request) -> Response:
        self.counts["create"] += 1
        refused = self._refused(request, self.faults.creates)
        if refused:
            return refused
        if self.faults.most_live is not None and len(self.machines) >= self.faults.most_live:
            return _error(429, "you have reached the maximum number of concurrent sandboxes")
        body = await request.json()
        if body["templateID"] == "no-such-template":
            return _error(404, "template not found")
        machine = self._machine(
            uuid.uuid4().hex[:20], body.get("metadata", {}), body.get("allow_internet_access", True)
        )
        self.machines[machine.identity] = machine
        self.most_live = max(self.most_live, len(self.machines))
        if self.faults.lose_next_create:
            self.faults.lose_next_create = False
            self.proxy.cut()
        made = {
            "templateID": body["templateID"],
            "sandboxID": machine.identity,
            "clientID": "c",
            "envdVersion": ENVD,
        }
        return JSONResponse(made, 201)

    async def _list(self, request: Request) -> Response:
        self.counts["list"] += 1
        pairs = urllib.parse.parse_qsl(request.query_params.get("metadata", ""))
        wanted = {urllib.parse.unquote(key): urllib.parse.unquote(value) for key, value in pairs}
        shape = {
            "clientID": "c",
            "startedAt": "2026-01-01T00:00:00Z",
            "endAt": "2026-01-01T01:00:00Z",
            "cpuCount": 2,
        }
        shape |= {
            "memoryMB": 512,
            "diskSizeMB": 512,
            "state": "running",
            "envdVersion": ENVD,
            "templateID": "t",
        }
        found = [machine for machine in self.machines.values() if wanted.items() <= machine.metadata.items()]
        return JSONResponse(
            [{**shape, "sandboxID": machine.identity, "metadata": machine.metadata} for machine in found]
        )

    async def _kill(self, request: Request) -> Response:
        self.counts["kill"] += 1
        refused = self._refused(request, self.faults.kills)
        if refused:
            return refused
        return (
            Response(status_code=204)
            if self.lose(request.path_params["identity"])
            else _error(404, "sandbox not found")
        )

    def lose(self, identity: str) -> bool:
        """End a sandbox, as a kill does or as its own death; whether it was there."""
        machine = self.machines.pop(identity, None)
        if machine is None:
            return False
        machine.kill()
        self.ended.append(machine)
        return True

    async def _prolong(self, request: Request) -> Response:
        self.counts["prolong"] += 1
        return (
            Response(status_code=204)
            if request.path_params["identity"] in self.machines
            else _error(404, "sandbox not found")
        )

    def find(self, headers: Any) -> Machine | None:  # noqa: ANN401  # two libraries' headers
        """The machine that a request of envd is for."""
        identity = headers.get("e2b-sandbox-id") or ""
        return self.debug_machine if identity == "debug_sandbox_id" else self.machines.get(identity)

    async def _health(self, request: Request) -> Response:
        return (
            Response(status_code=204)
            if self.find(request.headers)
            else _error(502, "The sandbox was not found")
        )

    async def _write(self, request: Request) -> Response:
        self.counts["write"] += 1
        machine = self.find(request.headers)
        if machine is None:
            return _error(502, "The sandbox was not found")
        body = await request.body()
        path = machine.home / request.query_params["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body)
        return JSONResponse([{"name": path.name, "path": str(path), "type": "file"}])


def _error(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "message": message}, status)


class Processes(process_connect.Process):
    """envd's process service: what is started runs for real."""

    def __init__(self, server: E2bServer) -> None:
        self._server = server

    async def start(
        self,
        request: process_pb.StartRequest,
        ctx: RequestContext[process_pb.StartRequest, process_pb.StartResponse],
        /,
    ) -> AsyncIterator[process_pb.StartResponse]:
        from connectrpc.code import Code
        from connectrpc.errors import ConnectError

        self._server.counts["start"] += 1
        machine = self._server.find(ctx.request_headers)
        if machine is None:
            raise ConnectError(Code.UNAVAILABLE, "The sandbox was not found")
        if self._server.faults.starts:
            self._server.faults.starts.popleft()
            raise ConnectError(Code.RESOURCE_EXHAUSTED, "told to refuse")
        assert request.process is not None
        process = await asyncio.create_subprocess_exec(
            request.process.cmd,
            *request.process.args,
            cwd=machine.home,
            env={"HOME": str(machine.home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        machine.pids.append(process.pid)
        yield _event(Oneof("start", process_pb.ProcessEvent.StartEvent(pid=process.pid)))
        async for name, piece in _output(process):
            yield _event(Oneof("data", process_pb.ProcessEvent.DataEvent(output=Oneof(name, piece))))
        code = await process.wait()
        if machine.identity not in self._server.machines:
            raise ConnectError(Code.UNAVAILABLE, "The sandbox was not found")
        yield _event(
            Oneof(
                "end",
                process_pb.ProcessEvent.EndEvent(
                    exit_code=code, exited=code >= 0, status=f"exit status {code}"
                ),
            )
        )


async def _output(process: asyncio.subprocess.Process) -> AsyncIterator[tuple[Any, bytes]]:
    """Pieces of stdout and stderr as they come."""
    pieces: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(16)

    async def pump(name: str, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while piece := await stream.read(PIECE):
            await pieces.put((name, piece))
        await pieces.put((name, b""))

    tasks = [
        asyncio.create_task(pump("stdout", process.stdout)),
        asyncio.create_task(pump("stderr", process.stderr)),
    ]
    left = len(tasks)
    try:
        while left:
            name, piece = await pieces.get()
            left -= not piece
            if piece:
                yield name, piece
    finally:
        for task in tasks:
            task.cancel()


def _event(event: Any) -> process_pb.StartResponse:  # noqa: ANN401  # a oneof of four kinds
    return process_pb.StartResponse(event=process_pb.ProcessEvent(event=event))


class Proxy:
    """A TCP proxy before the server, to be wrong as networks are: it cuts, holds and refuses. Thread-safe
    from outside."""

    def __init__(self, port: int) -> None:
        self.port, self.started = port, threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing: asyncio.Event | None = None
        self._refusing = False

    async def listen(self, port: int) -> asyncio.Server:
        """Begin to pass connections on to `port`."""
        self._loop, self._flowing = asyncio.get_running_loop(), asyncio.Event()
        self._flowing.set()
        server = await asyncio.start_server(
            lambda reader, writer: self._pass(reader, writer, port), "127.0.0.1", self.port
        )
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        return server

    def cut(self) -> None:
        """Abort every connection."""
        self._call(self._abort)

    def die(self) -> None:
        """Abort every connection, and every one that is opened from now on."""
        self._refusing = True
        self.cut()

    def hold(self) -> None:
        """Keep connections open and let nothing through."""
        assert self._flowing is not None
        self._call(self._flowing.clear)

    def heal(self) -> None:
        """Pass everything on again, on new connections."""
        assert self._flowing is not None
        self._refusing = False
        self._call(self._flowing.set)
        self.cut()

    def _call(self, what: Any) -> None:  # noqa: ANN401  # any callable without arguments
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    def _abort(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        self._open |= {writer, inner_writer}
        try:
            await asyncio.gather(self._pump(reader, inner_writer), self._pump(inner_reader, writer))
        finally:
            self._open -= {writer, inner_writer}
            for end in (writer, inner_writer):
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._flowing is not None
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()


def point_package_at(server: E2bServer, patch: pytest.MonkeyPatch, key: str = KEY) -> None:
    """The package's own variables: where the control plane and the sandboxes are, and the key."""
    patch.setenv("E2B_API_URL", server.url)
    patch.setenv("E2B_SANDBOX_URL", server.url)
    patch.setenv("E2B_API_KEY", key)
    patch.delenv("E2B_DEBUG", raising=False)


@contextlib.contextmanager
def e2b_server(folder: Path, port: int = 0) -> Iterator[E2bServer]:
    """A running server."""
    server = E2bServer(folder, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
