"""Opens slots of a given isolation level.

Place in the flow: `process.py` opens one slot for each thread that runs jobs. The one rule: a slot has the
requested level, or an error says what is missing.
"""

import fcntl
import grp
import os
import pwd
from collections.abc import Callable
from functools import lru_cache
from typing import BinaryIO, Final, NamedTuple, get_args

from synth.errors import Problem, SandboxError
from synth.execution.isolation.active_job import SlotHandle
from synth.execution.isolation.cgroups import make_group
from synth.execution.isolation.folders import JobFolders
from synth.execution.isolation.launcher.slot import Slot, cache_folder
from synth.execution.isolation.policy import landlock
from synth.execution.isolation.policy import landlock_only as host_plan
from synth.execution.isolation.policy.landlock_only import HostPlan
from synth.execution.isolation.policy.namespaces import SlotPlan, slot_operations
from synth.records import IsolationLevel

LEVELS: Final[tuple[IsolationLevel, ...]] = get_args(IsolationLevel)

_FIRST_HOST_ID, _HOST_IDS = 65000, 500
"""As root, slot n runs its jobs as host user 65000 + n, or as the next that no user and no group of this
machine's directory has; no two slots share one."""


@lru_cache(maxsize=_HOST_IDS)
def host_id_of(index: int) -> int:
    """The host user of the slot with this number. Raises SandboxError."""
    for at in range(_HOST_IDS):
        host_id = _FIRST_HOST_ID + (index + at) % _HOST_IDS
        if not (_is_known(pwd.getpwuid, host_id) or _is_known(grp.getgrgid, host_id)):
            return host_id
    last = _FIRST_HOST_ID + _HOST_IDS - 1
    raise sandbox_error(f"needs a user id from {_FIRST_HOST_ID} to {last} that nobody has")


def _is_known(look_up: Callable[[int], object], number: int) -> bool:
    try:
        return look_up(number) is not None
    except KeyError:
        return False


class Identity(NamedTuple):
    """A host user for jobs without namespaces, and the lock that reserves it."""

    host_id: int
    lock: BinaryIO


def open_slot(
    level: IsolationLevel, command: tuple[str, ...], index: int, listens: bool, folders: JobFolders
) -> SlotHandle:
    """A slot of this level, whose launcher is `command`. `folders` are for level C. Raises SandboxError."""
    if level == "C":
        return _open_on_host(command, index, listens, folders)
    group = make_group() if level == "A" else None
    if level == "A" and group is None:
        raise sandbox_error("cannot create a memory cgroup below its own")
    host_id = host_id_of(index % _HOST_IDS) if os.geteuid() == 0 else None
    root = cache_folder() / "root"
    root.mkdir(exist_ok=True)
    plan = SlotPlan(root, host_id, () if group is None else (group.folder,), listens)
    try:
        return SlotHandle(Slot(command, slot_operations(plan)), plan, group)
    except SandboxError:
        if group is not None:
            group.remove()
        raise


def _open_on_host(command: tuple[str, ...], index: int, listens: bool, folders: JobFolders) -> SlotHandle:
    missing = host_plan.missing()
    if missing:
        raise sandbox_error(missing)
    identity = _take_identity(index) if os.geteuid() == 0 else None
    plan = HostPlan(identity.host_id if identity else None, listens, landlock.version())
    try:
        return SlotHandle(
            Slot(command, host_plan.slot_operations()),
            plan,
            folders=folders,
            lock=identity.lock if identity else None,
        )
    except SandboxError:
        if identity is not None:
            identity.lock.close()
        raise


def _take_identity(index: int) -> Identity:
    """Without a pid namespace, ending a job ends all processes of its user, so no two supervisors may
    share a user."""
    folder = cache_folder() / "users"
    folder.mkdir(exist_ok=True)
    for at in range(_HOST_IDS):
        host_id = host_id_of((index + at) % _HOST_IDS)
        lock = (folder / str(host_id)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return Identity(host_id, lock)
    raise sandbox_error("has no free user id for the jobs of another slot")


def sandbox_error(what: str) -> SandboxError:
    """The error for something that the sandbox cannot do at all."""
    return SandboxError(Problem("process sandbox", what, "codemill doctor", "docs/architecture/sandbox.md"))
