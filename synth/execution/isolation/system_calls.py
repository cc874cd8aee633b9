"""The system calls that the filter judges, by name, in groups with the same action.

Place in the flow: `seccomp.py` makes the filter from them; reports name them. The one rule: a call is
grave only if no harmless program makes it, not even by accident; language runtimes probe for more calls
than one would expect.

Numbers are from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h). From 424 on they are equal on every processor.
"""

import platform
from collections.abc import Mapping
from typing import Final, NamedTuple


class Call(NamedTuple):
    """The number of a call on each processor, or None where it does not exist."""

    x86_64: int | None
    aarch64: int | None


def _everywhere(number: int) -> Call:
    return Call(number, number)


ZYGOTE_CALLS: Final[Mapping[str, Call]] = {
    "mount": Call(165, 40),
    "umount2": Call(166, 39),
    "pivot_root": Call(155, 41),
    "unshare": Call(272, 97),
    "sethostname": Call(170, 161),
    "mount_setattr": _everywhere(442),
}
"""Calls that a zygote needs to isolate its programs; grave in a program."""

GRAVE: Final[Mapping[str, Call]] = {
    "ptrace": Call(101, 117),
    "process_vm_writev": Call(311, 271),
    "pidfd_getfd": _everywhere(438),
    "chroot": Call(161, 51),
    "setns": Call(308, 268),
    "open_tree": _everywhere(428),
    "move_mount": _everywhere(429),
    "fsopen": _everywhere(430),
    "fsconfig": _everywhere(431),
    "fsmount": _everywhere(432),
    "fspick": _everywhere(433),
    "open_by_handle_at": Call(304, 265),
    "quotactl": Call(179, 60),
    "quotactl_fd": _everywhere(443),
    "swapon": Call(167, 224),
    "swapoff": Call(168, 225),
    "acct": Call(163, 89),
    "reboot": Call(169, 142),
    "kexec_load": Call(246, 104),
    "kexec_file_load": Call(320, 294),
    "init_module": Call(175, 105),
    "finit_module": Call(313, 273),
    "delete_module": Call(176, 106),
    "setdomainname": Call(171, 162),
    "settimeofday": Call(164, 170),
    "clock_settime": Call(227, 112),
    "add_key": Call(248, 217),
    "request_key": Call(249, 218),
    "keyctl": Call(250, 219),
    "bpf": Call(321, 280),
    "perf_event_open": Call(298, 241),
    "userfaultfd": Call(323, 282),
    "iopl": Call(172, None),
    "ioperm": Call(173, None),
}
"""No harmless program makes these: one attempt is a violation."""

REFUSED: Final[Mapping[str, Call]] = {
    "process_vm_readv": Call(310, 270),  # crash handlers read their own stack with it (Zig's)
    "kcmp": Call(312, 272),
    "personality": Call(135, 92),  # Steel Bank Common Lisp calls it at every start
    "io_uring_setup": _everywhere(425),  # node probes for it
    "io_uring_enter": _everywhere(426),
    "io_uring_register": _everywhere(427),
    "adjtimex": Call(159, 171),  # also reads the clock's state
    "clock_adjtime": Call(305, 266),
    "inotify_add_watch": Call(254, 27),  # who watches /usr sees each program that the host starts
    "fanotify_init": Call(300, 262),
    "fanotify_mark": Call(301, 263),
    "name_to_handle_at": Call(303, 264),
    "syslog": Call(103, 116),
    "vhangup": Call(153, 58),
    "migrate_pages": Call(256, 238),
    "move_pages": Call(279, 239),
    "process_madvise": _everywhere(440),
    "vmsplice": Call(278, 75),
    "remap_file_pages": Call(216, 234),
    "memfd_secret": _everywhere(447),
    "statmount": _everywhere(457),
    "listmount": _everywhere(458),
    "lsm_get_self_attr": _everywhere(459),
    "lsm_set_self_attr": _everywhere(460),
    "lsm_list_modules": _everywhere(461),
    "lookup_dcookie": Call(212, 18),
    "nfsservctl": Call(180, 42),
    "modify_ldt": Call(154, None),
    "uselib": Call(134, None),
    "ustat": Call(136, None),
    "sysfs": Call(139, None),
    "_sysctl": Call(156, None),
    "create_module": Call(174, None),
    "get_kernel_syms": Call(177, None),
    "query_module": Call(178, None),
}
"""Denied without a report: runtimes try some of them, and the others are useless here."""

UNCOUNTED: Final[Mapping[str, Call]] = {
    "memfd_create": Call(319, 279),
    "shmget": Call(29, 194),
}
"""Their memory belongs to no process, so only a memory cgroup counts it. Runtimes can use files instead."""

OUTSIDE: Final[Mapping[str, Call]] = {
    "connect": Call(42, 203),
    "bind": Call(49, 200),
    "shmget": Call(29, 194),
    "shmat": Call(30, 196),
    "shmctl": Call(31, 195),
    "semget": Call(64, 190),
    "semop": Call(65, 193),
    "semtimedop": Call(220, 192),
    "semctl": Call(66, 191),
    "msgget": Call(68, 186),
    "msgsnd": Call(69, 189),
    "msgrcv": Call(70, 188),
    "msgctl": Call(71, 187),
    "mq_open": Call(240, 180),
    "mq_unlink": Call(241, 181),
    "ioprio_set": Call(251, 30),
}
"""Denied without namespaces: they reach sockets, queues and segments of the host, which Landlock
does not guard."""

OF_OTHERS: Final[Mapping[str, Call]] = {
    "prlimit64": Call(302, 261),
    "setpriority": Call(141, 140),
    "sched_setaffinity": Call(203, 122),
    "sched_setscheduler": Call(144, 119),
    "sched_setparam": Call(142, 118),
    "sched_setattr": Call(314, 274),
}
"""Their first argument may only be 0, the caller itself."""

ATTRIBUTES: Final[Mapping[str, Call]] = {
    "chmod": Call(90, None),
    "fchmod": Call(91, 52),
    "fchmodat": Call(268, 53),
    "fchmodat2": _everywhere(452),
    "chown": Call(92, None),
    "fchown": Call(93, 55),
    "lchown": Call(94, None),
    "fchownat": Call(260, 54),
    "utime": Call(132, None),
    "utimes": Call(235, None),
    "futimesat": Call(261, None),
    "utimensat": Call(280, 88),
}
"""Landlock does not guard modes, owners and times. If jobs run as our own user, these calls report success
and change nothing: compilers insist on them."""

EXTENDED_ATTRIBUTES: Final[Mapping[str, Call]] = {
    "setxattr": Call(188, 5),
    "lsetxattr": Call(189, 6),
    "fsetxattr": Call(190, 7),
    "removexattr": Call(197, 14),
    "lremovexattr": Call(198, 15),
    "fremovexattr": Call(199, 16),
}
"""Not guarded either; reported as unsupported, as on many file systems."""

CLONE, CLONE3 = Call(56, 220), _everywhere(435)
SOCKET, SOCKETPAIR = Call(41, 198), Call(53, 199)
IOCTL, FCNTL, SECCOMP = Call(16, 29), Call(72, 25), Call(317, 277)
BY_ARGUMENT: Final[Mapping[str, Call]] = {
    "clone into a new namespace": CLONE,
    "an AF_VSOCK socket": SOCKET,
    "terminal injection by ioctl": IOCTL,
    "a seccomp listener": SECCOMP,
}


def number(call: Call) -> int | None:
    """The call's number on this machine's processor; None if it has no such call."""
    return call.x86_64 if platform.machine() == "x86_64" else call.aarch64


def call_name(told: int) -> str:
    """The name of a call that was reported to a job's init."""
    names = {
        number(call): name for name, call in (*GRAVE.items(), *ZYGOTE_CALLS.items(), *BY_ARGUMENT.items())
    }
    return names.get(told, f"system call {told}")
