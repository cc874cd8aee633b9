"""Runs one program inside a remote sandbox: a fresh process with limits, drained, watched, and swept away.

It is shipped with `worker.py` and is self-contained: only the standard library, Python 3.9 or later, Linux.
The one rule: when `run` returns, no process that the program started is alive; its resource use is taken from
the kernel's accounts, never from the program.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import fcntl
import os
import resource
import select
import signal
import time
from dataclasses import dataclass
from typing import NoReturn

from capped_stream import CappedStream  # type: ignore[import-not-found]

CHECK_S = 0.05
PIECE = 1 << 17
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
OPEN_FILES = 1024
CHANNEL_BYTES = 16 << 20
SWEEP_S = 20.0
RESERVED = 1 << 30
"""Address space that a program may reserve beyond its memory; what it uses is counted."""
UNSTARTABLE = "cannot start what was built: "
"""Begins the report of a program that came with the job and that the kernel cannot start."""
NO_NEW_PRIVILEGES, SUBREAPER, DEATH_SIGNAL, DUMPABLE = 38, 36, 1, 4
LIBC = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Raises OSError."""
    if LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def packed(stream: CappedStream) -> list[object]:
    """A stream in the form used in answers: the bytes in base64, and the true length."""
    return [base64.b64encode(stream.data).decode(), stream.length]


@dataclass
class ProgramRun:
    """The command, its folder, its user, and its limits (the fields of `Limits`)."""

    argv: list[str]
    folder: str
    env: dict[str, str]
    limits: dict[str, float]
    stdin: bytes = b""
    uid: int | None = None
    """None: there is no other user to switch to, as without root."""
    data_limit: bool = True


def children(pid: int) -> list[int]:
    """Children of all threads of a process; empty if it is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        # as in the whole file: strings are cheaper here
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            path = f"/proc/{pid}/task/{task}/children"
            with contextlib.suppress(OSError), open(path) as listing:  # noqa: PTH123
                found += map(int, listing.read().split())
    return found


def descendants(spared: set[int]) -> list[int]:
    """Everything below this process, including zombies, except the spared processes and their descendants."""
    found, waiting = [], children(os.getpid())
    while waiting:
        at = waiting.pop()
        if at not in spared:
            found.append(at)
            waiting += children(at)
    return found


def usage(pid: int) -> tuple[float, float]:
    """CPU seconds (reaped children included) and anonymous resident MiB of one process; zero if
    it is gone."""
    try:
        folder = f"/proc/{pid}"
        with open(f"{folder}/stat", "rb") as stat, open(f"{folder}/statm", "rb") as statm:  # noqa: PTH123
            ticks = sum(map(int, stat.read().rpartition(b")")[2].split()[11:15]))
            resident, shared = map(int, statm.read().split()[1:3])
    except (OSError, IndexError, ValueError):
        return 0.0, 0.0
    return ticks / TICKS, (resident - shared) * PAGE / (1 << 20)


def reaped_s() -> float:
    """CPU seconds of all children that this process has reaped, including the ones that they reaped."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def reap(ended: dict[int, tuple[int, float]], spared: set[int]) -> None:
    """Reap the children that have ended: wait status and peak memory in MiB, by pid."""
    for pid in children(os.getpid()):
        if pid not in spared:
            with contextlib.suppress(ChildProcessError):
                gone, status, used = os.wait4(pid, os.WNOHANG)
                if gone:
                    ended[gone] = (status, used.ru_maxrss / 1024)


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to the processes that still exist."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def sweep(ended: dict[int, tuple[int, float]], spared: set[int]) -> None:
    """Kill and reap everything below. All are stopped first, so that none forks while the others die. Raises
    OSError if some stay."""
    deadline = time.monotonic() + SWEEP_S
    while found := descendants(spared):
        stopped: set[int] = set()
        while not stopped.issuperset(found) and time.monotonic() < deadline:
            signal_all([pid for pid in found if pid not in stopped], signal.SIGSTOP)
            stopped.update(found)
            found = descendants(spared)
        signal_all(found, signal.SIGKILL)
        reap(ended, spared)
        if time.monotonic() > deadline:
            raise OSError(f"{len(found)} processes of a program cannot be killed")
        if descendants(spared):
            time.sleep(0.001)


def set_limit(kind: int, soft: int, hard: int) -> None:
    """Without root a hard limit can only be lowered."""
    ceiling = resource.getrlimit(kind)[1]
    if os.geteuid() != 0 and ceiling != resource.RLIM_INFINITY:
        hard = ceiling if hard == resource.RLIM_INFINITY else min(hard, ceiling)
        soft = min(soft, ceiling)
    resource.setrlimit(kind, (soft, hard))


def set_limits(program: ProgramRun) -> None:
    """CPU is a backstop one second above the watched limit."""
    limits = {name: int(value) for name, value in program.limits.items()}
    memory = limits["memory_mb"] << 20
    set_limit(resource.RLIMIT_CPU, limits["cpu_s"] + 2, limits["cpu_s"] + 3)
    set_limit(resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"])
    set_limit(resource.RLIMIT_CORE, 0, 0)
    set_limit(resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES)
    set_limit(resource.RLIMIT_STACK, min(limits["stack_mb"] << 20, memory), resource.RLIM_INFINITY)
    if program.uid is not None:  # without a separate user, all other processes of this user would count
        set_limit(resource.RLIMIT_NPROC, limits["processes"], limits["processes"])
    if program.data_limit:
        set_limit(resource.RLIMIT_DATA, memory + RESERVED, memory + RESERVED)


def become(program: ProgramRun, descriptors: list[int], fault: int) -> NoReturn:
    """In the fork: become the program. A failure is reported on `fault`, which a successful start closes."""
    try:
        os.setsid()
        fault = fcntl.fcntl(fault, fcntl.F_DUPFD_CLOEXEC, 20)
        high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20) for descriptor in descriptors]
        for target, descriptor in enumerate(high):
            os.dup2(descriptor, target)
        os.chdir(program.folder)
        os.umask(0o022)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
            score.write("1000")
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        set_limits(program)
        if program.uid is not None:
            os.setgroups([])
            os.setresgid(program.uid, program.uid, program.uid)
            os.setresuid(program.uid, program.uid, program.uid)
        prctl(NO_NEW_PRIVILEGES, 1)
        prctl(DEATH_SIGNAL, signal.SIGKILL)
    except BaseException as error:  # noqa: BLE001  # a fork must never return
        os.write(fault, f"{type(error).__name__}: {error}".encode())
        os._exit(127)
    try:
        os.execve(program.argv[0], program.argv, program.env)
    except BaseException as error:  # noqa: BLE001
        own = UNSTARTABLE if program.argv[0].startswith("./") else ""
        os.write(fault, f"{own}{type(error).__name__}: {error}".encode())
    os._exit(127)


class Watch:
    """One program from its start to its end."""

    def __init__(self, program: ProgramRun, spared: set[int]) -> None:
        self.program, self.spared = program, spared
        self.stop, self.cpu_s, self.memory_mb = "none", 0.0, 0.0
        self.ended: dict[int, tuple[int, float]] = {}
        output = int(program.limits["output_bytes"])
        caps = {"stdout": output, "stderr": output, "channel": CHANNEL_BYTES, "fault": 4096}
        self.sinks = {name: CappedStream(cap) for name, cap in caps.items()}
        self.poller = select.poll()
        self.names: dict[int, str] = {}
        self.started, self.before_s = time.monotonic(), reaped_s()

    def start(self) -> int:
        """Fork, and return the program's pid."""
        stdin = os.memfd_create("stdin")
        with open(stdin, "wb", closefd=False) as text:
            text.write(self.program.stdin)
        os.lseek(stdin, 0, os.SEEK_SET)
        writes = []
        for name in self.sinks:
            read, write = os.pipe()
            writes.append(write)
            self.names[read] = name
            self.poller.register(read, select.POLLIN)
        pid = os.fork()
        if pid == 0:
            become(self.program, [stdin, *writes[:3]], writes[3])
        for descriptor in (stdin, *writes):
            os.close(descriptor)
        return pid

    def watch(self, pid: int) -> None:
        """Drain and check until the program itself has ended or has been stopped."""
        end = os.pidfd_open(pid)
        self.poller.register(end, select.POLLIN)
        due = self.started + CHECK_S
        try:
            while self.stop == "none":
                ready = [
                    descriptor
                    for descriptor, _ in self.poller.poll(max(1.0, 1000 * (due - time.monotonic())))
                ]
                for descriptor in ready:
                    if descriptor != end:
                        self.drain(descriptor)
                if end in ready:
                    return
                if time.monotonic() >= due:
                    self.check(pid)
                    due = time.monotonic() + CHECK_S
        finally:
            self.poller.unregister(end)
            os.close(end)

    def drain(self, descriptor: int) -> bool:
        """Read one piece. Returns whether there was one."""
        piece = os.read(descriptor, PIECE)
        if not piece:
            self.poller.unregister(descriptor)
        elif not self.sinks[self.names[descriptor]].add(piece):
            self.stop = "output" if self.stop == "none" else self.stop
        return bool(piece)

    def measure(self) -> None:
        """Record the current use of everything below."""
        used = [usage(pid) for pid in descendants(self.spared)]
        self.cpu_s = max(self.cpu_s, sum(cpu for cpu, _ in used) + reaped_s() - self.before_s)
        self.memory_mb = max(self.memory_mb, sum(memory for _, memory in used))

    def check(self, pid: int) -> None:
        """Stop the program if it exceeds a limit; reap ended orphans that we inherited."""
        self.measure()
        reap(self.ended, self.spared | {pid})
        if self.cpu_s > self.program.limits["cpu_s"]:
            self.stop = "cpu"
        elif self.memory_mb > self.program.limits["memory_mb"]:
            self.stop = "memory"
        elif time.monotonic() - self.started > self.program.limits["wall_s"]:
            self.stop = "wall"

    def close(self) -> None:
        """No possible writer is alive: read the rest of the pipes."""
        for descriptor in self.names:
            os.set_blocking(descriptor, False)
            with contextlib.suppress(BlockingIOError, KeyError):
                while self.drain(descriptor):
                    pass
            os.close(descriptor)


def run(program: ProgramRun, spared: set[int]) -> dict[str, object]:
    """Run to the end; the result has the fields of a `JobResult`. Raises OSError for a fault
    of the sandbox."""
    watch = Watch(program, spared)
    pid = watch.start()
    try:
        watch.watch(pid)
        watch.measure()
    finally:
        sweep(watch.ended, spared)
        watch.close()
    return describe(watch, pid)


def describe(watch: Watch, pid: int) -> dict[str, object]:
    """The answer for a program that has ended."""
    status, peak_mb = watch.ended[pid]
    code = os.waitstatus_to_exitcode(status)
    cpu_s = max(watch.cpu_s, reaped_s() - watch.before_s)
    fault = bytes(watch.sinks["fault"].data).decode("utf-8", "replace")
    over = cpu_s > watch.program.limits["cpu_s"] or code == -signal.SIGXCPU
    return {
        "exit_code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "stop": "cpu" if watch.stop == "none" and over else watch.stop,
        "stdout": packed(watch.sinks["stdout"]),
        "stderr": packed(watch.sinks["stderr"]),
        "channel": packed(watch.sinks["channel"])[0],
        "cpu_s": cpu_s,
        "wall_s": time.monotonic() - watch.started,
        "peak_memory_mb": max(peak_mb, watch.memory_mb),
        "infrastructure": None if fault.startswith(UNSTARTABLE) else fault or None,
        "unstartable": fault[len(UNSTARTABLE) :] if fault.startswith(UNSTARTABLE) else None,
    }
