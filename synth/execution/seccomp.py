"""The system call filter, as BPF bytes for this machine's processor.

Place in the flow: `plan.py` puts the bytes in front of the program's exec. The one rule: what language runtimes try and go on without
answers EPERM (or ENOSYS where a C library then takes another way); what no harmless program does is told to the job's init, which ends the
program where it stands.

The calls are in `system_calls.py`.
"""

import ctypes
import platform
import struct
from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Final

from synth.execution.system_calls import (
    ATTRIBUTES,
    CLONE,
    CLONE3,
    EXTENDED_ATTRIBUTES,
    FCNTL,
    GRAVE,
    IOCTL,
    OF_OTHERS,
    OUTSIDE,
    REFUSED,
    SECCOMP,
    SOCKET,
    SOCKETPAIR,
    ZYGOTE_CALLS,
    Call,
    number,
)

_ERRNO, _NOTIFY, _ALLOW, _KILL = 0x00050000, 0x7FC00000, 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS, _EOPNOTSUPP = 1, 38, 95
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_NUMBER, _ARCH, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24
_NAMESPACE_FLAGS = 0x7E020000
_AF_UNIX, _AF_VSOCK = 1, 40
_SOCK_DGRAM, _SOCK_TYPE = 2, 15
_LAST_KNOWN_CALL = 462
_F_SETLEASE = 1024
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_NEW_LISTENER = 8
_SECCOMP_GET_ACTION_AVAIL = 2


class Holder(Enum):
    """Whose calls a filter judges."""

    ZYGOTE = "our own code, which makes namespaces and mounts in them"
    APART = "a program in namespaces of its own"
    OTHER_USER = "a program without namespaces, as a user of its own"
    SAME_USER = "a program without namespaces, as the user who runs us"


_ARCHES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def is_supported() -> bool:
    """Whether there is a filter for this processor."""
    return platform.machine() in _ARCHES


@cache
def can_notify() -> bool:
    """Whether this kernel can tell a job's init about calls. Below a listener of somebody else it still cannot: the self-test sees that."""
    if not is_supported():
        return False
    action = ctypes.c_uint32(_NOTIFY)
    return bool(ctypes.CDLL(None).syscall(number(SECCOMP), _SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0)


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _answer(error: int) -> bytes:
    return _line(_RETURN, _ERRNO | error)


_PLAIN = _answer(_EPERM)


def _forbid(calls: Iterable[Call], answer: bytes) -> bytes:
    numbers = [found for call in calls if (found := number(call)) is not None]
    return b"".join(_line(_EQUAL, found, 0, 1) + answer for found in numbers)


def _check_argument(call: Call, offset: int, test: int, value: int, answer: bytes, otherwise: bool = False) -> bytes:
    """For one call: look at the low half of an argument, refuse where the test holds (or where it does not: `otherwise`), and restore the
    call number for what follows."""
    refuse = (1, 0) if otherwise else (0, 1)
    body = _line(_LOAD, offset) + _line(test, value, *refuse) + answer + _line(_LOAD, _NUMBER)
    return _line(_EQUAL, number(call) or 0, 0, len(body) // 8) + body


def _check_arguments(grave: bytes) -> list[bytes]:
    families = _check_argument(SOCKET, _ARGUMENT_0, _EQUAL, _AF_VSOCK, grave)
    unix = [_check_argument(call, _ARGUMENT_0, _EQUAL, _AF_UNIX, _PLAIN, otherwise=True) for call in (SOCKET, SOCKETPAIR)]
    injection = [_check_argument(IOCTL, _ARGUMENT_1, _EQUAL, request, grave) for request in _TERMINAL_INJECTION]
    return [families, *unix, *injection, _check_argument(FCNTL, _ARGUMENT_1, _EQUAL, _F_SETLEASE, _PLAIN)]


def _forbid_to_programs(grave: bytes) -> list[bytes]:
    """A listener of its own could answer that a call may go on, over the head of ours."""
    namespaces = _check_argument(CLONE, _ARGUMENT_0, _ANY_BIT, _NAMESPACE_FLAGS, grave)
    listeners = _check_argument(SECCOMP, _ARGUMENT_1, _ANY_BIT, _NEW_LISTENER, grave)
    return [namespaces, listeners, _forbid(ZYGOTE_CALLS.values(), grave)]


def _forbid_the_outside(same_user: bool) -> list[bytes]:
    """Without namespaces: what reaches beyond the files that Landlock guards. Pairs of sockets stay, except such as send elsewhere."""
    datagrams = _line(_LOAD, _ARGUMENT_1) + _line(_AND, _SOCK_TYPE) + _line(_EQUAL, _SOCK_DGRAM, 0, 1) + _PLAIN + _line(_LOAD, _NUMBER)
    lines = [_forbid([SOCKET, *OUTSIDE.values()], _PLAIN), _line(_EQUAL, number(SOCKETPAIR) or 0, 0, 5) + datagrams]
    lines += [_check_argument(call, _ARGUMENT_0, _EQUAL, 0, _PLAIN, otherwise=True) for call in OF_OTHERS.values()]
    lines.append(_check_argument(OF_OTHERS["setpriority"], _ARGUMENT_1, _EQUAL, 0, _PLAIN, otherwise=True))
    if same_user:
        lines += [_forbid(ATTRIBUTES.values(), _answer(0)), _forbid(EXTENDED_ATTRIBUTES.values(), _answer(_EOPNOTSUPP))]
    return lines


@cache
def call_filter(holder: Holder, notify: bool = False) -> bytes:
    """The filter. Raises KeyError on an unknown processor.

    With `notify`, what is grave is told to the listener of the newest filter that says so; where there is none, it answers ENOSYS. So a
    zygote has no listener and each of its programs has one.
    """
    grave = _line(_RETURN, _NOTIFY) if notify else _PLAIN
    lines = [_line(_LOAD, _ARCH), _line(_EQUAL, _ARCHES[platform.machine()], 1, 0), _line(_RETURN, _KILL), _line(_LOAD, _NUMBER)]
    lines += [_line(_GREATER, _LAST_KNOWN_CALL, 0, 1), _answer(_ENOSYS)]  # also the x32 calls of x86, whose numbers have a high bit
    lines += _check_arguments(grave)
    if holder is not Holder.ZYGOTE:
        lines += _forbid_to_programs(grave)
    if holder in (Holder.OTHER_USER, Holder.SAME_USER):
        lines += _forbid_the_outside(holder is Holder.SAME_USER)
    lines += [_forbid([CLONE3], _answer(_ENOSYS)), _forbid(GRAVE.values(), grave), _forbid(REFUSED.values(), _PLAIN)]
    return b"".join([*lines, _line(_RETURN, _ALLOW)])
