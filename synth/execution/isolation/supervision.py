"""Watches one running job from outside: drains its streams, measures it, stops it, and
reports the observations.

Place in the flow: between a slot that has just started a job and the `JobResult`. The one rule: streams are
always drained, so we never block a program, and resource use is taken from the kernel's own accounts, never
from the program.
"""

import contextlib
import math
import os
import random
import select
import time
from collections.abc import Callable
from typing import NamedTuple

from synth.execution.isolation.capped_stream import CappedStream
from synth.execution.isolation.cgroups import Account
from synth.execution.isolation.folders import Folders, Room, measure
from synth.execution.isolation.launcher.slot import Slot, Used
from synth.execution.isolation.process_tree import ProcessTree
from synth.execution.isolation.reports import read_reports
from synth.records import Limits, Stop

_CHECK_S = 0.05
_READ_BYTES = 1 << 17
_LONGEST_GAP_S = 0.2
"""A look that comes later was held up by the machine, which may have held up the program as well."""
_DOUBT, _DOUBT_S = 1.5, 0.25
"""So many times the limit, and so much more, must an estimate of CPU time say before it counts."""
_SIGKILL, _SIGXCPU = 9, 24


def _pause() -> float:
    """Until the next look, which a program cannot foretell."""
    return random.uniform(0.5, 1.5) * _CHECK_S


class Spent(NamedTuple):
    """What an account had counted before a job."""

    cpu_s: float = 0.0
    kills: int = 0


class Ending(NamedTuple):
    """How a job ended, for the `JobResult`."""

    exit_code: int | None
    signal: int | None
    stop: Stop
    used: Used
    wall_s: float
    infrastructure: str | None = None
    violation: str | None = None


class Supervision:
    """One supervised job. `finish` blocks until no part of it is left; `stop` may be called
    from any thread."""

    def __init__(
        self,
        slot: Slot,
        init_pid: int,
        status: int,
        sinks: dict[int, CappedStream],
        limits: Limits,
        account: Account | None,
        before: Spent,
    ) -> None:
        self.slot, self.init_pid, self.status, self.sinks, self.limits = slot, init_pid, status, sinks, limits
        self.account, self.before = account, before
        self.tree = ProcessTree(init_pid, math.inf if account else limits.memory_mb)
        self.started = self.looked = time.monotonic()
        self.reason = Stop.NONE
        self.killed = False
        self.cpu_s = self.peak_mb = 0.0
        self.idle_limit_s, self.idle_s = limits.idle_s, 0.0
        """A program may be idle for so long, and is for so long now."""
        self.last_activity: tuple[object, ...] = ()
        self.is_abandoned: Callable[[], bool] | None = None
        """Whether nobody waits for the result any more."""
        self.folders: Folders | None = None
        """Folders on a shared disk, which are limited to `room`."""
        self.room = Room(0, 0)

    def stop(self, reason: Stop = Stop.NONE) -> None:
        """Kill the whole process tree. The first reason is kept."""
        if not self.killed:
            self.killed, self.reason = True, reason
            if self.account is None:
                self._measure()  # processes that die with the pid namespace leave no accounts in /proc
            self.slot.kill_job()

    def finish(self, operations: bytes) -> Ending:
        """Watch to the end. `operations` is the job's list, to name the failed step."""
        try:
            report = self._watch()
            used = self.slot.wait_reaped()
            self._drain_rest()
        finally:
            wall_s = time.monotonic() - self.started
            for descriptor in (self.status, *self.sinks):
                os.close(descriptor)
        return self._judge(report, used, wall_s, operations)

    def _watch(self) -> bytes:
        """Drain and check until the status pipe closes, that is, until the job's init is gone.
        Returns its report."""
        report, poller, next_check = b"", select.poll(), self.started + _pause()
        for descriptor in (self.status, *self.sinks):
            poller.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poller.poll(max(1, 1000 * (next_check - time.monotonic()))):
                piece = os.read(descriptor, _READ_BYTES)
                if descriptor == self.status:
                    if not piece:
                        return report
                    report += piece
                elif not piece:
                    poller.unregister(descriptor)
                elif not self.sinks[descriptor].add(piece):
                    self.stop(Stop.OUTPUT)
            if time.monotonic() >= next_check:
                self._check()
                next_check = time.monotonic() + _pause()

    def used_s(self) -> float:
        """CPU seconds so far, of the whole tree."""
        if self.account is None:
            return self.tree.look().cpu_s
        return self.account.cpu_s() - self.before.cpu_s

    def _measure(self) -> tuple[bool, bool, object]:
        """Whether it is out of CPU time and of memory, and something that changes when it runs."""
        if self.account is not None:
            self.cpu_s = self.used_s()
            return self.cpu_s > self.limits.cpu_s, self._was_oom_killed(), self.cpu_s
        use = self.tree.look()
        sure = use.cpu_s > self.limits.cpu_s
        slow = sure or use.estimate_s > _DOUBT * self.limits.cpu_s + _DOUBT_S
        self.cpu_s = max(self.cpu_s, use.cpu_s if sure or not slow else use.estimate_s)
        self.peak_mb = max(self.peak_mb, use.memory_mb)
        return slow, use.memory_mb > self.limits.memory_mb, use.ran

    def _check(self) -> None:
        is_slow, is_large, ran = self._measure()
        if self.is_abandoned is not None and self.is_abandoned():
            self.stop(Stop.WALL)  # nobody reads it
        elif is_slow:
            self.stop(Stop.CPU)
        elif is_large:
            self.stop(Stop.MEMORY)
        elif self._is_out_of_room():
            self.stop(Stop.OUTPUT)
        elif time.monotonic() - self.started > self.limits.wall_s or self._is_idle(ran):
            self.stop(Stop.WALL)

    def _is_idle(self, ran: object) -> bool:
        """Whether nothing ran and nothing was written for too long, though nobody waits for a processor."""
        passed, self.looked = time.monotonic() - self.looked, time.monotonic()
        activity = (ran, *(sink.length for sink in self.sinks.values()))
        self.idle_s = self.idle_s + min(passed, _LONGEST_GAP_S) if activity == self.last_activity else 0.0
        self.last_activity = activity
        if self.idle_s < self.idle_limit_s:
            return False
        self.idle_s = 0.0
        return not self.tree.look().runs

    def _is_out_of_room(self) -> bool:
        if self.folders is None:
            return False
        used = measure(self.folders, self.room.entries)
        return used.size > self.room.size or used.entries > self.room.entries

    def _drain_rest(self) -> None:
        """Every writer is dead, so the pipes hold the rest of the output, even if we still have a stray copy
        of a write end open."""
        for descriptor, sink in self.sinks.items():
            os.set_blocking(descriptor, False)
            with contextlib.suppress(BlockingIOError):
                while piece := os.read(descriptor, _READ_BYTES):
                    if not sink.add(piece) and self.reason is Stop.NONE:
                        self.reason = Stop.OUTPUT

    def _judge(self, report: bytes, used: Used, wall_s: float, operations: bytes) -> Ending:
        peak_mb = max(used.peak_memory_mb, self.account.peak_mb() if self.account else self.peak_mb)
        used = Used(self.used_s() if self.account else max(used.cpu_s, self.cpu_s), peak_mb)
        said = read_reports(report, operations)
        if said.fault is not None:
            return Ending(None, None, Stop.NONE, used, wall_s, said.fault)
        code = -_SIGKILL if said.code is None and (self.killed or self._was_oom_killed()) else said.code
        if code is None:
            return Ending(None, None, Stop.NONE, used, wall_s, "the job's init ended without a report")
        stop = Stop.VIOLATION if said.violation is not None else self._why(code, used)
        return Ending(
            code if code >= 0 else None,
            -code if code < 0 else None,
            stop,
            used,
            wall_s,
            violation=said.violation,
        )

    def _was_oom_killed(self) -> bool:
        return self.account is not None and self.account.kills() > self.before.kills

    def _why(self, code: int, used: Used) -> Stop:
        if self.reason is not Stop.NONE:
            return self.reason
        if self._was_oom_killed():
            return Stop.MEMORY
        if used.cpu_s > self.limits.cpu_s or code == -_SIGXCPU:
            return Stop.CPU
        return Stop.NONE
