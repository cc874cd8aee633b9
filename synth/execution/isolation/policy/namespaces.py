"""The launcher's operations with namespaces: the policy of the sandbox, as lists of operations.

Place in the flow: `slots.py` asks for one list per slot (the read-only root, and namespaces in which a
program can leave no trace, kept between jobs), `active_job.py` for one list per job (fresh pid, mount and ipc
namespaces, private /work and /tmp, limits, filter, program). The one rule: all isolation is decided here.

There are two cases. As root, the slot stays root outside, and each job becomes an unprivileged host user in
the slot's user namespace for jobs. Otherwise the slot first enters a user namespace, and the namespace for
jobs is a second one below it. A slot keeps a descriptor of its first mount namespace, which shows the whole
host; it lives in another one that has only the read-only root.
"""

import itertools
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath

from synth.execution.isolation.cgroups import CgroupPlace
from synth.execution.isolation.operations import Code, execute, mount, operation
from synth.execution.isolation.policy.seccomp import Holder, call_filter
from synth.records import Limits

INSIDE_ID = 1000
"""User and group as the program sees them."""

_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = (
    0x20000,
    0x2000000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
_PROC = _RDONLY | _NOSUID | _NODEV | _NOEXEC
_ATTRIBUTES = 1 | 2 | 4  # MOUNT_ATTR_RDONLY, NOSUID, NODEV
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
(
    _RLIMIT_CPU,
    _RLIMIT_FSIZE,
    _RLIMIT_DATA,
    _RLIMIT_STACK,
    _RLIMIT_CORE,
    _RLIMIT_NPROC,
    _RLIMIT_NOFILE,
    _RLIMIT_MEMLOCK,
) = (
    0,
    1,
    2,
    3,
    4,
    6,
    7,
    8,
)
_OPEN_FILES, INODES, _SPARE_BYTES, _PAGE_BYTES = 1024, 4096, 1 << 20, 4096
PROGRAMS = "-programs"
"""Ends the name of the cgroup in which a zygote's programs run, next to the zygote's own."""
_CPU_ACCOUNT, _MEMORY_EVENTS, _JOINS = 200, 201, 202
"""Numbers under which a zygote finds the files of that cgroup. As in the code of an init."""

BASE = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/java-17-openjdk",
)
_MASKED = ("/proc/cmdline", "/proc/config.gz")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "shm": "/tmp"}
_ETC = {
    "passwd": f"sandbox:x:{INSIDE_ID}:{INSIDE_ID}::/work:/bin/sh\n",
    "group": f"sandbox:x:{INSIDE_ID}:\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """The settings of one slot: where its root is assembled, which host user its jobs become, and
    its cgroups."""

    root: Path
    """An empty host folder; the slot mounts over it, only in its own mount namespace."""
    host_id: int | None
    """If we are root: the unprivileged host user and group of the jobs."""
    cgroups: tuple[CgroupPlace, ...] = ()
    listens: bool = True
    """Whether a job's init is notified of forbidden calls; otherwise they are only denied."""

    @property
    def owner(self) -> int:
        """The id that owns files in a tmpfs, as the mounting process writes it."""
        return INSIDE_ID if self.host_id is None else self.host_id


def _maps(outer_uid: int, outer_gid: int) -> list[bytes]:
    return [
        operation(Code.UNSHARE, numbers=(_NEWUSER,)),
        operation(Code.WRITEPROC, "setgroups", "deny"),
        operation(Code.WRITEPROC, "uid_map", f"{INSIDE_ID} {outer_uid} 1"),
        operation(Code.WRITEPROC, "gid_map", f"{INSIDE_ID} {outer_gid} 1"),
    ]


def bind(source: str, root: Path | None = None) -> list[bytes]:
    """Show a host file, folder or symbolic link read-only at the same path: under the slot's new root, or in
    a job's view."""
    target = f"{root or ''}{source}"
    mode = os.lstat(source).st_mode
    if stat.S_ISLNK(mode):
        return [operation(Code.SYMLINK, str(Path(source).readlink()), target)]
    parent = operation(Code.MKDIR, str(PurePosixPath(target).parent), numbers=(0o755,))
    place = (
        operation(Code.MKDIR, target, numbers=(0o755,))
        if stat.S_ISDIR(mode)
        else operation(Code.FILE, target, b"", numbers=(0o644,))
    )
    shown = (
        mount(source, target, flags=_BIND | _REC)
        if root
        else operation(Code.SHOW, source, target, numbers=(1,))
    )
    return [parent, place, shown, operation(Code.SETATTR, target, numbers=(1, _ATTRIBUTES))]


def _devices(root: Path) -> list[bytes]:
    listing = [operation(Code.MKDIR, f"{root}/dev", numbers=(0o755,))]
    for name in _DEVICES:
        listing += [
            operation(Code.FILE, f"{root}/dev/{name}", b"", numbers=(0o644,)),
            mount(f"/dev/{name}", f"{root}/dev/{name}", flags=_BIND),
        ]
    return listing + [
        operation(Code.SYMLINK, target, f"{root}/dev/{name}") for name, target in _DEVICE_LINKS.items()
    ]


def slot_operations(plan: SlotPlan) -> bytes:
    """The list that a slot carries out once: its cgroup, its namespaces, its read-only root."""
    root = plan.root
    listing = [operation(Code.WRITE, str(place.join), "0") for place in plan.cgroups]
    listing.append(operation(Code.OPENPROC))
    listing += _maps(os.geteuid(), os.getegid()) if plan.host_id is None else []
    listing += [
        operation(Code.UNSHARE, numbers=(_NEWNS | _NEWNET | _NEWIPC | _NEWUTS,)),
        operation(Code.HOSTNAME, "sandbox"),
        mount("none", "/", flags=_REC | _PRIVATE),
        mount("tmpfs", str(root), "tmpfs", _NOSUID, "size=1m,nr_inodes=1024,mode=0755"),
        *(
            operation(Code.MKDIR, f"{root}/{name}", numbers=(0o755,))
            for name in ("proc", "tmp", "work", "etc")
        ),
        *(line for path in BASE if os.path.lexists(path) for line in bind(path, root)),
        *(operation(Code.FILE, f"{root}/etc/{name}", text, numbers=(0o644,)) for name, text in _ETC.items()),
        *_devices(root),
        operation(Code.KEEP_USER, *[f"{INSIDE_ID} {plan.owner} 1"] * 2),
        operation(Code.KEEP_MOUNTS),
        operation(Code.UNSHARE, numbers=(_NEWNS,)),
        operation(Code.PIVOT, str(root)),
        operation(Code.CLONEFLAGS, numbers=(_NEWPID | _NEWNS | _NEWIPC | _NEWCGROUP,)),
        operation(Code.ATEXIT),
        operation(Code.JOIN_MOUNTS),
    ]
    listing += [operation(Code.WRITE, str(place.leave), "0") for place in plan.cgroups]
    gone = (place.folder for own in plan.cgroups for place in (own, own.beside(PROGRAMS)))
    return b"".join(listing + [operation(Code.RMDIR, str(folder)) for folder in gone])


_UNLIMITED = (1 << 64) - 1
RESERVED_MB = 1024
"""Address space that a program may reserve beyond its memory, as for the stacks of threads. What it uses is
counted by the supervisor, and between two looks by nobody: so there is a bound."""


def limit_operations(limits: Limits, data_limit: bool, processes: int | None = None) -> list[bytes]:
    """The rlimits of a job. CPU is a backstop one second above the limit that the supervisor enforces; a
    cgroup limits memory if there is one."""
    cpu = int(limits.cpu_s) + 1
    processes = limits.processes + 1 if processes is None else processes  # our init counts too
    listing = [
        (_RLIMIT_CPU, cpu, cpu + 1),
        (_RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (_RLIMIT_CORE, 0, 0),
        (_RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
        (_RLIMIT_MEMLOCK, 65536, 65536),
        (_RLIMIT_NPROC, processes, processes),
        (_RLIMIT_STACK, min(limits.stack_mb, limits.memory_mb) << 20, _UNLIMITED),
    ]
    if data_limit:
        reserved = limits.memory_mb + RESERVED_MB << 20
        listing.append((_RLIMIT_DATA, reserved, reserved))
    return [operation(Code.RLIMIT, numbers=numbers) for numbers in listing]


@dataclass(frozen=True, slots=True)
class View:
    """The paths that a job sees in addition to the base."""

    readonly: tuple[str, ...]
    writable: Path | None
    work_readonly: bool
    zygote: bool = False
    account: tuple[str, ...] = ()
    """For a zygote: the files of its programs' account: CPU time, memory events, and those to join it by."""


@cache
def _covered(path: str) -> bool:
    """Whether the base already shows the path."""
    return any(PurePosixPath(path).is_relative_to(base) for base in BASE if not Path(base).is_symlink())


def _tmpfs(target: str, size: int, owner: int) -> bytes:
    return mount(
        "tmpfs",
        target,
        "tmpfs",
        _NOSUID | _NODEV,
        f"size={size},nr_inodes={INODES},mode=0755,uid={owner},gid={owner}",
    )


def _work(plan: SlotPlan, view: View, size: int) -> list[bytes]:
    if view.writable is None:
        return [_tmpfs("/work", size, plan.owner)]
    attributes = _ATTRIBUTES if view.work_readonly else _ATTRIBUTES & ~1
    return [
        operation(Code.SHOW, str(view.writable), "/work"),
        operation(Code.SETATTR, "/work", numbers=(0, attributes)),
    ]


def _proc(plan: SlotPlan, view: View) -> bytes:
    """The job's own /proc. Without root, it can be mounted only where another /proc is visible. A zygote
    writes its programs' maps."""
    flags = _PROC & ~_RDONLY if view.zygote else _PROC
    if plan.host_id is not None:
        return mount("proc", "/proc", "proc", flags)
    return operation(
        Code.SHOW, "proc", "/proc", "proc", numbers=(flags,)
    )  # mount attributes have the same numbers


def _masks() -> list[bytes]:
    """Hide what tells how the host's kernel was built and started. Not in a zygote: the kernel refuses its
    programs a /proc of their own while a part of the one that they see is hidden."""
    return [mount("/dev/null", path, flags=_BIND) for path in _MASKED if Path(path).exists()]


def _opened(account: tuple[str, ...]) -> list[bytes]:
    numbers = ((_CPU_ACCOUNT, os.O_RDONLY), (_MEMORY_EVENTS, os.O_RDONLY))
    joins = ((number, os.O_WRONLY) for number in itertools.count(_JOINS))
    return [
        operation(Code.OPEN, path, numbers=how)
        for path, how in zip(account, itertools.chain(numbers, joins), strict=False)
    ]


def view_operations(plan: SlotPlan, view: View, size: int) -> list[bytes]:
    """The steps from a fresh clone to the unprivileged user in the job's own view. `size` is in bytes, for
    /work and /tmp each."""
    shown = [line for path in view.readonly if not _covered(path) for line in bind(path)]
    return [
        operation(Code.PRCTL, numbers=(_PR_SET_PDEATHSIG, 9)),
        _proc(plan, view),
        *([] if view.zygote else _masks()),
        _tmpfs("/tmp", size, plan.owner),
        *_work(plan, view, size),
        *shown,  # after /tmp, since a toolchain may lie below it
        *_opened(view.account),
        operation(Code.SETATTR, "/", numbers=(0, _ATTRIBUTES)),
        operation(Code.JOIN_USER),
        operation(Code.SETIDS, numbers=(INSIDE_ID, INSIDE_ID)),
        operation(Code.PRCTL, numbers=(_PR_SET_PDEATHSIG, 9)),  # a change of user resets it
        operation(Code.CHDIR, "/work"),
    ]


def file_operations(files: Mapping[str, bytes]) -> list[bytes]:
    """The job's files, below /work. Raises ValueError for a path outside it."""
    listing = []
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise ValueError(f"file name {name!r} is not a relative path inside the work folder")
        if len(path.parts) > 1:
            listing.append(operation(Code.MKDIR, str(path.parent), numbers=(0o755,)))
        listing.append(
            operation(
                Code.FILE,
                str(path),
                content,
                numbers=(0o755 if content.startswith((b"#!", b"\x7fELF")) else 0o644,),
            )
        )
    return listing


def filter_operation(holder: Holder, listens: bool, counted: bool) -> bytes:
    """Installs the filter before the program's fork, so that the init is notified of its calls. A chain of
    filters can have only one listener, so a zygote leaves it to each of its programs. `counted`: a memory
    cgroup counts memory."""
    return operation(
        Code.SECCOMP,
        call_filter(holder, listens, counted),
        numbers=(int(listens and holder is not Holder.ZYGOTE),),
    )


def room(limits: Limits, files: Mapping[str, bytes]) -> int:
    """Size of /work and of /tmp in bytes: four files of the maximum size plus our own files, in whole MiB so
    that few lists differ."""
    own = sum(len(content) + _PAGE_BYTES for content in files.values())
    return 4 * limits.file_bytes + (own // _SPARE_BYTES + 2) * _SPARE_BYTES


def job_operations(
    plan: SlotPlan,
    view: View,
    files: Mapping[str, bytes],
    limits: Limits,
    argv: tuple[str, ...],
    env: Mapping[str, str],
    data_limit: bool,
) -> bytes:
    """The whole list of a job, from the fresh clone to exec. Raises ValueError for invalid names or texts."""
    before, after = _job_frame(plan, view, limits, room(limits, files), data_limit)
    return b"".join([before, *file_operations(files), after, execute(argv, env)])


@lru_cache(maxsize=256)
def _job_frame(
    plan: SlotPlan, view: View, limits: Limits, size: int, data_limit: bool
) -> tuple[bytes, bytes]:
    """The operations before and after the files in a job's list."""
    after = [
        *limit_operations(limits, data_limit),
        operation(Code.DROPCAPS),
        operation(Code.PRCTL, numbers=(_PR_SET_NO_NEW_PRIVS, 1)),
        filter_operation(Holder.ZYGOTE if view.zygote else Holder.APART, plan.listens, bool(plan.cgroups)),
        operation(Code.SPAWN),
    ]
    return b"".join(view_operations(plan, view, size)), b"".join(after)


@lru_cache(maxsize=256)
def program_frame(
    limits: Limits, size: int, data_limit: bool, listens: bool, counted: bool
) -> tuple[bytes, bytes]:
    """The operations before and after the files for a zygote's program: fresh user, pid, mount and ipc
    namespaces inside the worker's, then back to the zygote's code. The zygote watches memory; with
    RLIMIT_DATA the language itself raises, if that suits it."""
    before = [
        operation(Code.CLONEFLAGS, numbers=(_NEWUSER | _NEWPID | _NEWNS | _NEWIPC,)),
        operation(Code.OPENPROC),
        operation(Code.WRITEPROC, "setgroups", "deny"),
        operation(Code.WRITEPROC, "uid_map", f"{INSIDE_ID} {INSIDE_ID} 1"),
        operation(Code.WRITEPROC, "gid_map", f"{INSIDE_ID} {INSIDE_ID} 1"),
        operation(Code.PRCTL, numbers=(_PR_SET_PDEATHSIG, 9)),
        mount("proc", "/proc", "proc", _PROC),
        *_masks(),
        *(_tmpfs(target, size, INSIDE_ID) for target in ("/tmp", "/work")),
        operation(Code.CHDIR, "/work"),
    ]
    after = [
        *limit_operations(limits, data_limit),
        operation(Code.DROPCAPS),
        filter_operation(Holder.APART, listens, counted),
        operation(Code.SPAWN, numbers=(0, 0, 1)),
        operation(Code.RETURN),
    ]
    return b"".join(before), b"".join(after)
