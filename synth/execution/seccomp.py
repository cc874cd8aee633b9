"""The system call filter, as BPF bytes for this machine's processor.

Place in the flow: `plan.py` puts the bytes in front of the program's exec. The one rule: what is forbidden answers EPERM (or ENOSYS where a
C library then takes another way), never a kill, because a harmless program may try a call and go on without it.

Numbers are from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h). From 424 on they are
the same on every processor.
"""

import platform
from functools import cache
from typing import NamedTuple

from synth.execution.bpf import ANY_BIT, ARCH, ARGUMENT_0, ARGUMENT_1, EQUAL, GREATER, LOAD, NUMBER, dispatch, give, line, look_at

_ERRNO, _ALLOW, _KILL = 0x00050000, 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 1, 38
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


def _errno(error: int) -> bytes:
    return give(_ERRNO | error)


def _actions(machine: _Machine, zygote: bool) -> dict[int, bytes]:
    """What is done with which call; all others are allowed."""
    deny, allow = _errno(_EPERM), give(_ALLOW)
    actions = dict.fromkeys((*machine.forbidden, *_FORBIDDEN_EVERYWHERE), deny)
    actions |= {call: look_at(ARGUMENT_0, EQUAL, _AF_UNIX, allow, deny) for call in (machine.socket, machine.socketpair)}
    first, second = _TERMINAL_INJECTION
    actions[machine.ioctl] = line(LOAD, ARGUMENT_1) + line(EQUAL, first, 1, 0) + line(EQUAL, second, 0, 1) + deny + allow
    actions[machine.fcntl] = look_at(ARGUMENT_1, EQUAL, _F_SETLEASE, deny, allow)
    actions[_CLONE3] = _errno(_ENOSYS)
    if not zygote:
        actions |= dict.fromkeys((*machine.namespaces, _MOUNT_SETATTR), deny)
        actions[machine.clone] = look_at(ARGUMENT_0, ANY_BIT, _NAMESPACE_FLAGS, deny, allow)
    return actions


@cache
def program_filter(zygote: bool = False) -> bytes:
    """The filter of a program, or of a zygote, which may make namespaces and mount in them. Raises KeyError on an unknown processor."""
    machine = _MACHINES[platform.machine()]
    head = [line(LOAD, ARCH), line(EQUAL, machine.arch, 1, 0), give(_KILL), line(LOAD, NUMBER)]
    unknown = [line(GREATER, _LAST_KNOWN_CALL, 0, 1), _errno(_ENOSYS)]  # also the x32 calls of x86, whose numbers have a high bit
    return b"".join([*head, *unknown, dispatch(_actions(machine, zygote), give(_ALLOW))])
