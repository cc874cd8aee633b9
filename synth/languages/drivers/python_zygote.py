"""The warm Python: loads the interpreter and the usual modules once, and starts each program by a fork into namespaces of its own.

It runs inside a worker of the sandbox, beside driver.py and codemill_fork.py. A request is a length and JSON; so is the answer. The one
rule: nothing of one program is left in memory when the next one is forked.
"""

import base64
import gc
import json
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


def become_program(code: str, request: str) -> None:
    """In the fork: load and call the program. Never returns."""
    status = 1
    try:
        driver.run_program(code, request, driver.hide_channel(3))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001  # whatever the program raised while it was loaded
        traceback.print_exc()
    try:
        sys.stdout.flush()
    finally:
        os._exit(status & 0xFF)


class Watch:
    """One program under watch: its streams, its time, and why it was ended."""

    def __init__(self, pid: int, task: dict[str, float], streams: dict[int, str], status: int) -> None:
        self.pid, self.task, self.streams, self.status = pid, task, streams, status
        self.data = {name: bytearray() for name in streams.values()}
        self.length = dict.fromkeys(streams.values(), 0)
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
                piece = os.read(descriptor, 1 << 16)
                if not piece:
                    poller.unregister(descriptor)
                    left -= 1
                elif descriptor == self.status:
                    self.report += piece
                else:
                    self.keep(self.streams[descriptor], piece)
            if time.monotonic() - self.started > CHECK_S:
                self.check()

    def keep(self, name: str, piece: bytes) -> None:
        """Keep what fits below the stream's cap, and count the rest."""
        cap = int(self.task["channel_bytes" if name == "channel" else "output_bytes"])
        self.data[name] += piece[: max(0, cap - len(self.data[name]))]
        self.length[name] += len(piece)
        if self.length[name] > cap:
            self.end("output")

    def check(self) -> None:
        """End the program when its time is up."""
        if self.stop == "none" and tree_cpu_s(self.pid) > self.task["cpu_s"]:
            self.end("cpu")
        elif time.monotonic() - self.started > self.task["wall_s"]:
            self.end("wall")


def pipes(count: int) -> list[tuple[int, int]]:
    """Pipes that end with this process; the fork is given the ones that it may have."""
    return [os.pipe() for _ in range(count)]


def serve_one(task: dict[str, str], limits: dict[str, float], null: int) -> bytes:
    """Fork, watch, and write down what was seen."""
    (out, out_in), (err, err_in), (channel, channel_in), (status, status_in) = pipes(4)
    pid = fork_program(base64.b64decode(task["listing"]), null, out_in, err_in, status_in, channel_in)
    if pid == 0:
        become_program(task["code"], task["request"])
    for descriptor in (out_in, err_in, channel_in, status_in):
        os.close(descriptor)
    watch = Watch(pid, limits, {out: "stdout", err: "stderr", channel: "channel"}, status)
    watch.run()
    used: resource.struct_rusage = os.wait4(pid, 0)[2]
    for descriptor in (out, err, channel, status):
        os.close(descriptor)
    answer = {
        "report": watch.report.hex(),
        "stop": watch.stop,
        "cpu_s": max(used.ru_utime + used.ru_stime, watch.cpu_s),
        "wall_s": time.monotonic() - watch.started,
        "peak_memory_mb": used.ru_maxrss / 1024,
        "streams": {name: [base64.b64encode(data).decode(), watch.length[name]] for name, data in watch.data.items()},
    }
    return json.dumps(answer).encode()


def main() -> None:
    """Serve until stdin ends."""
    null = os.open("/dev/null", os.O_RDONLY)
    gc.collect()
    gc.freeze()
    while True:
        (length,) = struct.unpack(">I", read_exactly(4))
        task = json.loads(read_exactly(length))
        answer = serve_one(task, task["limits"], null)
        os.write(1, struct.pack(">I", len(answer)))
        sent = 0
        while sent < len(answer):
            sent += os.write(1, answer[sent:])
        del task, answer


main()
