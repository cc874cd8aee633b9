"""Warm starts: workers that have loaded a language once and fork a fresh, isolated process for each program.

Place in the flow: `language_runner.py` tries this first if a language has a zygote. The one rule: if anything
about the worker is doubtful, the answer is None, and the program is run cold.
"""

import select
import signal
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from synth.errors import SandboxError
from synth.execution.isolation.job import Job, JobResult
from synth.execution.isolation.launcher.zygote import make_request, read_answer, zygote_files
from synth.execution.isolation.process import ProcessSandbox, ResidentProcess
from synth.execution.observations import ATTEMPTS
from synth.execution.programs.program_plan import fill_placeholders
from synth.languages.spec import Zygote
from synth.languages.toolchain import Toolchain
from synth.records import Limits, Stop

_WORKER_LIMITS: Final = Limits(cpu_s=3600, wall_s=36000, memory_mb=2048, processes=1024, output_bytes=1 << 30)
_LARGEST_PROGRAM_MB: Final = 1024
_MOST_IDLE: Final = 32
_LOOK_S: Final = 0.1
_FRESH: Final = ("/tmp/", "/work/")
"""Folders that each program gets anew, over whatever the zygote saw there: with packages or tools in them,
programs start cold."""
_GRACE_S: Final = 30.0
"""The zygote ends its programs itself, so one that is silent for longer than a program may run is broken."""


class _Serving(NamedTuple):
    """A zygote, its command, and the number of programs that it has forked."""

    worker: ResidentProcess
    argv: tuple[str, ...]
    served: int


class WarmWorkers:
    """A few zygotes of one language. Each serves one caller at a time and is replaced when it dies or reaches
    its maximum number of programs."""

    def __init__(
        self,
        sandbox: ProcessSandbox,
        zygote: Zygote,
        toolchain: Toolchain,
        environment: Mapping[str, str],
        recycle_after: int = 2000,
    ) -> None:
        self._sandbox, self._zygote, self._toolchain, self._recycle_after = (
            sandbox,
            zygote,
            toolchain,
            recycle_after,
        )
        self._argv = fill_placeholders(zygote.command, toolchain)
        self._environment = environment
        self._idle: list[_Serving] = []
        self._lock = threading.Lock()
        self._failures: Counter[tuple[str, ...]] = Counter()
        """In a row, by what the zygotes had to load."""
        self._closed = False
        library = zygote_files()
        hidden = any(place.startswith(_FRESH) for place in toolchain.readonly)
        self._files = (
            None
            if library is None or hidden
            else {**library, **{name: text.encode() for name, text in zygote.files.items()}}
        )

    def run(
        self, job: Job, preload: tuple[str, ...] = (), arguments: tuple[str, ...] = ()
    ) -> JobResult | None:
        """Run one program with the job's files, stdin and limits, by a zygote that has loaded these modules,
        for programs that are started with these arguments; None if it has to be run cold."""
        files = self._files  # another thread may disable warm starts meanwhile
        if self._failures[preload] >= ATTEMPTS:
            preload = ()  # they cannot be loaded before a fork, and the program loads them itself
        if files is None or job.limits.memory_mb > _LARGEST_PROGRAM_MB:
            return None
        try:
            parting = ("--",) if self._argv and arguments else ()
            argv = (*(self._argv or job.argv), *preload, *parting, *arguments)
            opens = self._zygote.opened_files.get(job.argv[-1], job.argv[-1])
            worker, argv, served = self._take(files, argv, job.private_channel, opens)
        except SandboxError:
            self._fail(preload)
            return None
        own = {name: data for name, data in job.files.items() if files.get(name) != data}
        try:
            counted = self._sandbox.level == "A"
            data_limit = job.data_limit and not counted  # as in a cold start
            request = make_request(
                replace(job, files=own, data_limit=data_limit), self._sandbox.listens, counted
            )
            if worker.programs is not None:
                worker.programs.start(job.limits.memory_mb)
            _send(worker, request.message)
            result = _receive(worker, request.listing, job)
        except _Abandoned:
            worker.close()
            return JobResult(signal=signal.SIGKILL, stop=Stop.WALL)
        except (OSError, EOFError, struct.error):
            worker.close()
            if not served:
                self._fail(preload)
            return None
        self._failures[preload] = 0
        self._give(_Serving(worker, argv, served + 1))
        return result

    def _fail(self, preload: tuple[str, ...]) -> None:
        """A zygote ended before it served a program. After ATTEMPTS such failures in a row, no zygote loads
        these modules; where it had none to load, all programs start cold."""
        self._failures[preload] += 1
        if self._failures[preload] >= ATTEMPTS and not preload:
            self._files = None

    def close(self) -> None:
        """End the idle zygotes now, and the others after their current program."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for serving in idle:
            serving.worker.close()

    def _take(
        self, files: Mapping[str, bytes], argv: tuple[str, ...], channel: bool, opens: str = ""
    ) -> _Serving:
        with self._lock:
            for serving in reversed(self._idle):
                if serving.argv == argv:
                    self._idle.remove(serving)
                    return serving
        preloaded = {
            "LD_PRELOAD": "/work/libzygote.so",
            "CODEMILL_OPENS": opens,
            "CODEMILL_LEAVES_OUT": self._zygote.skipped_function,
        }
        job = Job(
            argv=argv,
            files=files,
            stdin=None,
            limits=_WORKER_LIMITS,
            env={**self._environment, **(preloaded if self._zygote.is_preloaded else {})},
            readonly=self._toolchain.readonly,
            data_limit=False,
            private_channel=channel
            and self._zygote.is_preloaded,  # open descriptors have the same numbers as in the program
            zygote=True,
        )
        return _Serving(self._sandbox.open_worker(job), argv, 0)

    def _give(self, serving: _Serving) -> None:
        if serving.served >= self._recycle_after or not serving.worker.alive:
            serving.worker.close()
            return
        with self._lock:
            self._idle.append(serving)
            oldest = self._idle.pop(0) if self._closed or len(self._idle) > _MOST_IDLE else None
        if oldest is not None:
            oldest.worker.close()


def _send(worker: ResidentProcess, message: bytes) -> None:
    while message:
        message = message[worker.stdin.write(message) :]


class _Abandoned(Exception):
    """Nobody waits for the program's result any more."""


def _receive(worker: ResidentProcess, listing: bytes, job: Job) -> JobResult | None:
    """Raises EOFError if the zygote ended or hangs, _Abandoned."""
    poller, end = select.poll(), time.monotonic() + job.limits.wall_s + _GRACE_S
    poller.register(worker.stdout, select.POLLIN)
    while not poller.poll(1000 * _LOOK_S):
        if job.is_abandoned is not None and job.is_abandoned():
            raise _Abandoned
        if time.monotonic() > end:
            raise EOFError("the zygote hangs")

    def read(size: int) -> bytes:
        data = worker.stdout.read(size)
        if len(data) < size:
            raise EOFError("the zygote ended")
        return data

    return read_answer(read, listing, worker.programs.peak_mb() if worker.programs is not None else 0.0)
