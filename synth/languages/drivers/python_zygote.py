"""The warm Python: loads the interpreter and the usual modules once, and starts each program by a fork into namespaces of its own.

It runs inside a worker of the sandbox, beside driver.py and codemill_fork.py. A request is a length, JSON, and the texts whose sizes the
JSON states; so is the answer. The one rule: nothing of one program is left in memory when the next one is forked. So the zygote makes no
objects of those texts: they lie in mappings of their own, which are unmapped at the end.
"""

import base64
import gc
import json
import mmap
import os
import resource
import select
import signal
import struct
import sys
import time
import traceback

sys.path.insert(0, "/work")
import driver  # type: ignore[import-not-found]
from codemill_fork import fork_program  # type: ignore[import-not-found]

sys.path.remove("/work")

USUAL = (
    "abc bisect collections.abc copy dataclasses datetime decimal enum fractions functools heapq"
    " itertools math operator random re statistics string time typing"
)
for _name in USUAL.split():
    __import__(_name)

CHECK_S = 0.05
PIECE = 1 << 16
TICKS = os.sysconf("SC_CLK_TCK")


def read_exactly(count: int) -> bytes:
    """So many bytes of stdin; ends the process when there are no more. Unbuffered, so that a fork inherits nothing."""
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


class Memory:
    """Bytes that leave nothing behind once they are closed, unlike those of a Python object that was freed."""

    def __init__(self, room: int) -> None:
        self.map = mmap.mmap(-1, max(1, room), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.view = memoryview(self.map)

    def read(self, descriptor: int, at: int, count: int) -> int:
        """Read up to so many bytes to a place."""
        return os.readv(descriptor, [self.view[at : at + count]])

    def write(self, descriptor: int, count: int) -> None:
        """Write the first bytes."""
        sent = 0
        while sent < count:
            sent += os.write(descriptor, self.view[sent:count])

    def close(self) -> None:
        """Give the memory back to the kernel."""
        self.view.release()
        self.map.close()


def receive(count: int) -> Memory:
    """So many bytes of stdin, kept apart; ends the process when there are no more."""
    memory, at = Memory(count), 0
    while at < count:
        got = memory.read(0, at, count - at)
        if not got:
            os._exit(0)
        at += got
    return memory


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process, its living descendants, and those whom they have reaped."""
    ticks, waiting = 0, [pid]
    while waiting:
        at = waiting.pop()
        try:
            with open(f"/proc/{at}/stat", "rb") as stat:  # noqa: PTH123  # no pathlib here: it costs 3 ms
                ticks += sum(map(int, stat.read().rpartition(b")")[2].split()[11:15]))
            with open(f"/proc/{at}/task/{at}/children") as children:  # noqa: PTH123
                waiting += map(int, children.read().split())
        except (OSError, IndexError):
            continue
    return ticks / TICKS


def become_program(code: memoryview, request: memoryview) -> None:
    """In the fork: load and call the program. Never returns."""
    status = 1
    try:
        driver.run_program(str(code, "utf-8", "surrogatepass"), str(request, "ascii"), driver.hide_channel(3))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001  # whatever the program raised while it was loaded
        traceback.print_exc()
    try:
        sys.stdout.flush()
    finally:
        os._exit(status & 0xFF)


class Stream:
    """What a program writes to one descriptor: what fits below the cap is kept, the rest is counted."""

    def __init__(self, cap: int) -> None:
        self.cap, self.length, self.memory = cap, 0, Memory(cap + PIECE)

    def drain(self, descriptor: int) -> bool:
        """Read a piece; whether there was one. What comes after the cap is read over itself."""
        got = self.memory.read(descriptor, min(self.length, self.cap), PIECE)
        self.length += got
        return got > 0

    @property
    def kept(self) -> int:
        """How many bytes of it are kept."""
        return min(self.length, self.cap)


class Watch:
    """One program under watch: its streams, its time, and why it was ended."""

    def __init__(self, pid: int, limits: dict[str, float], streams: dict[int, Stream], status: int) -> None:
        self.pid, self.limits, self.streams, self.status = pid, limits, streams, status
        self.report, self.stop, self.cpu_s = b"", "none", 0.0
        self.started = time.monotonic()

    def end(self, reason: str) -> None:
        """Kill the program's init, and with it everything. The first reason stands."""
        if self.stop == "none":
            self.stop = reason
            self.cpu_s = tree_cpu_s(self.pid)
            os.kill(self.pid, signal.SIGKILL)

    def run(self) -> None:
        """Drain until the init and every stream are closed."""
        poller = select.poll()
        for descriptor in (self.status, *self.streams):
            poller.register(descriptor, select.POLLIN)
        left = 1 + len(self.streams)
        while left:
            ready = poller.poll(CHECK_S * 1000)
            for descriptor, _ in ready:
                if not self.drain(descriptor):
                    poller.unregister(descriptor)
                    left -= 1
            if time.monotonic() - self.started > CHECK_S:
                self.check()

    def drain(self, descriptor: int) -> bool:
        """Read what is there; whether it was anything."""
        if descriptor == self.status:
            piece = os.read(descriptor, PIECE)
            self.report += piece
            return len(piece) > 0
        stream = self.streams[descriptor]
        more = stream.drain(descriptor)
        if stream.length > stream.cap:
            self.end("output")
        return more

    def check(self) -> None:
        """End the program when its time is up."""
        if self.stop == "none" and tree_cpu_s(self.pid) > self.limits["cpu_s"]:
            self.end("cpu")
        elif time.monotonic() - self.started > self.limits["wall_s"]:
            self.end("wall")


def pipes(count: int) -> list[tuple[int, int]]:
    """Pipes that end with this process; the fork is given the ones that it may have."""
    return [os.pipe() for _ in range(count)]


def serve_one(task: dict[str, str], sizes: list[int], limits: dict[str, float], null: int) -> None:
    """Take the texts, fork, watch, and answer what was seen."""
    texts = receive(sum(sizes))
    (out, out_in), (err, err_in), (channel, channel_in), (status, status_in) = pipes(4)
    pid = fork_program(base64.b64decode(task["listing"]), null, out_in, err_in, status_in, channel_in)
    if pid == 0:
        become_program(texts.view[: sizes[0]], texts.view[sizes[0] :])
    texts.close()
    for descriptor in (out_in, err_in, channel_in, status_in):
        os.close(descriptor)
    streams = {out: Stream(int(limits["output_bytes"])), err: Stream(int(limits["output_bytes"]))}
    watch = Watch(pid, limits, {**streams, channel: Stream(int(limits["channel_bytes"]))}, status)
    watch.run()
    used: resource.struct_rusage = os.wait4(pid, 0)[2]
    for descriptor in (out, err, channel, status):
        os.close(descriptor)
    send_answer(watch, used)


def send_answer(watch: Watch, used: resource.struct_rusage) -> None:
    """Its length, JSON, and then what is kept of stdout, stderr and the channel."""
    answer = {
        "report": watch.report.hex(),
        "stop": watch.stop,
        "cpu_s": max(used.ru_utime + used.ru_stime, watch.cpu_s),
        "wall_s": time.monotonic() - watch.started,
        "peak_memory_mb": used.ru_maxrss / 1024,
        "streams": [[stream.kept, stream.length] for stream in watch.streams.values()],
    }
    text = json.dumps(answer).encode()
    os.write(1, struct.pack(">I", len(text)) + text)
    for stream in watch.streams.values():
        stream.memory.write(1, stream.kept)
        stream.memory.close()


def main() -> None:
    """Serve until stdin ends."""
    null = os.open("/dev/null", os.O_RDONLY)
    gc.collect()
    gc.freeze()
    while True:
        (length,) = struct.unpack(">I", read_exactly(4))
        task = json.loads(read_exactly(length))
        serve_one(task, task["sizes"], task["limits"], null)
        del task


main()
