"""Measures a running process tree from /proc, where no cgroup counts it (levels B and C).

Place in the flow: `supervision.py` looks at a job again and again. The one rule: what a look finds is either
sure, or an estimate that is kept apart, and shared memory counts once.

A process whose parent ignores its end is in no account of the kernel afterwards. What it had used when it was
last seen is still known, and if it ran then, it stands for half of its part of the time until the next look.
One that was not there at the look before, or is gone before it can be looked at, stands for the whole of it.
That estimate counts only once it is gone.
"""

import contextlib
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_MB: Final = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
_PROCESSORS: Final = len(os.sched_getaffinity(0))
_FEW_FILES: Final = 128
_PAGES_A_TABLE: Final = 512
_COST_SHARE: Final = 10
"""Reading the memory of every process exactly takes at most one part in so many of the time."""
_Process = tuple[int, int]
"""Its pid, and when it started: pids are used again."""


class TreeUse(NamedTuple):
    """Use of a process tree so far."""

    cpu_s: float
    """What is sure: of the living, of those whom they have reaped, and of the dead as last seen."""
    estimate_s: float
    """The same, with an estimate for what the dead used that nobody reaped."""
    memory_mb: float
    """Resident memory that belongs to no file, with buffers of sockets, which cannot be looked into."""
    ran: int
    """Changes whenever a thread runs."""
    runs: bool
    """Whether a thread waits for a processor or a disk, and for nothing else."""


class _Seen(NamedTuple):
    """A process at a look: CPU seconds; MiB of its own, and at most so many of files and page tables; whether
    it runs; open files."""

    pid: int
    cpu_s: float
    reaped_s: float
    own_mb: float
    mapped_mb: float
    is_running: bool
    files: int


class ProcessTree:
    """Looks at a process and all its descendants, and remembers what they used that have gone."""

    def __init__(self, root: int, limit_mb: float = math.inf) -> None:
        self._root, self._limit_mb = root, limit_mb
        self._known: dict[_Process, float] = {}
        self._guesses: dict[_Process, float] = {}
        self._lost_s = self._guessed_s = self._highest_s = 0.0
        self._looked = time.monotonic()
        self._exact_mb, self._next_exact = 0.0, 0.0

    def look(self) -> TreeUse:
        """The use so far. Processes that end meanwhile are left out of this look."""
        passed, self._looked = time.monotonic() - self._looked, time.monotonic()
        found, gone, threads = _walk(self._root)
        self._settle_the_dead(found)
        strangers = {each for each, seen in found.items() if seen.is_running and each not in self._known}
        each_s = passed * min(_share_of_processors(), _PROCESSORS / max(1, len(strangers) + gone))
        self._guesses = {each: seen.cpu_s + each_s / 2 for each, seen in found.items() if seen.is_running}
        self._guesses |= {each: max(each_s, self._guesses[each]) for each in strangers}
        self._guessed_s += gone * each_s
        self._known = {each: seen.cpu_s for each, seen in found.items()}
        living = sum(seen.cpu_s for seen in found.values())
        reaped = sum(seen.reaped_s for seen in found.values())
        self._highest_s = max(self._highest_s, living + max(reaped, self._lost_s))
        estimate = max(self._highest_s, living + max(reaped, self._guessed_s))
        return TreeUse(self._highest_s, estimate, self._memory_mb(list(found.values())), *threads)

    def _settle_the_dead(self, found: dict[_Process, _Seen]) -> None:
        for dead in self._known.keys() - found.keys():
            self._lost_s += self._known[dead]
            self._guessed_s += max(self._known[dead], self._guesses.get(dead, 0.0))

    def _memory_mb(self, found: list[_Seen]) -> float:
        """Near the limit, pages that processes share count once each: to tell them costs time."""
        own = sum(seen.own_mb for seen in found)
        buffers = _socket_buffers_mb(found)
        if own + buffers + sum(seen.mapped_mb for seen in found) <= self._limit_mb:
            return own + buffers
        began = time.monotonic()
        if began >= self._next_exact:
            self._exact_mb = sum(_exact_mb(seen.pid) for seen in found)
            self._next_exact = began + _COST_SHARE * (time.monotonic() - began)
        return self._exact_mb + buffers


def _walk(root: int) -> tuple[dict[_Process, _Seen], int, tuple[int, bool]]:
    """The processes of the tree; how many more were gone at once; how long its threads ran, and whether one
    of them wants to run."""
    found: dict[_Process, _Seen] = {}
    gone, ran, runs, waiting = 0, 0, False, [root]
    while waiting:
        at = waiting.pop()
        try:
            fields = Path(f"/proc/{at}/stat").read_bytes().rpartition(b")")[2].split()
            user, system, reaped_user, reaped_system = map(int, fields[11:15])
            size, resident, mapped = map(int, Path(f"/proc/{at}/statm").read_bytes().split()[:3])
            found[at, int(fields[19])] = _Seen(
                at,
                (user + system) / _TICKS_PER_S,
                (reaped_user + reaped_system) / _TICKS_PER_S,
                (resident - mapped) * _PAGE_MB,
                (mapped + size // _PAGES_A_TABLE) * _PAGE_MB,
                fields[0] == b"R",
                _open_files(at),
            )
            for thread in Path(f"/proc/{at}/task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
                ran_ns, wants = _thread(thread)
                ran, runs = ran + ran_ns, runs or wants
        except (OSError, IndexError):
            gone += at != root
    return found, gone, (ran, runs)


def _thread(folder: Path) -> tuple[int, bool]:
    """How long it ran, in nanoseconds; whether it waits for a processor or a disk."""
    state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0]
    try:
        return int((folder / "schedstat").read_bytes().split()[0]), state in (b"R", b"D")
    except OSError:
        return 0, True  # a kernel that does not tell: nobody is idle


def _share_of_processors() -> float:
    """The part of its time that a process that wants to run has a processor for, as the machine is now."""
    running = int(Path("/proc/loadavg").read_text().split()[3].split("/")[0]) - 1  # without ourselves
    return min(1.0, _PROCESSORS / max(1, running))


def _open_files(pid: int) -> int:
    """How many, from Linux 6.2 on; 0 before."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/fd").stat().st_size
    return 0


def _socket_buffers_mb(found: list[_Seen]) -> float:
    """What the buffers of sockets can hold, where there are many: they belong to no process."""
    if sum(seen.files for seen in found) <= _FEW_FILES:
        return 0.0
    sockets = {link for seen in found for link in _links(seen.pid) if link.startswith("socket:")}
    return len(sockets) * _socket_buffer_mb()


def _links(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                yield str(Path(entry.path).readlink())


def _socket_buffer_mb() -> float:
    """The kernel gives twice what a program may ask for."""
    with contextlib.suppress(OSError, ValueError):
        return 2 * int(Path("/proc/sys/net/core/wmem_max").read_text()) / (1 << 20)
    return 0.5


def _exact_mb(pid: int) -> float:
    """A process's share of the anonymous memory that it has, in RAM or swapped out (where it cannot be looked
    into, all of it), and its page tables."""
    status, tables = f"/proc/{pid}/status", 0.0
    with contextlib.suppress(OSError):
        tables = _field_sum(status, ("VmPTE:",))
        return tables + _field_sum(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:", "SwapPss:"))
    with contextlib.suppress(OSError):
        return tables + _field_sum(status, ("RssAnon:", "RssShmem:", "VmSwap:"))
    return tables


def _field_sum(path: str, names: tuple[str, ...]) -> float:
    lines = (line.split() for line in Path(path).read_text().splitlines())
    return sum(int(words[1]) for words in lines if words[0] in names) / 1024
