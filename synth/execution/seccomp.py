"""The system call filter, as BPF bytes for this machine's processor.

Place in the flow: `plan.py` puts the bytes in front of the program's exec. The one rule: what is forbidden answers EPERM (or ENOSYS where a
C library then takes another way), never a kill, because a harmless program may try a call and go on without it.

Numbers are from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h). From 424 on they are
the same on every processor.
"""

import platform
import struct
from functools import cache
from typing import NamedTuple

_ERRNO, _ALLOW, _KILL = 0x00050000, 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24
_NAMESPACE_FLAGS = 0x7E020000
_AF_UNIX = 1
_LAST_KNOWN_CALL = 462
_F_SETLEASE = 1024
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


class _Machine(NamedTuple):
    arch: int
    clone: int
    socket: int
    socketpair: int
    ioctl: int
    fcntl: int
    prlimit: int
    namespaces: tuple[int, ...]
    """mount, umount2, pivot_root, unshare, sethostname: what a zygote needs and a program never."""
    forbidden: tuple[int, ...]


# ptrace, process_vm_*, kcmp, setns, chroot, swap*, reboot, setdomainname, modules, quotactl, acct, clocks, kexec*, keys, perf_event_open,
# bpf, userfaultfd, fanotify*, file handles, lookup_dcookie, syslog, personality, vhangup, page moving, vmsplice, remap_file_pages; and on
# x86 iopl, ioperm, modify_ldt, uselib, ustat, sysfs, _sysctl and calls long gone.
_X86_64 = _Machine(
    arch=0xC000003E,
    clone=56,
    socket=41,
    socketpair=53,
    ioctl=16,
    fcntl=72,
    prlimit=302,
    namespaces=(165, 166, 155, 272, 170),
    forbidden=(
        *(101, 310, 311, 312, 308, 161, 167, 168, 169, 171, 175, 176, 313, 174, 177, 178, 179, 180, 163, 164, 159, 227, 305, 246, 320),
        *(248, 249, 250, 298, 321, 323, 300, 301, 303, 304, 212, 103, 135, 153, 256, 279, 278, 216, 172, 173, 154, 134, 136, 139, 156),
    ),
)
_AARCH64 = _Machine(
    arch=0xC00000B7,
    clone=220,
    socket=198,
    socketpair=199,
    ioctl=29,
    fcntl=25,
    prlimit=261,
    namespaces=(40, 39, 41, 97, 161),
    forbidden=(
        *(117, 270, 271, 272, 268, 51, 224, 225, 142, 162, 105, 106, 273, 60, 42, 89, 170, 171, 112, 266, 104, 294, 217, 218, 219),
        *(241, 280, 282, 262, 263, 264, 265, 18, 116, 92, 58, 238, 239, 75, 234),
    ),
)
# io_uring (3), open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, pidfd_getfd, process_madvise, quotactl_fd, memfd_secret,
# statmount, listmount, lsm_*
_FORBIDDEN_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 443, 447, 457, 458, 459, 460, 461)
_MOUNT_SETATTR, _CLONE3 = 442, 435
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def is_supported() -> bool:
    """Whether there is a filter for this processor."""
    return platform.machine() in _MACHINES


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _deny(error: int = _EPERM) -> bytes:
    return _line(_RETURN, _ERRNO | error)


def _forbid(numbers: tuple[int, ...], error: int = _EPERM) -> bytes:
    return b"".join(_line(_EQUAL, number, 0, 1) + _deny(error) for number in numbers)


def _check_argument(number: int, offset: int, test: int, value: int, deny_if: bool) -> bytes:
    """For one call: look at the low half of an argument, deny or allow, and restore the call number for what follows."""
    verdict = (0, 1) if deny_if else (1, 0)
    body = _line(_LOAD, offset) + _line(test, value, *verdict) + _deny() + _line(_LOAD, _NUMBER)
    return _line(_EQUAL, number, 0, len(body) // 8) + body


@cache
def program_filter(zygote: bool = False) -> bytes:
    """The filter of a program, or of a zygote, which may make namespaces and mount in them. Raises KeyError on an unknown processor."""
    machine = _MACHINES[platform.machine()]
    lines = [_line(_LOAD, _ARCH), _line(_EQUAL, machine.arch, 1, 0), _line(_RETURN, _KILL), _line(_LOAD, _NUMBER)]
    lines += [_line(_GREATER, _LAST_KNOWN_CALL, 0, 1), _deny(_ENOSYS)]  # also the x32 calls of x86, whose numbers have a high bit
    lines += [_forbid((_CLONE3,), _ENOSYS), _forbid(machine.forbidden + _FORBIDDEN_EVERYWHERE)]
    lines += [_check_argument(call, _ARGUMENT_0, _EQUAL, _AF_UNIX, deny_if=False) for call in (machine.socket, machine.socketpair)]
    lines += [_check_argument(machine.ioctl, _ARGUMENT_1, _EQUAL, request, deny_if=True) for request in _TERMINAL_INJECTION]
    lines.append(_check_argument(machine.fcntl, _ARGUMENT_1, _EQUAL, _F_SETLEASE, deny_if=True))
    # A limit of one's own is asked for as process 0. By number, a program could end our init with a CPU limit of nothing.
    lines.append(_check_argument(machine.prlimit, _ARGUMENT_0, _EQUAL, 0, deny_if=False))
    if not zygote:
        lines.append(_forbid((*machine.namespaces, _MOUNT_SETATTR)))
        lines.append(_check_argument(machine.clone, _ARGUMENT_0, _ANY_BIT, _NAMESPACE_FLAGS, deny_if=True))
    return b"".join([*lines, _line(_RETURN, _ALLOW)])
