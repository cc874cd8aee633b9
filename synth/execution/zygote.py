"""Fork zygotes: a worker that has loaded its language once, and starts each program by a fork into namespaces of its own.

Place in the flow: a driver opens a worker with `Job.zygote`, adds `zygote_files()` to its files, and its code inside calls
`fork_program(list, stdin, stdout, stderr, status, channel)` with a list from `program_operations`. The one rule: a zygote runs nothing
but our own code; a program begins only after the fork, behind the program's filter and without a capability.

The child is pid 2 below an init of its own, with fresh /proc, /tmp and /work. The init writes one report to the status pipe (`read_report`)
when all that the program started is dead. The zygote watches CPU and wall time itself, and ends a program by killing the init.
"""

from typing import NamedTuple

from synth.execution.launcher import compiled
from synth.execution.plan import program_operations
from synth.execution.reports import read_reports

__all__ = ["ProgramEnd", "program_operations", "read_report", "zygote_files"]

_INSIDE = '''\
"""Loaded by a zygote inside the sandbox."""
import ctypes

_library = ctypes.PyDLL("/work/libfork.so", use_errno=True)


def fork_program(listing, stdin, stdout, stderr, status, channel=None):
    """As os.fork(): 0 in the program, which has the given descriptors as 0 to 2 (and 3) and no others; else the pid of its init."""
    given = [-1, stdin, stdout, stderr, status] + ([] if channel is None else [channel])
    pid = _library.codemill_fork(listing, ctypes.c_size_t(len(listing)), (ctypes.c_int * len(given))(*given), len(given))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    elif pid < 0:
        raise OSError(ctypes.get_errno(), "cannot clone into new namespaces")
    return pid
'''


class ProgramEnd(NamedTuple):
    """How a zygote's program ended: one of the first two, or what failed in setting it up."""

    exit_code: int | None
    signal: int | None
    fault: str | None
    violation: str | None = None
    """The forbidden call for which the program was ended, with signal 9."""


def zygote_files() -> dict[str, bytes] | None:
    """What a zygote in Python needs in its work folder, or None where there is no C compiler: then programs start cold."""
    library = compiled(library=True)
    return None if library is None else {"libfork.so": library.read_bytes(), "codemill_fork.py": _INSIDE.encode()}


def read_report(report: bytes, listing: bytes) -> ProgramEnd:
    """Read what came through the status pipe; nothing came when the init was killed."""
    said = read_reports(report, listing)
    if said.fault is not None:
        return ProgramEnd(None, None, said.fault)
    code = -9 if said.code is None else said.code
    return ProgramEnd(code, None, None, said.violation) if code >= 0 else ProgramEnd(None, -code, None, said.violation)
