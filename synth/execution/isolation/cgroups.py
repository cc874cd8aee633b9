"""The kernel's own accounts of CPU time and memory, on machines that let us make cgroups (level A).

Place in the flow: `slots.py` makes one account for each slot, and `active_job.py` one more for the programs
of a zygote; `supervision.py` and `zygote.c` read what was used. The one rule: groups are made below our own,
so that our own limits also apply to what we run.

In version 1 the two controllers have a hierarchy each, in version 2 they share one. A process that joined an
account cannot leave it: no file of a cgroup is visible to a program.
"""

import contextlib
import itertools
import os
from pathlib import Path
from typing import Final, Literal, NamedTuple

_ROOT: Final = Path("/sys/fs/cgroup")
_NUMBERS = itertools.count()
"""Makes names unique: one process may have several sandboxes."""
_FIRST_MB: Final = 1024
Version = Literal[1, 2]


class CgroupPlace(NamedTuple):
    """A group in one hierarchy."""

    folder: Path
    version: Version

    @property
    def join(self) -> Path:
        """The file where a process writes "0" to come in. Those who do have one thread, and `tasks` moves one
        without stopping every fork of the machine, but only version 1 has it."""
        return _join(self.folder, self.version)

    @property
    def leave(self) -> Path:
        """The same file of the parent."""
        return _join(self.folder.parent, self.version)

    def beside(self, suffix: str) -> "CgroupPlace":
        """The group next to it of that name."""
        return self._replace(folder=self.folder.with_name(self.folder.name + suffix))


def _join(folder: Path, version: Version) -> Path:
    return folder / ("tasks" if version == 1 else "cgroup.procs")


class _Names(NamedTuple):
    """The files of an account in one cgroup version."""

    limit: str
    swap: str
    peak: str
    events: str
    cpu: str


_NAMES: Final = {
    1: _Names(
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.max_usage_in_bytes",
        "memory.oom_control",
        "cpuacct.usage",
    ),
    2: _Names("memory.max", "memory.swap.max", "memory.peak", "memory.events", "cpu.stat"),
}


class Account:
    """CPU time and memory of the processes in one group. Its files stay open: each is used several times per
    job."""

    def __init__(self, memory: CgroupPlace, cpu: CgroupPlace) -> None:
        """Raises OSError if a file of a controller is missing. Swap is counted where the kernel does."""
        self.places: tuple[CgroupPlace, ...] = (memory,) if memory == cpu else (memory, cpu)
        names = _NAMES[memory.version]
        self.events, self.cpu = memory.folder / names.events, cpu.folder / _NAMES[cpu.version].cpu
        """The files that `kills` and `cpu_s` read."""
        with contextlib.ExitStack() as opened:
            self._limit = _open(memory.folder / names.limit, os.O_RDWR, opened)
            self._events = _open(self.events, os.O_RDONLY, opened)
            self._cpu = _open(self.cpu, os.O_RDONLY, opened)
            self._peak, self._can_reset = _open_peak(memory.folder / names.peak, opened)
            self._swap = -1
            with contextlib.suppress(OSError):
                self._swap = _open(memory.folder / names.swap, os.O_RDWR, opened)
            if memory.version == 2 and self._swap >= 0:
                os.pwrite(self._swap, b"0", 0)  # it counts swap apart from memory
            self._both = memory.version == 1 and self._swap >= 0
            self._opened = opened.pop_all()
        self._memory_mb = 1 << 30

    @property
    def name(self) -> str:
        return self.places[0].folder.name

    @property
    def files(self) -> tuple[str, ...]:
        """What its members read and write: CPU time, memory events, and the files to join it by."""
        return str(self.cpu), str(self.events), *(str(place.join) for place in self.places)

    def start(self, memory_mb: int) -> None:
        """Set the limit, of memory and swap together, and reset the peak."""
        if memory_mb != self._memory_mb:
            limits = [self._limit, *([self._swap] if self._both else [])]
            for limit in limits if memory_mb < self._memory_mb else reversed(limits):  # the sum is never less
                os.pwrite(limit, str(memory_mb << 20).encode(), 0)
            self._memory_mb = memory_mb
        if self._can_reset:
            os.pwrite(self._peak, b"0", 0)

    def kills(self) -> int:
        """How many processes the kernel has killed here because memory ran out."""
        lines = os.pread(self._events, 4096, 0).splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith(b"oom_kill ")), 0)

    def peak_mb(self) -> float:
        """Peak memory use since `start`."""
        return int(os.pread(self._peak, 64, 0)) / (1 << 20) if self._peak >= 0 else 0.0

    def cpu_s(self) -> float:
        """CPU seconds of all who ever were in it, whoever reaped them."""
        text = os.pread(self._cpu, 4096, 0)
        return int(text.split()[1]) / 1e6 if text.startswith(b"usage_usec ") else int(text) / 1e9

    def remove(self) -> None:
        """Close the files, and remove the group (empty by then) unless the slot already has. May
        be called twice."""
        self._opened.close()
        for place in self.places:
            with contextlib.suppress(OSError):
                place.folder.rmdir()


def _open(path: Path, flags: int, opened: contextlib.ExitStack) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor


def _open_peak(path: Path, opened: contextlib.ExitStack) -> tuple[int, bool]:
    """A descriptor (-1 before Linux 5.19), and whether the peak can be reset: version 2 before Linux 6.12 can
    only read it."""
    for flags in (os.O_RDWR, os.O_RDONLY):
        with contextlib.suppress(OSError):
            return _open(path, flags, opened), flags == os.O_RDWR
    return -1, False


def _own_places(controller: str, root: Path, own: Path) -> list[CgroupPlace]:
    """Where our own groups are for this controller. Next to hierarchies of version 1 there may be one of
    version 2, without controllers, which accounts for CPU all the same."""
    found: list[CgroupPlace] = []
    for line in own.read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            found.append(CgroupPlace(root / controller / path.lstrip("/"), 1))
        elif number == "0" and not controllers:
            unified = root if (root / "cgroup.controllers").exists() else root / "unified"
            found.append(CgroupPlace(unified / path.lstrip("/"), 2))
    return found


def _remove_stale(parent: Path) -> None:
    """Remove groups left behind by a supervisor that was killed."""
    for folder in parent.glob("codemill-*-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _make_places(name: str, controller: str, root: Path, own: Path) -> list[CgroupPlace]:
    """New groups of this name for the controller, in each hierarchy that allows it."""
    made: list[CgroupPlace] = []
    for parent, version in _own_places(controller, root, own):
        with contextlib.suppress(OSError):
            _remove_stale(parent)
            if version == 2 and controller == "memory":
                (parent / "cgroup.subtree_control").write_text("+memory")
            (parent / name).mkdir(exist_ok=True)
            made.append(CgroupPlace(parent / name, version))
    return made


def make_account(name: str = "", root: Path = _ROOT, own: Path = Path("/proc/self/cgroup")) -> Account | None:
    """A new account, or None if that is impossible (no root, no delegation, no controller). `root` and `own`
    are where the kernel shows its hierarchies, and our place in them."""
    name = name or f"codemill-{os.getpid()}-{next(_NUMBERS)}"
    memory, cpu = (_make_places(name, controller, root, own) for controller in ("memory", "cpuacct"))
    for memory_at in memory:
        for cpu_at in cpu:
            with contextlib.suppress(OSError):
                account = Account(memory_at, cpu_at)
                account.start(_FIRST_MB)
                _remove_others({*memory, *cpu} - {*account.places})
                return account
    _remove_others({*memory, *cpu})
    return None


def _remove_others(places: set[CgroupPlace]) -> None:
    for place in places:
        with contextlib.suppress(OSError):
            place.folder.rmdir()
