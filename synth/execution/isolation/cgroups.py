"""The kernel's memory accounting for a slot, on machines that let us make cgroups (level A).

Place in the flow: `slots.py` makes one group per slot; `active_job.py` sets the limit before each job and
reads the peak and the kills after it. The one rule: groups are made below our own, so that our own limits
also apply to the programs that we run.
"""

import contextlib
import itertools
import os
from pathlib import Path
from typing import NamedTuple

_ROOT = Path("/sys/fs/cgroup")
_NUMBERS = itertools.count()
"""Makes names unique: one process may have several sandboxes."""


class _Names(NamedTuple):
    """The files of the memory controller in one cgroup version."""

    limit: str
    peak: str
    events: str


_NAMES = {
    1: _Names("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
    2: _Names("memory.max", "memory.peak", "memory.events"),
}


class MemoryGroup:
    """One slot's memory cgroup, version 1 or 2. Its files stay open: each is used several times per job."""

    def __init__(self, folder: Path, version: int) -> None:
        """Raises OSError if a file of the controller is missing."""
        self.folder = folder
        names = _NAMES[version]
        self._limit = os.open(folder / names.limit, os.O_RDWR | os.O_CLOEXEC)
        self._events = os.open(folder / names.events, os.O_RDONLY | os.O_CLOEXEC)
        self._peak, self._can_reset = _open_peak(folder / names.peak)
        self._memory_mb = 0

    def start(self, memory_mb: int) -> None:
        """Set the limit and reset the peak."""
        if memory_mb != self._memory_mb:
            os.pwrite(self._limit, str(memory_mb << 20).encode(), 0)
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

    def remove(self) -> None:
        """Close the files, and remove the group (empty by then) unless the slot already has. May
        be called twice."""
        descriptors, self._limit, self._events, self._peak = (
            (self._limit, self._events, self._peak),
            -1,
            -1,
            -1,
        )
        for descriptor in descriptors:
            if descriptor >= 0:
                os.close(descriptor)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def _open_peak(path: Path) -> tuple[int, bool]:
    """A descriptor (-1 before Linux 5.19), and whether the peak can be reset: version 2 before Linux 6.12 can
    only read it."""
    for flags in (os.O_RDWR, os.O_RDONLY):
        with contextlib.suppress(OSError):
            return os.open(path, flags | os.O_CLOEXEC), flags == os.O_RDWR
    return -1, False


def _own_path(version: int) -> Path | None:
    """The folder of our own cgroup for the memory controller."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if version == 1 and "memory" in controllers.split(","):
            return _ROOT / "memory" / path.lstrip("/")
        if version == 2 and number == "0" and (_ROOT / "cgroup.controllers").exists():
            return _ROOT / path.lstrip("/")
    return None


def _remove_stale(parent: Path) -> None:
    """Remove groups left behind by a supervisor that was killed."""
    for folder in parent.glob("codemill-*-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def make_group() -> MemoryGroup | None:
    """A new memory group for one slot, or None if that is impossible (no root, no
    delegation, no controller)."""
    for version in (1, 2):
        parent = _own_path(version)
        if parent is None:
            continue
        _remove_stale(parent)
        folder = parent / f"codemill-{os.getpid()}-{next(_NUMBERS)}"
        try:
            if version == 2:
                (parent / "cgroup.subtree_control").write_text("+memory")
            folder.mkdir()
            group = MemoryGroup(folder, version)
            group.start(1024)
        except OSError:
            with contextlib.suppress(OSError):
                folder.rmdir()
            continue
        return group
    return None
