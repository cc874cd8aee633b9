"""One slot: runs items one after the other, each program of them in a fresh process. The inside of a slot
process.

It is shipped with `worker.py` and stands alone. The one rule: a fault of the sandbox is a `fault` of the
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

import place as places  # type: ignore[import-not-found]
import program  # type: ignore[import-not-found]

CHECK_S = 0.5
SHARED = "{shared}"
HEAD = struct.Struct(">I?")
"""Before each answer: its length, and whether the slot goes on."""


class TakesTooLong(Exception):
    """The compiler used up its CPU time on one program."""


class Starved(Exception):
    """The compiler waited too long for its CPU time: that says nothing of the program."""


class CompileServer:
    """A compiler that stays between items. It reads hostile source, so it is a user of its own, and it runs
    nothing that it compiles."""

    def __init__(self, argv: list[str], env: dict[str, str], uid: int | None) -> None:
        theirs, self.orders = os.pipe()
        os.set_blocking(self.orders, False)  # a compiler that does not read holds nobody up
        self.answers, ours = os.pipe()
        null = os.open("/dev/null", os.O_RDWR)
        limits = {"cpu_s": 3600, "memory_mb": 1024, "file_bytes": 16 << 20, "processes": 256}
        wanted = program.ProgramRun(argv, "/", env, limits, uid=uid, data_limit=False)
        self.pid = os.fork()
        if self.pid == 0:
            program.become(wanted, [theirs, ours, null], null)
        for descriptor in (theirs, ours, null):
            os.close(descriptor)
        self.limits: dict[str, float] = {}
        self.began, self.began_cpu_s = 0.0, 0.0

    def compile(self, files: dict[str, str], limits: dict[str, float]) -> dict[str, bytes] | str:
        """The files it made, or its messages. Raises EOFError, OSError, struct.error when it is broken,
        TakesTooLong, Starved."""
        self.limits, self.began, self.began_cpu_s = limits, time.monotonic(), program.usage(self.pid)[0]
        texts = [text.encode("utf-8", "surrogatepass") for pair in files.items() for text in pair]
        request = struct.pack(">i", len(files)) + b"".join(
            struct.pack(">i", len(text)) + text for text in texts
        )
        while request:
            if select.select([], [self.orders], [], CHECK_S)[1]:
                with contextlib.suppress(BlockingIOError):
                    request = request[os.write(self.orders, request) :]
            else:
                self.check()
        (count,) = struct.unpack(">i", self.read(4))
        if count < 0:
            return self.block().decode("utf-8", "replace")
        return {self.block().decode("utf-8", "replace"): self.block() for _ in range(count)}

    def block(self) -> bytes:
        """A length and so many bytes."""
        return self.read(struct.unpack(">i", self.read(4))[0])

    def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
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
            raise TakesTooLong(
                f"the compiler takes too long on this program: it was stopped after {used_s:.1f} s of CPU"
            )
        if time.monotonic() - self.began > self.limits["wall_s"]:
            few = f"{used_s:.1f} s of CPU in {self.limits['wall_s']:g} s"
            raise Starved(f"the compiler had only {few}: something stopped it, or the machine is too busy")

    def was_killed(self) -> bool:
        """Whether it has ended, and by a kill that we did not send: as a machine that runs out of memory
        kills."""
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
    """Runs items in its place."""

    def __init__(self, place: places.ScratchFolders) -> None:
        self.place = place
        self.servers: dict[tuple[str, ...], CompileServer] = {}

    @property
    def spared(self) -> set[int]:
        """What survives a program."""
        return {server.pid for server in self.servers.values()}

    def run_item(self, item: dict) -> dict[str, object]:  # type: ignore[type-arg]  # JSON of wire.Item
        """The answer to one item: what came of the build, and what each run did. Raises OSError."""
        files, folder, build = item["files"], None, None
        if item["server"]:
            build, files = self.compile(item)
        elif item["compile"]:
            folder = self.place.build_folder()
            places.write_files(folder, files, self.place.uid)
            build = self.build(item, folder)
            self.place.seal(folder)
        try:
            runs = [] if build and not is_clean(build) else self.run_all(item, files, folder)
        finally:
            if folder:
                self.place.remove(folder)
        return {"build": build, "runs": runs}

    def build(self, item: dict, folder: str) -> dict[str, object]:  # type: ignore[type-arg]
        """Run the compiler in the folder of the build."""
        limits = item["compile_limits"]
        work = self.place.fresh(limits["file_bytes"], folder)
        argv = self.command(item, item["compile"])
        result: dict[str, object] = program.run(
            program.ProgramRun(
                argv, work, item["compile_env"], limits, b"", self.place.uid, data_limit=False
            ),
            self.spared,
        )
        return result

    def run_all(self, item: dict, files: dict[str, bytes], folder: str | None) -> list[dict[str, object]]:  # type: ignore[type-arg]
        """One run for each stdin, until one is stopped."""
        runs: list[dict[str, object]] = []
        for stdin in item["stdins"]:
            runs.append(self.run_once(item, files, folder, stdin.encode("utf-8", "surrogatepass")))
            if runs[-1]["stop"] != "none" or runs[-1]["infrastructure"]:
                break
        return runs

    def run_once(
        self,
        item: dict,  # type: ignore[type-arg]
        files: dict[str, bytes],
        folder: str | None,
        stdin: bytes,
    ) -> dict[str, object]:
        """A fresh process in a fresh place."""
        size = 0 if folder else sum(map(len, files.values()))
        work = self.place.fresh(item["limits"]["file_bytes"] + size, folder, read_only=True)
        try:
            if folder is None:
                places.write_files(work, files, self.place.uid)
            argv = self.command(item, item["run"])
            wanted = program.ProgramRun(
                argv, work, item["env"], item["limits"], stdin, self.place.uid, item["data_limit"]
            )
            result: dict[str, object] = program.run(wanted, self.spared)
        finally:
            if folder is None:
                self.place.discard(work)
        return result

    def command(self, item: dict, words: list[str]) -> list[str]:  # type: ignore[type-arg]
        """With the place of the driver's shared files filled in."""
        return [word.replace(SHARED, self.place.shared_folder(item["shared"])) for word in words]

    def compile(self, item: dict) -> tuple[dict[str, object], dict[str, bytes]]:  # type: ignore[type-arg]
        """By the resident compiler. One that breaks on a program is asked once more, afresh, and then the
        program is refused."""
        self.place.discard(
            self.place.fresh(item["compile_limits"]["file_bytes"])
        )  # compilers write below /tmp: no program left anything
        failure = refusal(None)
        for _ in range(2):
            server = self.server(item)
            try:
                made = server.compile(item["files"], item["compile_limits"])
            except Starved as error:
                self.drop(item)
                return {**refusal(None), "infrastructure": str(error)}, {}
            except TakesTooLong as error:
                failure = refusal(str(error))
            except (OSError, EOFError, ValueError, struct.error):
                failure = refusal("the compiler crashes on this program")
                if server.was_killed():
                    failure = {
                        **refusal(None),
                        "infrastructure": "the compiler was killed, and no limit did it",
                    }
            else:
                return (refusal(made), {}) if isinstance(made, str) else (refusal(None), made)
            self.drop(item)
        return failure, {}

    def drop(self, item: dict) -> None:  # type: ignore[type-arg]
        """End the resident compiler of an item."""
        self.servers.pop(tuple(item["server"])).close()

    def server(self, item: dict) -> CompileServer:  # type: ignore[type-arg]
        """The resident compiler of an item."""
        key = tuple(item["server"])
        if key not in self.servers:
            self.servers[key] = CompileServer(
                self.command(item, item["server"]), item["compile_env"], self.place.server_uid
            )
        return self.servers[key]


def refusal(message: str | None) -> dict[str, object]:
    """The result of a resident compiler in the shape of a run: the messages on stderr, nothing where it took
    the program."""
    sink = program.CappedStream(1 << 20)
    sink.add((message or "").encode("utf-8", "replace"))
    quiet = program.CappedStream(0).packed()
    none = {
        "signal": None,
        "stop": "none",
        "channel": "",
        "cpu_s": 0.0,
        "wall_s": 0.0,
        "peak_memory_mb": 0.0,
        "infrastructure": None,
    }
    return {"exit_code": 0 if message is None else 1, "stdout": quiet, "stderr": sink.packed(), **none}


def is_clean(result: dict[str, object]) -> bool:
    """Whether a build succeeded."""
    return result["exit_code"] == 0 and result["stop"] == "none" and result["infrastructure"] is None


def read_exactly(descriptor: int, count: int) -> bytes:
    """So many bytes, or nothing at the end."""
    data = b""
    while len(data) < count:
        piece = os.read(descriptor, count - len(data))
        if not piece:
            return b""
        data += piece
    return data


# JSON of wire.Batch
def serve(batch: dict, base: str, number: int, orders: int, answers: int) -> None:  # type: ignore[type-arg]
    """Run what is ordered until the orders end. After a fault of the sandbox the slot leaves: another one
    takes its place."""
    program.prctl(program.SUBREAPER, 1)
    slot = SlotLoop(places.ScratchFolders(base, number))
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
