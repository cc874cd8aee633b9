"""Takes from a parser process what parsing does not need: files, sockets, processes, its user.

Place in the flow: `parser_worker.py` calls `lock_down` after its last import and before its first text. The
one rule: what is missing on a machine is left out without a word, for a parser that is only a process of its
own still keeps faults and costs out of the supervisor.
"""

import ctypes
import os
import platform
import resource
import struct
from contextlib import suppress
from typing import Final

USER: Final = 64999
"""As root, the user that parsers become: no account, and no user of a slot."""
MEMORY_BYTES: Final = 1 << 30

_ALLOWED: Final = {
    "x86_64": (0xC000003E, (0, 1, 3, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 38, 60, 96, 98, 100, 202, 219,
                            228, 230, 231, 318)),
    "aarch64": (0xC00000B7, (63, 64, 57, 222, 226, 215, 214, 134, 135, 139, 124, 216, 233, 103, 93, 169, 165,
                             153, 98, 128, 113, 115, 94, 278)),
}  # fmt: skip
"""By processor: its number in the kernel, and read, write, close, mmap, mprotect, munmap, brk, rt_sigaction,
rt_sigprocmask, rt_sigreturn, sched_yield, mremap, madvise, setitimer, exit, gettimeofday, getrusage, times,
futex, restart_syscall, clock_gettime, clock_nanosleep, exit_group, getrandom."""
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER, _PR_SET_DUMPABLE = 38, 22, 2, 4


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def lock_down() -> None:
    """Limits memory, becomes nobody, and gives up all calls except for reading, writing and memory."""
    for name, most in (("AS", MEMORY_BYTES), ("FSIZE", 0), ("CORE", 0), ("NPROC", 0)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    os.chdir("/")
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
    with suppress(OSError, AttributeError):
        _filter_calls()


def _filter_calls() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if platform.machine() not in _ALLOWED:
        return
    code = _filter(*_ALLOWED[platform.machine()])
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(held))
    library.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)


def _filter(processor: int, allowed: tuple[int, ...]) -> bytes:
    """BPF: another processor's calls end the process, calls that are not allowed fail with EPERM."""
    line = struct.Struct("=HBBI").pack
    tests = [line(_EQUAL, len(allowed) - at, 0, number) for at, number in enumerate(allowed)]
    head = [
        line(_LOAD, 0, 0, 4),
        line(_EQUAL, 1, 0, processor),
        line(_RETURN, 0, 0, _KILL),
        line(_LOAD, 0, 0, 0),
    ]
    return b"".join([*head, *tests, line(_RETURN, 0, 0, _EPERM), line(_RETURN, 0, 0, _ALLOW)])
