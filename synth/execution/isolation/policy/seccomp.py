"""The system call filter, as BPF bytes for this machine's processor.

Place in the flow: `namespaces.py` installs the filter before the program's exec. The one rule: optional calls
that language runtimes probe for return EPERM (or ENOSYS if a C library then has a fallback); calls that no
harmless program makes are reported to the job's init, which ends the program at once.

The calls are in `system_calls.py`, the shape of the program in `bpf.py`.
"""

import ctypes
import platform
from enum import Enum
from functools import cache
from typing import Final

from synth.execution.isolation.policy.bpf import (
    AND,
    ANY_BIT,
    ARCH,
    ARGUMENT_0,
    ARGUMENT_1,
    EQUAL,
    GREATER,
    LOAD,
    NUMBER,
    dispatch,
    give,
    line,
    look_at,
)
from synth.execution.isolation.system_calls import (
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
    UNCOUNTED,
    ZYGOTE_CALLS,
    Call,
    number,
)

_ERRNO, _NOTIFY, _ALLOW, _KILL = 0x00050000, 0x7FC00000, 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS, _EOPNOTSUPP = 1, 38, 95
_NAMESPACE_FLAGS = 0x7E020000
_AF_UNIX, _AF_VSOCK = 1, 40
_SOCK_DGRAM, _SOCK_TYPE = 2, 15
_LAST_KNOWN_CALL = 462
_F_SETLEASE, _F_NOTIFY = 1024, 1026
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_NEW_LISTENER = 8
_SECCOMP_GET_ACTION_AVAIL = 2


class Holder(Enum):
    """The process whose calls a filter judges."""

    ZYGOTE = "our own code, which makes namespaces and mounts in them"
    APART = "a program in namespaces of its own"
    OTHER_USER = "a program without namespaces, as a user of its own"
    SAME_USER = "a program without namespaces, as the user who runs us"


_ARCHES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def is_supported() -> bool:
    """Whether this processor has a filter."""
    return platform.machine() in _ARCHES


@cache
def can_notify() -> bool:
    """Whether this kernel can notify a job's init of calls. Below another listener it still cannot; the
    self-test detects that."""
    if not is_supported():
        return False
    action = ctypes.c_uint32(_NOTIFY)
    return bool(
        ctypes.CDLL(None).syscall(number(SECCOMP), _SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0
    )


def _answer(error: int) -> bytes:
    return give(_ERRNO | error)


_PLAIN, _FINE = _answer(_EPERM), give(_ALLOW)
_OF_ONESELF: Final = look_at(ARGUMENT_0, EQUAL, 0, _FINE, _PLAIN)
"""With a pid, a program could reach others: for example, end our init with a CPU limit of zero."""


def _by_argument(grave: bytes) -> dict[Call, bytes]:
    first, second = _TERMINAL_INJECTION
    return {
        SOCKET: line(LOAD, ARGUMENT_0)
        + line(EQUAL, _AF_VSOCK, 0, 1)
        + grave
        + line(EQUAL, _AF_UNIX, 0, 1)
        + _FINE
        + _PLAIN,
        SOCKETPAIR: look_at(ARGUMENT_0, EQUAL, _AF_UNIX, _FINE, _PLAIN),
        IOCTL: line(LOAD, ARGUMENT_1) + line(EQUAL, first, 1, 0) + line(EQUAL, second, 0, 1) + grave + _FINE,
        FCNTL: line(LOAD, ARGUMENT_1)
        + line(EQUAL, _F_SETLEASE, 1, 0)
        + line(EQUAL, _F_NOTIFY, 0, 1)
        + _PLAIN
        + _FINE,
        OF_OTHERS["prlimit64"]: _OF_ONESELF,
    }


def _of_programs(grave: bytes) -> dict[Call, bytes]:
    """The actions for programs. A program's own listener could allow calls that ours would deny."""
    return {
        **dict.fromkeys(ZYGOTE_CALLS.values(), grave),
        CLONE: look_at(ARGUMENT_0, ANY_BIT, _NAMESPACE_FLAGS, grave, _FINE),
        SECCOMP: look_at(ARGUMENT_1, ANY_BIT, _NEW_LISTENER, grave, _FINE),
    }


def _of_the_outside(same_user: bool) -> dict[Call, bytes]:
    """Without namespaces: the calls that reach beyond the files that Landlock guards. Socket pairs stay,
    except those that can send elsewhere."""
    no_datagrams = (
        line(LOAD, ARGUMENT_1) + line(AND, _SOCK_TYPE) + line(EQUAL, _SOCK_DGRAM, 0, 1) + _PLAIN + _FINE
    )
    only_unix = line(LOAD, ARGUMENT_0) + line(EQUAL, _AF_UNIX, 1, 0) + _PLAIN
    only_process = line(LOAD, ARGUMENT_0) + line(EQUAL, 0, 1, 0) + _PLAIN
    actions = dict.fromkeys((SOCKET, *OUTSIDE.values()), _PLAIN) | {SOCKETPAIR: only_unix + no_datagrams}
    actions |= dict.fromkeys(OF_OTHERS.values(), _OF_ONESELF)
    actions[OF_OTHERS["setpriority"]] = only_process + look_at(ARGUMENT_1, EQUAL, 0, _FINE, _PLAIN)
    if same_user:
        actions |= dict.fromkeys(ATTRIBUTES.values(), _answer(0)) | dict.fromkeys(
            EXTENDED_ATTRIBUTES.values(), _answer(_EOPNOTSUPP)
        )
    return actions


@cache
def call_filter(holder: Holder, notify: bool, counted: bool) -> bytes:
    """The filter. `counted`: a cgroup counts all memory. Raises KeyError on an unknown processor.

    With `notify`, grave calls are reported to the listener of the newest filter with this action; without a
    listener they return ENOSYS. So a zygote has no listener and each of its programs has one.
    """
    grave = give(_NOTIFY) if notify else _PLAIN
    actions = {
        CLONE3: _answer(_ENOSYS),
        **dict.fromkeys(REFUSED.values(), _PLAIN),
        **dict.fromkeys(GRAVE.values(), grave),
    }
    actions |= _by_argument(grave)
    if holder is not Holder.ZYGOTE:
        actions |= _of_programs(grave)
        actions |= {} if counted else dict.fromkeys(UNCOUNTED.values(), _answer(_ENOSYS))
    if holder in (Holder.OTHER_USER, Holder.SAME_USER):
        actions |= _of_the_outside(holder is Holder.SAME_USER)
    table = {found: action for call, action in actions.items() if (found := number(call)) is not None}
    head = [line(LOAD, ARCH), line(EQUAL, _ARCHES[platform.machine()], 1, 0), give(_KILL), line(LOAD, NUMBER)]
    unknown = [
        line(GREATER, _LAST_KNOWN_CALL, 0, 1),
        _answer(_ENOSYS),
    ]  # also the x32 calls of x86, whose numbers have a high bit set
    return b"".join([*head, *unknown, dispatch(table, _FINE)])
