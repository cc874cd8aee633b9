"""The system call filter, as BPF bytes for this machine's processor.

Place in the flow: `plan.py` puts the bytes in front of the program's exec. The one rule: what language runtimes try and go on without
answers EPERM (or ENOSYS where a C library then takes another way); what no harmless program does is told to the job's init, which ends the
program where it stands.

Numbers are from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h). From 424 on they are
the same on every processor.
"""

import ctypes
import platform
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from synth.execution.bpf import ANY_BIT, ARCH, ARGUMENT_0, ARGUMENT_1, EQUAL, GREATER, LOAD, NUMBER, dispatch, give, line, look_at

_ERRNO, _NOTIFY, _ALLOW, _KILL = 0x00050000, 0x7FC00000, 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_NAMESPACE_FLAGS = 0x7E020000
_AF_UNIX, _AF_VSOCK = 1, 40
_LAST_KNOWN_CALL = 462
_F_SETLEASE = 1024
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_NEW_LISTENER = 8
_SECCOMP_GET_ACTION_AVAIL = 2


class _Call(NamedTuple):
    """The number of a call on each processor, or None where it does not exist."""

    x86_64: int | None
    aarch64: int | None


def _everywhere(number: int) -> _Call:
    return _Call(number, number)


_ZYGOTE_CALLS: Final[Mapping[str, _Call]] = {
    "mount": _Call(165, 40),
    "umount2": _Call(166, 39),
    "pivot_root": _Call(155, 41),
    "unshare": _Call(272, 97),
    "sethostname": _Call(170, 161),
    "mount_setattr": _everywhere(442),
}
"""What a zygote needs to set its programs apart; grave in a program."""

_GRAVE: Final[Mapping[str, _Call]] = {
    "ptrace": _Call(101, 117),
    "process_vm_writev": _Call(311, 271),
    "pidfd_getfd": _everywhere(438),
    "chroot": _Call(161, 51),
    "setns": _Call(308, 268),
    "open_tree": _everywhere(428),
    "move_mount": _everywhere(429),
    "fsopen": _everywhere(430),
    "fsconfig": _everywhere(431),
    "fsmount": _everywhere(432),
    "fspick": _everywhere(433),
    "open_by_handle_at": _Call(304, 265),
    "quotactl": _Call(179, 60),
    "quotactl_fd": _everywhere(443),
    "swapon": _Call(167, 224),
    "swapoff": _Call(168, 225),
    "acct": _Call(163, 89),
    "reboot": _Call(169, 142),
    "kexec_load": _Call(246, 104),
    "kexec_file_load": _Call(320, 294),
    "init_module": _Call(175, 105),
    "finit_module": _Call(313, 273),
    "delete_module": _Call(176, 106),
    "setdomainname": _Call(171, 162),
    "settimeofday": _Call(164, 170),
    "clock_settime": _Call(227, 112),
    "add_key": _Call(248, 217),
    "request_key": _Call(249, 218),
    "keyctl": _Call(250, 219),
    "bpf": _Call(321, 280),
    "perf_event_open": _Call(298, 241),
    "userfaultfd": _Call(323, 282),
    "iopl": _Call(172, None),
    "ioperm": _Call(173, None),
}
"""No harmless program makes these: one attempt is a violation."""

_REFUSED: Final[Mapping[str, _Call]] = {
    "process_vm_readv": _Call(310, 270),  # crash handlers read their own stack with it (Zig's)
    "kcmp": _Call(312, 272),
    "personality": _Call(135, 92),  # Steel Bank Common Lisp asks at every start
    "io_uring_setup": _everywhere(425),  # node tries it
    "io_uring_enter": _everywhere(426),
    "io_uring_register": _everywhere(427),
    "adjtimex": _Call(159, 171),  # also reads the clock's state
    "clock_adjtime": _Call(305, 266),
    "fanotify_init": _Call(300, 262),
    "fanotify_mark": _Call(301, 263),
    "name_to_handle_at": _Call(303, 264),
    "syslog": _Call(103, 116),
    "vhangup": _Call(153, 58),
    "migrate_pages": _Call(256, 238),
    "move_pages": _Call(279, 239),
    "process_madvise": _everywhere(440),
    "vmsplice": _Call(278, 75),
    "remap_file_pages": _Call(216, 234),
    "memfd_secret": _everywhere(447),
    "statmount": _everywhere(457),
    "listmount": _everywhere(458),
    "lsm_get_self_attr": _everywhere(459),
    "lsm_set_self_attr": _everywhere(460),
    "lsm_list_modules": _everywhere(461),
    "lookup_dcookie": _Call(212, 18),
    "nfsservctl": _Call(180, 42),
    "modify_ldt": _Call(154, None),
    "uselib": _Call(134, None),
    "ustat": _Call(136, None),
    "sysfs": _Call(139, None),
    "_sysctl": _Call(156, None),
    "create_module": _Call(174, None),
    "get_kernel_syms": _Call(177, None),
    "query_module": _Call(178, None),
}
"""Refused, and not worth a word: runtimes try some of them, others are only of no use here."""

_CLONE, _CLONE3 = _Call(56, 220), _everywhere(435)
_SOCKET, _SOCKETPAIR = _Call(41, 198), _Call(53, 199)
_IOCTL, _FCNTL, _SECCOMP, _PRLIMIT = _Call(16, 29), _Call(72, 25), _Call(317, 277), _Call(302, 261)
_ARCHES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_BY_ARGUMENT: Final[Mapping[str, _Call]] = {
    "clone into a new namespace": _CLONE,
    "an AF_VSOCK socket": _SOCKET,
    "terminal injection by ioctl": _IOCTL,
    "a seccomp listener": _SECCOMP,
}


def is_supported() -> bool:
    """Whether there is a filter for this processor."""
    return platform.machine() in _ARCHES


@cache
def can_notify() -> bool:
    """Whether this kernel can tell a job's init about calls. Below a listener of somebody else it still cannot: the self-test sees that."""
    if not is_supported():
        return False
    action = ctypes.c_uint32(_NOTIFY)
    return bool(ctypes.CDLL(None).syscall(_number(_SECCOMP), _SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0)


def call_name(number: int) -> str:
    """The name of a call that was told to a job's init."""
    names = {_number(call): name for name, call in (*_GRAVE.items(), *_ZYGOTE_CALLS.items(), *_BY_ARGUMENT.items())}
    return names.get(number, f"system call {number}")


def _number(call: _Call) -> int | None:
    return call.x86_64 if platform.machine() == "x86_64" else call.aarch64


_PLAIN, _UNKNOWN, _FINE = give(_ERRNO | _EPERM), give(_ERRNO | _ENOSYS), give(_ALLOW)


def _by_argument(grave: bytes, zygote: bool) -> dict[_Call, bytes]:
    """Calls that are judged by the low half of an argument."""
    first, second = _TERMINAL_INJECTION
    actions = {
        _SOCKET: line(LOAD, ARGUMENT_0) + line(EQUAL, _AF_VSOCK, 0, 1) + grave + line(EQUAL, _AF_UNIX, 0, 1) + _FINE + _PLAIN,
        _SOCKETPAIR: look_at(ARGUMENT_0, EQUAL, _AF_UNIX, _FINE, _PLAIN),
        _IOCTL: line(LOAD, ARGUMENT_1) + line(EQUAL, first, 1, 0) + line(EQUAL, second, 0, 1) + grave + _FINE,
        _FCNTL: look_at(ARGUMENT_1, EQUAL, _F_SETLEASE, _PLAIN, _FINE),
        # A limit of one's own is asked for as process 0. By number, a program could end our init with a CPU limit of nothing.
        _PRLIMIT: look_at(ARGUMENT_0, EQUAL, 0, _FINE, _PLAIN),
    }
    if not zygote:
        actions[_CLONE] = look_at(ARGUMENT_0, ANY_BIT, _NAMESPACE_FLAGS, grave, _FINE)
        # A listener of its own could answer that a call may go on, over the head of ours.
        actions[_SECCOMP] = look_at(ARGUMENT_1, ANY_BIT, _NEW_LISTENER, grave, _FINE)
    return actions


@cache
def program_filter(zygote: bool = False, notify: bool = False) -> bytes:
    """The filter of a program, or of a zygote, which may make namespaces and mount in them. Raises KeyError on an unknown processor.

    With `notify`, what is grave is told to the listener of the newest filter that says so; where there is none, it answers ENOSYS. So a
    zygote has no listener and each of its programs has one.
    """
    grave = give(_NOTIFY) if notify else _PLAIN
    actions = {_CLONE3: _UNKNOWN, **dict.fromkeys(_REFUSED.values(), _PLAIN), **dict.fromkeys(_GRAVE.values(), grave)}
    if not zygote:
        actions |= dict.fromkeys(_ZYGOTE_CALLS.values(), grave)
    actions |= _by_argument(grave, zygote)
    table = {number: action for call, action in actions.items() if (number := _number(call)) is not None}
    head = [line(LOAD, ARCH), line(EQUAL, _ARCHES[platform.machine()], 1, 0), give(_KILL), line(LOAD, NUMBER)]
    unknown = [line(GREATER, _LAST_KNOWN_CALL, 0, 1), _UNKNOWN]  # also the x32 calls of x86, whose numbers have a high bit
    return b"".join([*head, *unknown, dispatch(table, _FINE)])
