"""Resident compilers: they start once, compile one program after another, and return the files they made.

Place in the flow: `language_runner.py` calls this module instead of `build.py` if a plan names a compile
server (servers are in their languages' folders; `compile_protocol.py` is their protocol). The one rule: a
server reads hostile text, so it runs in its own sandbox, executes nothing that it compiles, and compiles
each program afresh.
"""

import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from synth.execution.isolation.job import Job
from synth.execution.isolation.process import ProcessSandbox, ResidentProcess
from synth.execution.observations import COMPILER_ATTEMPTS
from synth.execution.programs.build import Build, linker_flag
from synth.execution.programs.compile_protocol import (
    CRASHES,
    KILLED,
    pack_request,
    read_answer,
    starved,
    too_slow,
)
from synth.execution.programs.program_plan import COMPILE_LIMITS, COMPILER_ENVIRONMENT, fill_placeholders
from synth.languages.spec import Driver
from synth.languages.toolchain import Toolchain
from synth.records import Limits, Stop

_LIMITS: Final = Limits(
    cpu_s=3600, wall_s=36000, memory_mb=1024, processes=64, output_bytes=1 << 30, file_bytes=16 << 20
)
_CHECK_S: Final = 0.5
"""Measuring a compiler with many threads costs over a millisecond, so a compiler that answers sooner than
this is not measured."""
_PATIENCE_S: Final = 0.1
"""How long a caller waits for a busy compiler before it starts another: a start costs more than this, and the
first program after it is slow."""


class CompileServers:
    """A few resident compilers of one language. Each serves one caller at a time and is replaced when it dies
    or reaches its maximum number of programs."""

    def __init__(
        self,
        sandbox: ProcessSandbox,
        driver: Driver,
        toolchain: Toolchain,
        shared: Path,
        environment: Mapping[str, str],
        recycle_after: int = 2000,
    ) -> None:
        """`environment` holds the language's own variables, in addition to those of every compiler."""
        self.limits = COMPILE_LIMITS
        """CPU and wall time limits for one program."""
        self._sandbox, self._recycle_after = sandbox, recycle_after
        self._job = Job(
            argv=fill_placeholders(driver.compile_server, toolchain, shared=shared, linker=linker_flag()),
            files={},
            stdin=None,
            limits=_LIMITS,
            env={**COMPILER_ENVIRONMENT, **environment},
            readonly=(*toolchain.readonly, str(shared)),
            data_limit=False,
        )
        self._idle: list[tuple[ResidentProcess, int]] = []
        self._busy = 0
        self._closed = False
        self._changed = threading.Condition()

    def compile(self, files: Mapping[str, str]) -> Build:
        """Compile one program. A program that crashes COMPILER_ATTEMPTS compilers is rejected.

        If a compiler gets too little CPU within its wall time, that is a fault of the machine and says
        nothing about the program; it is not repeated.
        """
        failure = Build()
        for _ in range(COMPILER_ATTEMPTS):
            worker, served = self._take()
            watch = _Watch(worker, self.limits)
            try:
                with watch:
                    build = _ask(worker, files)
            except (OSError, EOFError):
                failure = watch.failure()
                self._leave()
                if watch.stop is Stop.WALL:
                    break
                continue
            self._give(worker, served + 1)
            return build
        return failure

    def close(self) -> None:
        """End the idle compilers now, and the others after their current program."""
        with self._changed:
            self._closed = True
            workers, self._idle = self._idle, []
        for worker, _ in workers:
            worker.close()

    def _take(self) -> tuple[ResidentProcess, int]:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or not self._busy, _PATIENCE_S)
            self._busy += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._sandbox.open_worker(self._job), 0
        except BaseException:
            self._leave()
            raise

    def _give(self, worker: ResidentProcess, served: int) -> None:
        with self._changed:
            keeps = served < self._recycle_after and worker.alive and not self._closed
            if keeps:
                self._idle.append((worker, served))
        if not keeps:
            worker.close()
        self._leave()

    def _leave(self) -> None:
        """A caller is done; the next one may take its place."""
        with self._changed:
            self._busy -= 1
            self._changed.notify()


class _Watch:
    """Ends a compiler that uses too much CPU on one program or waits too long for CPU. CPU decides; wall time
    is a backstop."""

    def __init__(self, worker: ResidentProcess, limits: Limits) -> None:
        self.stop = Stop.NONE
        """Why the compiler was ended, if it was."""
        self._worker, self._limits = worker, limits
        self._used_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="compile-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """From here on the compiler is no longer ended."""
        self._over.set()
        self._thread.join()

    def failure(self) -> Build:
        """The result for a program whose compiler gave no answer. Closes the compiler."""
        ended = None
        with suppress(TimeoutError):
            ended = self._worker.wait(_CHECK_S)
        self._worker.close()
        if self.stop is Stop.CPU:
            return Build(refused={0: too_slow(self._used_s)})
        if self.stop is Stop.WALL:
            return Build(infrastructure=starved(self._used_s, self._limits.wall_s))
        fault = self._worker.wait().infrastructure
        if ended is not None and ended.signal == signal.SIGKILL and ended.stop is Stop.NONE:
            fault = KILLED
        return Build(infrastructure=fault) if fault else Build(refused={0: CRASHES})

    def _look(self) -> None:
        deadline = time.monotonic() + self._limits.wall_s
        if self._over.wait(_CHECK_S):
            return
        before_s = self._worker.cpu_s()
        while self.stop is Stop.NONE and not self._over.wait(_CHECK_S) and self._worker.alive:
            self._used_s = self._worker.cpu_s() - before_s
            if self._used_s > self._limits.cpu_s:
                self.stop = Stop.CPU
            elif time.monotonic() > deadline:
                self.stop = Stop.WALL
        if self.stop is not Stop.NONE:
            self._worker.kill()


def _ask(worker: ResidentProcess, files: Mapping[str, str]) -> Build:
    """One exchange. Raises OSError, EOFError."""
    request = pack_request(files)
    while request:
        request = request[worker.stdin.write(request) :]
    made = read_answer(lambda count: _read(worker, count))
    return Build(refused={0: made}) if isinstance(made, str) else Build(files=made, positions={0: 0})


def _read(worker: ResidentProcess, length: int) -> bytes:
    data = worker.stdout.read(length)
    if len(data) < length:
        raise EOFError("the compiler ended")
    return data
