"""The process sandbox: runs one argv in isolation and reports what it observed, without judging it.

Place in the flow: the package `programs` makes jobs; this module runs them through a launcher
(`launcher/slot.py`), in slots that are reused between jobs. The one rule: our own faults are reported as
`JobResult.infrastructure`, and no part of a job outlives `run`.
"""

import itertools
import os
import threading
from contextlib import ExitStack
from io import BufferedReader, FileIO
from types import TracebackType
from typing import Self

from synth.errors import SandboxError
from synth.execution.isolation import selftest
from synth.execution.isolation.active_job import ActiveJob, SlotHandle, launch, open_stdin
from synth.execution.isolation.folders import BuildFolder, JobFolders
from synth.execution.isolation.job import Job, JobResult, Output
from synth.execution.isolation.launcher.slot import launcher_command
from synth.execution.isolation.policy.seccomp import can_notify
from synth.execution.isolation.slots import LEVELS, open_slot, sandbox_error
from synth.execution.isolation.supervision import measure_tree
from synth.execution.observations import ATTEMPTS
from synth.records import IsolationLevel

__all__ = ["Job", "JobResult", "Output", "ProcessSandbox", "ResidentProcess"]

_SLOT_NUMBERS = itertools.count()
"""Counts slots over all sandboxes of this process: users and memory groups carry the number."""


class ResidentProcess:
    """A long-lived sandboxed process with pipes. Thread-safe for one reader and one writer."""

    def __init__(self, running: ActiveJob, stdin: int, owner: "ProcessSandbox") -> None:
        self.stdin: FileIO = FileIO(stdin, "wb")
        """Unbuffered; closing it asks a worker to end."""
        self.stdout: BufferedReader = BufferedReader(FileIO(running.pipes["stdout"], "rb"))
        self.channel: BufferedReader | None = None
        """Descriptor 3 of the worker, if the job has a `private_channel`."""
        if "channel" in running.pipes:
            self.channel = BufferedReader(FileIO(running.pipes["channel"], "rb"))
        self._running, self._owner = running, owner
        self._result: JobResult | None = None
        self._watcher = threading.Thread(target=self._watch, name="sandbox-worker", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        result = self._running.finish()
        self._owner._settle(self._running.handle, result)
        self._result = result

    @property
    def alive(self) -> bool:
        """Whether the worker still runs."""
        return self._watcher.is_alive()

    def cpu_s(self) -> float:
        """CPU seconds used so far by the living process tree."""
        return measure_tree(self._running.supervision.init_pid).cpu_s

    def kill(self) -> None:
        """Kill the whole process tree now. `wait` then returns the result. May be called twice."""
        if self.alive:
            self._running.supervision.stop()

    def wait(self, timeout_s: float | None = None) -> JobResult:
        """Wait for the end. The result has stderr, but not stdout and channel. Raises TimeoutError."""
        self._watcher.join(timeout_s)
        if self._result is None:
            raise TimeoutError(f"the worker still runs after {timeout_s} s")
        return self._result

    def close(self) -> None:
        """Kill, reap, close the pipes and return the slot. May be called twice."""
        self.kill()
        self._watcher.join()
        for stream in (self.stdin, self.stdout, self.channel):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ProcessSandbox:
    """Runs jobs. Blocking and thread-safe: each calling thread runs one job."""

    def __init__(
        self,
        minimum_level: IsolationLevel = "B",
        *,
        python_launcher: bool = False,
        highest_level: IsolationLevel = "A",
    ) -> None:
        """Choose the best level that is available and passes its self-test. Below `minimum_level`, raises a
        SandboxError that says what is missing.

        `python_launcher` selects the launcher written in Python; `highest_level` excludes better levels.
        """
        self._command = launcher_command(python_launcher)
        self._lock = threading.Lock()
        self._idle: list[SlotHandle] = []
        self._busy: set[SlotHandle] = set()
        self._folders: JobFolders | None = None
        self._closed = False
        self._level = highest_level
        self.listens = can_notify()
        """Whether a forbidden call is reported, with Stop.VIOLATION; otherwise it is only denied."""
        self.unavailable_levels: dict[IsolationLevel, str] = {}
        """Why better levels are unavailable."""
        self._take_best_level(minimum_level)

    def _take_best_level(self, minimum: IsolationLevel) -> None:
        tried = [level for level in LEVELS if self._level <= level <= minimum]
        for level in tried:
            self._level = level
            fault = self._try_level()
            if fault is None:
                return
            self.unavailable_levels[level] = fault
        self.close()
        reasons = (
            "; ".join(f"{level}: {why}" for level, why in self.unavailable_levels.items())
            or f"only {self._level} and below may be used"
        )
        raise sandbox_error(f"level {minimum} was asked for and cannot be had here ({reasons})")

    def _try_level(self) -> str | None:
        """Open the first slot and test it. Returns None, or the problem. If only the reports of forbidden
        calls fail, the sandbox works without them."""
        known = selftest.known_good(self._level, self._command)
        faults: list[str] = []
        for listens in (True, False) if known is None and can_notify() else (bool(known),):
            self.listens = listens
            try:
                self._idle.append(self._open_slot())
            except SandboxError as error:
                return error.problems[0].message
            faults = [] if known is not None else selftest.find_faults(self.run, listens)
            if not faults:
                if known is None:
                    selftest.remember(self._level, self._command, listens)
                return None
            self._close_slots()
        return "the self-test failed: " + ", ".join(faults)

    @property
    def level(self) -> IsolationLevel:
        """A: namespaces, memory cgroup, call filter. B: the same without a cgroup. C: no namespaces."""
        return self._level

    def run(self, job: Job) -> JobResult:
        """Run to the end. A job lost with its slot is run again, up to ATTEMPTS times in all; the result
        states a fault that remains. Raises ValueError for a job that contradicts itself."""
        _check(job)
        for _ in range(ATTEMPTS - 1):
            result = self._run_once(job)
            if result.infrastructure is None:
                return result
        return self._run_once(job)

    def _run_once(self, job: Job) -> JobResult:
        stdin = open_stdin(job)
        try:
            running = self._start(job, stdin, frozenset())
        except (OSError, SandboxError) as error:
            return JobResult(infrastructure=str(error))
        finally:
            os.close(stdin)
        result = running.finish()
        self._settle(running.handle, result)
        return result

    def open_worker(self, job: Job) -> ResidentProcess:
        """Start a long-lived process in the same isolation; the limits apply to the worker as a whole. Raises
        SandboxError, ValueError."""
        _check(job)
        if job.stdin is not None:
            raise ValueError("a worker's stdin is a pipe: the job's must be None")
        if job.zygote and self._level == "C":
            raise sandbox_error("a zygote sets its programs apart by namespaces, which level C has none of")
        theirs, ours = os.pipe2(os.O_CLOEXEC)
        with ExitStack() as stack:
            stack.callback(os.close, ours)
            try:
                running = self._start(job, theirs, frozenset({"stdout", "channel"}))
            except OSError as error:
                raise sandbox_error(f"the worker could not be started: {error}") from error
            finally:
                os.close(theirs)
            stack.pop_all()
        return ResidentProcess(running, ours, self)

    def make_build(self) -> BuildFolder:
        """A folder for a build, which nobody else can reach. The caller removes it. Raises OSError and
        SandboxError."""
        return self._own_folders().make_build()

    def _own_folders(self) -> JobFolders:
        with self._lock:
            if self._closed:
                raise sandbox_error("it is closed")
            if self._folders is None:
                try:
                    self._folders = JobFolders(shared=self._level == "C" and os.geteuid() == 0)
                except OSError as error:
                    raise sandbox_error(f"cannot make a temporary folder: {error}") from error
            return self._folders

    def close(self) -> None:
        """Kill and reap everything that still runs. May be called twice."""
        with self._lock:
            self._closed = True
        self._close_slots()

    def _close_slots(self) -> None:
        with self._lock:
            handles = [*self._idle, *self._busy]
            self._idle.clear()
            folders, self._folders = self._folders, None
        for handle in handles:
            handle.close()
        if folders is not None:
            folders.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, job: Job, stdin: int, unwatched: frozenset[str]) -> ActiveJob:
        """Launch in a slot. Raises OSError or SandboxError (our faults), ValueError (a fault of the job)."""
        handle = self._take()
        try:
            return launch(handle, job, stdin, unwatched)
        except (ValueError, SandboxError):
            self._return(handle)
            raise
        except OSError:
            self._discard(handle)
            raise

    def _open_slot(self) -> SlotHandle:
        folders = self._own_folders()
        return open_slot(self._level, self._command, next(_SLOT_NUMBERS), self.listens, folders)

    def _take(self) -> SlotHandle:
        handle = self._take_idle() or self._open_slot()
        with self._lock:
            if not self._closed:
                self._busy.add(handle)
                return handle
        handle.close()
        raise sandbox_error("it is closed")

    def _take_idle(self) -> SlotHandle | None:
        """An idle slot; slots whose process was killed meanwhile are dropped."""
        while True:
            with self._lock:
                handle = self._idle.pop() if self._idle else None
            if handle is None or handle.slot.process.poll() is None:
                return handle
            handle.close()

    def _return(self, handle: SlotHandle) -> None:
        with self._lock:
            self._busy.discard(handle)
            if not self._closed:
                self._idle.append(handle)
                return
        handle.close()

    def _discard(self, handle: SlotHandle) -> None:
        with self._lock:
            self._busy.discard(handle)
        handle.close()

    def _settle(self, handle: SlotHandle, result: JobResult) -> None:
        """After a job: keep the slot, unless it had a problem."""
        if result.infrastructure is None:
            self._return(handle)
        else:
            self._discard(handle)


def _check(job: Job) -> None:
    """Raises ValueError for a job that contradicts itself."""
    if not job.argv:
        raise ValueError("argv is empty")
    if job.work_readonly and (job.writable is None or job.files):
        raise ValueError("work_readonly needs a writable folder and no files")
