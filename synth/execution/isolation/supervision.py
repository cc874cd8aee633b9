"""Watches one running job from outside: drains its streams, measures it, stops it, and
reports the observations.

Place in the flow: between a slot that has just started a job and the `JobResult`. The one rule: streams are
always drained, so we never block a program, and resource use is taken from the kernel's own accounts, never
from the program.
"""

import contextlib
import math
import os
import select
import time
from pathlib import Path
from typing import NamedTuple

from synth.execution.isolation.capped_stream import CappedStream
from synth.execution.isolation.cgroups import MemoryGroup
from synth.execution.isolation.folders import Folders, Room, measure
from synth.execution.isolation.launcher.slot import Slot, Used
from synth.execution.isolation.reports import read_reports
from synth.records import Limits, Stop

_CHECK_S = 0.05
_READ_BYTES = 1 << 17
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SIGKILL, _SIGXCPU = 9, 24


class TreeUse(NamedTuple):
    """Current use of a process tree: total CPU seconds, and resident memory in MiB that belongs
    to no file."""

    cpu_s: float
    memory_mb: float


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def measure_tree(pid: int, limit_mb: float = math.inf) -> TreeUse:
    """Sum over a process, its living descendants, and the processes that they have reaped. Processes that end
    meanwhile are left out.

    If more than the limit is resident, shared pages are also counted, once each. Otherwise they are not:
    telling them from file pages costs time.
    """
    ticks, own, mapped, waiting, seen = 0, 0, 0, [pid], list[int]()
    while waiting:
        with contextlib.suppress(OSError, IndexError):
            at = waiting.pop()
            fields = Path(f"/proc/{at}/stat").read_bytes().rpartition(b")")[2].split()
            ticks += sum(map(int, fields[11:15]))
            resident, shared = map(int, Path(f"/proc/{at}/statm").read_bytes().split()[1:3])
            own, mapped = own + resident - shared, mapped + shared
            seen.append(at)
            waiting += _children(at)
    memory_mb = own * _PAGE_BYTES / (1 << 20)
    if memory_mb <= limit_mb < memory_mb + mapped * _PAGE_BYTES / (1 << 20):
        memory_mb += sum(map(_shared_mb, seen))
    return TreeUse(ticks / _TICKS_PER_S, memory_mb)


def _shared_mb(pid: int) -> float:
    """A process's share of its shared anonymous memory, in MiB."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Shmem:"):
                return int(line.split()[1]) / 1024
    return 0.0


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
        group: MemoryGroup | None,
    ) -> None:
        self.slot, self.init_pid, self.status, self.sinks, self.limits, self.group = (
            slot,
            init_pid,
            status,
            sinks,
            limits,
            group,
        )
        self.started = time.monotonic()
        self.reason = Stop.NONE
        self.killed = False
        self.highest = TreeUse(0.0, 0.0)
        self.kills_before = group.kills() if group else 0
        self.folders: Folders | None = None
        """Folders on a shared disk, which are limited to `room`."""
        self.room = Room(0, 0)

    def stop(self, reason: Stop = Stop.NONE) -> None:
        """Kill the whole process tree. The first reason is kept."""
        if not self.killed:
            self.killed, self.reason = True, reason
            self._measure()  # processes that die with the pid namespace leave no accounts
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
        report, poller, next_check = b"", select.poll(), self.started + _CHECK_S
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
                next_check = time.monotonic() + _CHECK_S

    def _measure(self) -> TreeUse:
        use = measure_tree(self.init_pid, math.inf if self.group else self.limits.memory_mb)
        self.highest = TreeUse(max(self.highest.cpu_s, use.cpu_s), max(self.highest.memory_mb, use.memory_mb))
        return use

    def _check(self) -> None:
        use = self._measure()
        if use.cpu_s > self.limits.cpu_s:
            self.stop(Stop.CPU)
        elif self._is_out_of_memory(use):
            self.stop(Stop.MEMORY)
        elif self._is_out_of_room():
            self.stop(Stop.OUTPUT)
        elif time.monotonic() - self.started > self.limits.wall_s:
            self.stop(Stop.WALL)

    def _is_out_of_memory(self, use: TreeUse) -> bool:
        if self.group is None:
            return use.memory_mb > self.limits.memory_mb
        return self.group.kills() > self.kills_before

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
        peak_mb = max(used.peak_memory_mb, self.group.peak_mb() if self.group else self.highest.memory_mb)
        used = Used(max(used.cpu_s, self.highest.cpu_s), peak_mb)
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
        return self.group is not None and self.group.kills() > self.kills_before

    def _why(self, code: int, used: Used) -> Stop:
        if self.reason is not Stop.NONE:
            return self.reason
        if self._was_oom_killed():
            return Stop.MEMORY
        if used.cpu_s > self.limits.cpu_s or code == -_SIGXCPU:
            return Stop.CPU
        return Stop.NONE
