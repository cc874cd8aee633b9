"""The system call filter, as BPF bytes for this machine's processor.

Place in the flow: `plan.py` puts the bytes in front of the program's exec. The one rule: what language runtimes try and go on without
answers EPERM (or ENOSYS where a C library then takes another way); what no harmless program does is told to the job's init, which ends the
program where it stands.

Numbers are from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h). From 424 on they are
the same on every processor.
"""

import ctypes
import platform
import struct
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, NamedTuple

_ERRNO, _NOTIFY, _ALLOW, _KILL = 0x00050000, 0x7FC00000, 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24
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
_IOCTL, _FCNTL, _SECCOMP = _Call(16, 29), _Call(72, 25), _Call(317, 277)
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


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


_PLAIN, _UNKNOWN = _line(_RETURN, _ERRNO | _EPERM), _line(_RETURN, _ERRNO | _ENOSYS)


def _forbid(calls: Iterable[_Call], answer: bytes) -> bytes:
    numbers = [number for call in calls if (number := _number(call)) is not None]
    return b"".join(_line(_EQUAL, number, 0, 1) + answer for number in numbers)


def _check_argument(call: _Call, offset: int, test: int, value: int, answer: bytes, otherwise: bool = False) -> bytes:
    """For one call: look at the low half of an argument, refuse where the test holds (or where it does not: `otherwise`), and restore the
    call number for what follows."""
    refuse = (1, 0) if otherwise else (0, 1)
    body = _line(_LOAD, offset) + _line(test, value, *refuse) + answer + _line(_LOAD, _NUMBER)
    return _line(_EQUAL, _number(call) or 0, 0, len(body) // 8) + body


def _check_arguments(grave: bytes) -> list[bytes]:
    families = _check_argument(_SOCKET, _ARGUMENT_0, _EQUAL, _AF_VSOCK, grave)
    unix = [_check_argument(call, _ARGUMENT_0, _EQUAL, _AF_UNIX, _PLAIN, otherwise=True) for call in (_SOCKET, _SOCKETPAIR)]
    injection = [_check_argument(_IOCTL, _ARGUMENT_1, _EQUAL, request, grave) for request in _TERMINAL_INJECTION]
    return [families, *unix, *injection, _check_argument(_FCNTL, _ARGUMENT_1, _EQUAL, _F_SETLEASE, _PLAIN)]


@cache
def program_filter(zygote: bool = False, notify: bool = False) -> bytes:
    """The filter of a program, or of a zygote, which may make namespaces and mount in them. Raises KeyError on an unknown processor.

    With `notify`, what is grave is told to the listener of the newest filter that says so; where there is none, it answers ENOSYS. So a
    zygote has no listener and each of its programs has one.
    """
    grave = _line(_RETURN, _NOTIFY) if notify else _PLAIN
    lines = [_line(_LOAD, _ARCH), _line(_EQUAL, _ARCHES[platform.machine()], 1, 0), _line(_RETURN, _KILL), _line(_LOAD, _NUMBER)]
    lines += [_line(_GREATER, _LAST_KNOWN_CALL, 0, 1), _UNKNOWN]  # also the x32 calls of x86, whose numbers have a high bit
    lines += _check_arguments(grave)
    if not zygote:
        lines.append(_check_argument(_CLONE, _ARGUMENT_0, _ANY_BIT, _NAMESPACE_FLAGS, grave))
        # A listener of its own could answer that a call may go on, over the head of ours.
        lines.append(_check_argument(_SECCOMP, _ARGUMENT_1, _ANY_BIT, _NEW_LISTENER, grave))
        lines.append(_forbid(_ZYGOTE_CALLS.values(), grave))
    lines += [_forbid([_CLONE3], _UNKNOWN), _forbid(_GRAVE.values(), grave), _forbid(_REFUSED.values(), _PLAIN)]
    return b"".join([*lines, _line(_RETURN, _ALLOW)])
