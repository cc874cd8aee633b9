"""Memory accounting of a slot by the kernel, where this machine lets us make cgroups (level A).

Place in the flow: `process.py` makes one group a slot, sets the limit before each job and reads the peak and the kills after it. The one
rule: groups are made below our own, so that whatever limits us still limits what we run.
"""

import contextlib
import itertools
import os
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_NUMBERS = itertools.count()
"""For names: one process may have several sandboxes."""


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """One slot's memory cgroup, of version 1 or 2."""

    folder: Path
    version: int

    def start(self, memory_mb: int) -> int:
        """Set the limit, forget the old peak; the number of kills so far, for `was_killed`."""
        limit, peak = ("memory.limit_in_bytes", "memory.max_usage_in_bytes") if self.version == 1 else ("memory.max", "memory.peak")
        (self.folder / limit).write_text(str(memory_mb << 20))
        with contextlib.suppress(OSError):  # a version 2 peak cannot be reset before Linux 6.12
            (self.folder / peak).write_text("0")
        return self.kills()

    def kills(self) -> int:
        """How many processes the kernel has killed here for want of memory."""
        events = (self.folder / ("memory.oom_control" if self.version == 1 else "memory.events")).read_text()
        return next((int(line.split()[1]) for line in events.splitlines() if line.startswith("oom_kill ")), 0)

    def peak_mb(self) -> float:
        """The most memory in use at once since `start`."""
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        with contextlib.suppress(OSError):
            return int((self.folder / name).read_text()) / (1 << 20)
        return 0.0

    def remove(self) -> None:
        """Remove the group if the slot has not. It is empty by then."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def _own_path(version: int) -> Path | None:
    """The folder of the cgroup that we are in, for the memory controller."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if version == 1 and "memory" in controllers.split(","):
            return _ROOT / "memory" / path.lstrip("/")
        if version == 2 and number == "0" and (_ROOT / "cgroup.controllers").exists():
            return _ROOT / path.lstrip("/")
    return None


def _remove_stale(parent: Path) -> None:
    """Remove what a supervisor left that was killed before it could."""
    for folder in parent.glob("codemill-*-*"):
        if not Path("/proc", folder.name.split("-")[1]).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def make_group() -> MemoryGroup | None:
    """A new memory group for one slot, or None where there can be none (no root, no delegation, no controller)."""
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
