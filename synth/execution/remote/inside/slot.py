"""The inner side of a slot process: runs items one after another, each program in a fresh process.

It is shipped with `worker.py` and is self-contained. The one rule: a fault of the sandbox is a `fault` of the
item, never a result of the program.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import time
from typing import Any

import capped_stream  # type: ignore[import-not-found]
import compile_protocol  # type: ignore[import-not-found]
import program  # type: ignore[import-not-found]
import scratch_folders  # type: ignore[import-not-found]

CHECK_S = 0.5
SHARED = "{shared}"
JsonObject = dict[str, Any]
"""JSON of an item or a batch of `wire.py`."""
PAGE = 4096
HEAD = struct.Struct(">I?")
"""Before each answer: its length, and whether the slot continues."""


class TakesTooLong(Exception):
    """The compiler used up its CPU time on one program."""


class Starved(Exception):
    """The compiler waited too long for its CPU time: that says nothing about the program."""


class CompileServer:
    """A compiler that stays between items. It reads hostile source, so it runs as a separate user, and it
    runs nothing that it compiles."""

    def __init__(self, argv: list[str], env: dict[str, str], uid: int | None) -> None:
        theirs, self.orders = os.pipe()
        os.set_blocking(self.orders, False)  # a compiler that does not read must not block us
        self.answers, ours = os.pipe()
        null = os.open("/dev/null", os.O_RDWR)
        limits = {"cpu_s": 3600, "memory_mb": 1024, "file_bytes": 16 << 20, "processes": 256, "stack_mb": 8}
        wanted = program.ProgramRun(argv, "/", env, limits, uid=uid, data_limit=False)
        self.pid = os.fork()
        if self.pid == 0:
            program.become(wanted, [theirs, ours, null], null)
        for descriptor in (theirs, ours, null):
            os.close(descriptor)
        self.limits: dict[str, float] = {}
        self.began, self.began_cpu_s = 0.0, 0.0

    def compile(self, files: dict[str, str], limits: dict[str, float]) -> dict[str, bytes] | str:
        """The files it made, or its messages. Raises EOFError, OSError or struct.error if it is
        broken, TakesTooLong, Starved."""
        self.limits, self.began, self.began_cpu_s = limits, time.monotonic(), program.usage(self.pid)[0]
        request = compile_protocol.pack_request(files)
        while request:
            if select.select([], [self.orders], [], CHECK_S)[1]:
                with contextlib.suppress(BlockingIOError):
                    request = request[os.write(self.orders, request) :]
            else:
                self.check()
        made: dict[str, bytes] | str = compile_protocol.read_answer(self.read)
        return made

    def read(self, count: int) -> bytes:
        """Exactly this many bytes."""
        data = b""
        while len(data) < count:
            if not select.select([self.answers], [], [], CHECK_S)[0]:
                self.check()
                continue
            piece = os.read(self.answers, count - len(data))
            if not piece:
                raise EOFError("the compiler ended")
            data += piece
        return data

    def check(self) -> None:
        """CPU decides; wall time is a backstop."""
        used_s = program.usage(self.pid)[0] - self.began_cpu_s
        if used_s > self.limits["cpu_s"]:
            raise TakesTooLong(compile_protocol.too_slow(used_s))
        if time.monotonic() - self.began > self.limits["wall_s"]:
            raise Starved(compile_protocol.starved(used_s, self.limits["wall_s"]))

    def was_killed(self) -> bool:
        """Whether it was ended by a kill that we did not send, as on a machine that runs out of memory."""
        until = time.monotonic() + CHECK_S
        while (
            ended := os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        ) is None and time.monotonic() < until:
            time.sleep(0.01)
        return ended is not None and ended.si_code == os.CLD_KILLED and ended.si_status == signal.SIGKILL

    def close(self) -> None:
        """Kill and reap it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self.orders)
        os.close(self.answers)


class SlotLoop:
    """Runs items in its scratch folders."""

    def __init__(self, folders: scratch_folders.ScratchFolders, compiler_attempts: int) -> None:
        self.folders = folders
        self.compiler_attempts = compiler_attempts
        self.servers: dict[tuple[str, ...], CompileServer] = {}

    @property
    def spared(self) -> set[int]:
        """The processes that survive a program."""
        return {server.pid for server in self.servers.values()}

    def run_item(self, item: JsonObject) -> dict[str, object]:
        """The answer to one item: the result of the build and of each run. Raises OSError."""
        files, folder, build = item["files"], None, None
        if item["server"]:
            build, files = self.compile(item)
        elif item["compile"]:
            folder = self.folders.build_folder()
            scratch_folders.write_files(folder, files, self.folders.uid)
            build = self.build(item, folder)
            if not item["owns_work"]:
                self.folders.seal(folder)
        try:
            runs = [] if build and not is_clean(build) else self.run_all(item, files, folder)
        finally:
            if folder:
                self.folders.remove(folder)
        return {"build": build, "runs": runs}

    def build(self, item: JsonObject, folder: str) -> dict[str, object]:
        """Run the compiler in the build's folder."""
        limits = item["compile_limits"]
        work = self.folders.fresh(limits["file_bytes"], folder)
        argv = self.command(item, item["compile"])
        result: dict[str, object] = program.run(
            program.ProgramRun(
                argv, work, item["compile_env"], limits, b"", self.folders.uid, data_limit=False
            ),
            self.spared,
        )
        return result

    def run_all(
        self, item: JsonObject, files: dict[str, bytes], folder: str | None
    ) -> list[dict[str, object]]:
        """One run per stdin, until one is stopped."""
        runs: list[dict[str, object]] = []
        for stdin in item["stdins"]:
            runs.append(self.run_once(item, files, folder, stdin.encode("utf-8", "surrogatepass")))
            if runs[-1]["stop"] != "none" or runs[-1]["infrastructure"] or runs[-1]["unstartable"]:
                break
        return runs

    def run_once(
        self,
        item: JsonObject,
        files: dict[str, bytes],
        folder: str | None,
        stdin: bytes,
    ) -> dict[str, object]:
        """One run: a fresh process in fresh folders."""
        size = 0 if folder else sum(len(content) + PAGE for content in files.values())
        work = self.folders.fresh(
            item["limits"]["file_bytes"] + size, folder, read_only=not item["owns_work"]
        )
        try:
            if folder is None:
                scratch_folders.write_files(work, files, self.folders.uid)
            argv = self.command(item, item["run"])
            wanted = program.ProgramRun(
                argv, work, item["env"], item["limits"], stdin, self.folders.uid, item["data_limit"]
            )
            result: dict[str, object] = program.run(wanted, self.spared)
        finally:
            if folder is None:
                self.folders.discard(work)
        return result

    def command(self, item: JsonObject, words: list[str]) -> list[str]:
        """The command, with the folder of the driver's shared files filled in."""
        return [word.replace(SHARED, self.folders.shared_folder(item["shared"])) for word in words]

    def compile(self, item: JsonObject) -> tuple[dict[str, object], dict[str, bytes]]:
        """Compile with the resident compiler. A program that crashes `compiler_attempts` of
        them is rejected."""
        self.folders.discard(
            self.folders.fresh(item["compile_limits"]["file_bytes"])
        )  # compilers write below /tmp: no program has left anything there
        failure = refusal(None)
        for _ in range(self.compiler_attempts):
            server = self.server(item)
            try:
                made = server.compile(item["files"], item["compile_limits"])
            except Starved as error:
                self.drop(item)
                return {**refusal(None), "infrastructure": str(error)}, {}
            except TakesTooLong as error:
                failure = refusal(str(error))
            except (OSError, EOFError, ValueError, struct.error):
                failure = refusal(compile_protocol.CRASHES)
                if server.was_killed():
                    failure = {**refusal(None), "infrastructure": compile_protocol.KILLED}
            else:
                return (refusal(made), {}) if isinstance(made, str) else (refusal(None), made)
            self.drop(item)
        return failure, {}

    def drop(self, item: JsonObject) -> None:
        """End the resident compiler of an item."""
        self.servers.pop(tuple(item["server"])).close()

    def server(self, item: JsonObject) -> CompileServer:
        """The resident compiler of an item."""
        key = tuple(item["server"])
        if key not in self.servers:
            self.servers[key] = CompileServer(
                self.command(item, item["server"]), item["compile_env"], self.folders.server_uid
            )
        return self.servers[key]


def refusal(message: str | None) -> dict[str, object]:
    """A resident compiler's result in the form of a run: its messages on stderr, or nothing if it
    accepted the program."""
    sink = capped_stream.CappedStream(1 << 20)
    sink.add((message or "").encode("utf-8", "replace"))
    quiet = program.packed(capped_stream.CappedStream(0))
    none = {
        "signal": None,
        "stop": "none",
        "channel": "",
        "cpu_s": 0.0,
        "wall_s": 0.0,
        "peak_memory_mb": 0.0,
        "infrastructure": None,
    }
    return {"exit_code": 0 if message is None else 1, "stdout": quiet, "stderr": program.packed(sink), **none}


def is_clean(result: dict[str, object]) -> bool:
    """Whether a build succeeded."""
    return result["exit_code"] == 0 and result["stop"] == "none" and result["infrastructure"] is None


def read_exactly(descriptor: int, count: int) -> bytes:
    """This many bytes, or none at the end."""
    data = b""
    while len(data) < count:
        piece = os.read(descriptor, count - len(data))
        if not piece:
            return b""
        data += piece
    return data


def serve(batch: JsonObject, base: str, number: int, orders: int, answers: int) -> None:
    """Run the ordered items until the orders end. After a fault of the sandbox the slot exits, and another
    one replaces it."""
    program.prctl(program.SUBREAPER, 1)
    slot = SlotLoop(scratch_folders.ScratchFolders(base, number), batch["compiler_attempts"])
    healthy = True
    while healthy and (order := read_exactly(orders, 4)):
        (index,) = struct.unpack(">I", order)
        try:
            answer = slot.run_item(batch["items"][index])
        except (OSError, ValueError) as error:
            answer, healthy = {"fault": f"{type(error).__name__}: {error}"}, False
        body = json.dumps({"index": batch["items"][index]["index"], **answer}).encode()
        message = memoryview(HEAD.pack(len(body), healthy) + body)
        while message:
            message = message[os.write(answers, message) :]
    for server in slot.servers.values():
        server.close()
