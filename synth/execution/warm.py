"""Warm starts: workers that have loaded a language once and fork a fresh, isolated process for each program.

Place in the flow: `runner.py` asks here first where a driver has a zygote. The one rule: when anything about the worker is doubtful, the
answer is None, and the program is run cold.
"""

import base64
import json
import struct
import threading
from functools import lru_cache
from typing import Any, Final, NamedTuple

from synth.errors import SandboxError
from synth.execution.building import fill
from synth.execution.job import Job, JobResult, Output
from synth.execution.process import ProcessSandbox, Worker
from synth.execution.zygote import program_operations, read_report, zygote_files
from synth.languages.spec import Driver, Toolchain
from synth.records import Limits, Stop

_WORKER_LIMITS: Final = Limits(cpu_s=3600, wall_s=36000, memory_mb=2048, processes=1024, output_bytes=1 << 30)
_LARGEST_PROGRAM_MB: Final = 1024
_CHANNEL_BYTES: Final = 16 << 20
_SIGKILL, _SIGXCPU = 9, 24


@lru_cache(maxsize=64)
def _listing(limits: Limits) -> bytes:
    return program_operations({}, limits)


class WarmWorkers:
    """A few zygotes of one language. Each serves one caller at a time, and is replaced when it dies or has served enough."""

    def __init__(
        self, sandbox: ProcessSandbox, driver: Driver, toolchain: Toolchain, environment: dict[str, str], recycle_after: int = 2000
    ) -> None:
        self._sandbox, self._toolchain, self._recycle_after = sandbox, toolchain, recycle_after
        self._driver, self._environment = driver, environment
        self._idle: list[tuple[Worker, int]] = []
        self._lock = threading.Lock()
        helpers = zygote_files() if driver.zygote else None
        self._files = None if helpers is None else {**helpers, **{name: text.encode() for name, text in driver.zygote.items()}}

    def run(self, code: str, request: bytes, limits: Limits) -> JobResult | None:
        """Run one program; None when it has to be run cold."""
        if self._files is None or limits.memory_mb > _LARGEST_PROGRAM_MB:
            return None
        try:
            worker, served = self._take(self._files)
        except SandboxError:
            self._files = None  # this machine cannot do it: not asked again
            return None
        timer = threading.Timer(limits.wall_s + 30, worker.kill)
        timer.start()
        try:
            answer = _ask(worker, code, request, limits)
        except (OSError, EOFError, ValueError, struct.error):
            worker.close()
            return None
        finally:
            timer.cancel()
        self._give(worker, served + 1)
        return _read_answer(answer, limits)

    def close(self) -> None:
        """End the idle zygotes."""
        with self._lock:
            workers, self._idle = self._idle, []
        for worker, _ in workers:
            worker.close()

    def _take(self, files: dict[str, bytes]) -> tuple[Worker, int]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        job = Job(
            argv=fill(self._driver.zygote_command, self._toolchain),
            files=files,
            stdin=None,
            limits=_WORKER_LIMITS,
            env=self._environment,
            readonly=self._toolchain.readonly,
            data_limit=False,
            zygote=True,
        )
        return self._sandbox.open_worker(job), 0

    def _give(self, worker: Worker, served: int) -> None:
        if served >= self._recycle_after or not worker.alive:
            worker.close()
            return
        with self._lock:
            self._idle.append((worker, served))


class _Answer(NamedTuple):
    """The JSON of an answer, and what was kept of stdout, stderr and the channel."""

    seen: dict[str, Any]
    streams: list[Output]


def _ask(worker: Worker, code: str, request: bytes, limits: Limits) -> _Answer:
    """One exchange (the format stands in python_zygote.py). Raises OSError, EOFError."""
    times = {"cpu_s": limits.cpu_s, "wall_s": limits.wall_s, "output_bytes": limits.output_bytes, "channel_bytes": _CHANNEL_BYTES}
    texts = (code.encode("utf-8", "surrogatepass"), request)
    task = {"listing": base64.b64encode(_listing(limits)).decode(), "sizes": list(map(len, texts)), "limits": times}
    body = json.dumps(task).encode()
    message = b"".join((struct.pack(">I", len(body)), body, *texts))
    while message:
        message = message[worker.stdin.write(message) :]
    (length,) = struct.unpack(">I", _read(worker, 4))
    seen = json.loads(_read(worker, length))
    return _Answer(seen, [Output(_read(worker, kept), length) for kept, length in seen["streams"]])


def _read(worker: Worker, length: int) -> bytes:
    data = worker.stdout.read(length)
    if len(data) < length:
        raise EOFError("the zygote ended")
    return data


def _read_answer(answer: _Answer, limits: Limits) -> JobResult | None:
    """What the zygote saw; None when the program could not be set up, or was killed by nobody that we know."""
    seen, (stdout, stderr, channel) = answer
    end = read_report(bytes.fromhex(seen["report"]), _listing(limits))
    stop = Stop(seen["stop"])
    if end.fault is not None or (end.signal == _SIGKILL and stop is Stop.NONE):
        return None
    return JobResult(
        exit_code=end.exit_code,
        signal=end.signal,
        stop=Stop.CPU if stop is Stop.NONE and end.signal == _SIGXCPU else stop,
        stdout=stdout,
        stderr=stderr,
        channel=channel.data,
        cpu_s=seen["cpu_s"],
        wall_s=seen["wall_s"],
        peak_memory_mb=seen["peak_memory_mb"],
    )
