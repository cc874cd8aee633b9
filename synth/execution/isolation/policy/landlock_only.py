"""The launcher's operations without namespaces (level C): Landlock, the call filter and rlimits
confine a program.

Place in the flow: `active_job.py` asks for a job's list here if its slot has a `HostPlan`. The one rule:
everything that a namespace hides at levels A and B is denied here: files, signals and ptrace by Landlock, the
rest by the filter.

/work and /tmp are private folders of the host, so their names in a job's arguments and environment are
replaced. The init stays outside the program's Landlock domain, so that the program cannot signal it.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from synth.errors import Problem, SandboxError
from synth.execution.isolation.folders import Folders
from synth.execution.isolation.job import Job
from synth.execution.isolation.operations import Code, execute, operation
from synth.execution.isolation.policy import landlock
from synth.execution.isolation.policy.namespaces import (
    BASE,
    file_operations,
    filter_operation,
    limit_operations,
)
from synth.execution.isolation.policy.seccomp import Holder

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 24, 36, 38
_SIGKILL, _SIGTERM = 9, 15
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full")
_READABLE: Final = (
    *(
        "/dev/random",
        "/dev/urandom",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/uptime",
        "/proc/loadavg",
    ),
    *(
        "/proc/version",
        "/proc/filesystems",
        "/proc/sys/kernel/osrelease",
        "/proc/sys/kernel/ngroups_max",
        "/proc/sys/kernel/pid_max",
    ),
    *(
        "/etc/ssl/openssl.cnf",
        "/etc/localtime",
        "/etc/nsswitch.conf",
    ),  # node and others give up if they may not read these
    *(
        "/proc/sys/kernel/threads-max",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/vm/max_map_count",
        "/proc/sys/vm/mmap_min_addr",
    ),
)
_OF_ITSELF: Final = {
    **{
        f"/proc/self/{name}": landlock.READ_FILE
        for name in (
            "auxv",
            "cmdline",
            "comm",
            "environ",
            "limits",
            "maps",
            "smaps",
            "stat",
            "statm",
            "status",
        )
    },
    **{f"/proc/self/{name}": landlock.LIST for name in ("fd", "task")},
}
"""What runtimes read of a process's own folder. The whole folder also shows the host's network and mounts,
and so does the folder of each thread."""
_SPARE_PROCESSES: Final = 256


@dataclass(frozen=True, slots=True)
class HostPlan:
    """The settings of a slot without namespaces."""

    host_id: int | None
    """If we are root: the unprivileged host user and group of the jobs. Otherwise they run as
    our own user."""
    listens: bool = True
    """As in SlotPlan."""
    abi: int = 0
    """The version of Landlock."""


def missing() -> str:
    """Why level C is unavailable on this machine; "" if it is available."""
    abi, root = landlock.version(), os.geteuid() == 0
    if abi == 0:
        return "needs Landlock, which the kernel does not have or has not enabled"
    needed = landlock.TRUNCATION_FROM if root else landlock.SIGNALS_FROM
    if abi < needed:
        why = "the truncation of files" if root else "signals to other processes of this user"
        return f"needs Landlock version {needed} to prevent {why}, but the kernel has version {abi}"
    return ""


def slot_operations() -> bytes:
    """The list that a slot carries out once: it adopts an init's orphans, and clones without namespaces."""
    return operation(Code.PRCTL, numbers=(_PR_SET_CHILD_SUBREAPER, 1)) + operation(
        Code.CLONEFLAGS, numbers=(0,)
    )


def moved(text: str, folders: Folders, shown: Iterable[str]) -> str:
    """An argument or a value, with /work and /tmp replaced, except in paths that are visible at
    their own place."""

    def replace(found: re.Match[str]) -> str:
        if any(text.startswith(path, found.start()) for path in shown):
            return found[0]
        return str(folders.work if found[1] == "work" else folders.tmp)

    return re.sub(r"(?<![\w./-])/(work|tmp)(?![\w.-])", replace, text)


def job_operations(plan: HostPlan, job: Job, folders: Folders, data_limit: bool) -> bytes:
    """The whole list of a job. Raises ValueError and OSError as in namespaces.py, and SandboxError for a
    folder that the jobs' user cannot enter."""
    for path in job.readonly:
        Path(path).lstat()
    if plan.host_id is not None:
        for path in (*job.readonly, moved(job.argv[0], folders, job.readonly), str(folders.work)):
            _check_reachable(path, plan.host_id)
    env = {name: moved(value, folders, job.readonly) for name, value in job.env.items()}
    holder = Holder.SAME_USER if plan.host_id is None else Holder.OTHER_USER
    return b"".join(
        [
            *_init(plan, holder),
            *_program(plan, job, folders),
            operation(Code.CHDIR, str(folders.work)),
            *file_operations(job.files),
            *limit_operations(job.limits, data_limit, _processes(plan, job.limits.processes)),
            operation(Code.DROPCAPS),
            execute([moved(word, folders, job.readonly) for word in job.argv], env),
        ]
    )


def _init(plan: HostPlan, holder: Holder) -> list[bytes]:
    """The operations up to the fork. The init has its own domain, so that it can kill only
    the job's processes."""
    scope = [landlock.ruleset(plan.abi, 0), landlock.enforce()] if plan.abi >= landlock.SIGNALS_FROM else []
    return [
        operation(Code.PRCTL, numbers=(_PR_SET_PDEATHSIG, _SIGTERM)),
        operation(Code.PRCTL, numbers=(_PR_SET_CHILD_SUBREAPER, 1)),
        operation(Code.PRCTL, numbers=(_PR_SET_NO_NEW_PRIVS, 1)),
        *scope,
        filter_operation(holder, plan.listens, counted=False),
        operation(Code.SPAWN, numbers=(1, plan.host_id or 0)),
    ]


def _program(plan: HostPlan, job: Job, folders: Folders) -> list[bytes]:
    """The operations after the fork: the program's domain, and its user. Rules are made before the change of
    user, so that root can find the paths."""
    work = landlock.RUN if job.work_readonly else landlock.OWN
    allowed = dict.fromkeys((*BASE, *job.readonly), landlock.RUN)
    allowed |= dict.fromkeys(_DEVICES, landlock.DEVICE) | dict.fromkeys(_READABLE, landlock.READ)
    allowed |= _OF_ITSELF | {str(folders.work): work, str(folders.tmp): landlock.OWN}
    become = (
        []
        if plan.host_id is None
        else [*_drop_bounds(), operation(Code.SETIDS, numbers=(plan.host_id, plan.host_id))]
    )
    return [
        landlock.ruleset(plan.abi, landlock.known_rights(plan.abi)),
        *(landlock.allow(plan.abi, path, rights) for path, rights in allowed.items()),
        *become,
        operation(Code.PRCTL, numbers=(_PR_SET_PDEATHSIG, _SIGKILL)),  # a change of user resets it
        landlock.enforce(),
    ]


def _drop_bounds() -> list[bytes]:
    return [
        operation(Code.PRCTL, numbers=(_PR_CAPBSET_DROP, capability))
        for capability in range(_last_capability() + 1)
    ]


@cache
def _last_capability() -> int:
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text())


def _processes(plan: HostPlan, asked: int) -> int:
    """The limit on processes. A separate user counts only the job's processes; our own user counts everything
    that we run, which varies."""
    return asked if plan.host_id is not None else asked + _SPARE_PROCESSES + sum(_own_threads())


def _own_threads() -> Iterator[int]:
    """Threads of each process of this user."""
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == os.geteuid():
                yield sum(1 for _ in os.scandir(f"/proc/{entry.name}/task"))


def _check_reachable(path: str, host_id: int) -> None:
    """Landlock only removes rights: the jobs' user must be able to enter all folders above."""
    for folder in reversed(Path(path).parents):
        if folder.exists() and not _may_enter(folder.stat(), host_id):
            what = f"cannot reach {path}: at level C jobs run as a separate user, who may not enter {folder}"
            fix = (
                "install the toolchain below /usr, and set XDG_CACHE_HOME to a folder that every user may "
                "enter, such as /var/cache"
            )
            raise SandboxError(Problem("process sandbox", what, fix, "docs/architecture/sandbox.md"))


def _may_enter(found: os.stat_result, host_id: int) -> bool:
    return bool(found.st_mode & (stat.S_IXUSR if found.st_uid == host_id else stat.S_IXOTH))


def is_open_to_all(path: str) -> bool:
    """Whether every user may enter all folders above a path."""
    return all(_may_enter(folder.stat(), -1) for folder in Path(path).parents)
