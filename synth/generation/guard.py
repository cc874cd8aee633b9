"""A guard between codemill and a child process that it owns: the child's whole process group ends when
codemill does, even on kill -9.

Run as a file, `python -I guard.py LIFELINE GRACE COMMAND...`: LIFELINE is the descriptor of the read end of a
pipe whose write end only codemill holds, GRACE the seconds between SIGTERM and SIGKILL. The one rule: when
the pipe closes, SIGTERM arrives or the child ends, no process of the child's group is left. It imports only
the standard library.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_ORPHANED_S = 5.0
"""Grace at most once codemill itself is gone: nobody waits for what is saved, and the memory is wanted."""


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel for this signal when the parent dies (Linux only; elsewhere the lifeline
    alone does this)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def end_group(child: "subprocess.Popen[bytes]", grace_s: float, owner: int) -> None:
    """Send SIGTERM to the group, wait at most so many seconds, then send SIGKILL to the rest, and reap. The
    wait is short without the `owner`, the process that started this one."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
        asked = time.monotonic()
        while child.poll() is None:
            grace = grace_s if os.getppid() == owner else min(grace_s, _ORPHANED_S)
            if time.monotonic() >= asked + grace:
                break
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def guard(lifeline: int, grace_s: float, command: list[str]) -> int:
    """Run the command until it ends or the lifeline closes. Returns its exit code (128 +
    the signal's number)."""
    stopping: list[int] = []
    owner = os.getppid()
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGTERM)
    child = subprocess.Popen(
        command, start_new_session=True, preexec_fn=lambda: die_with_parent(signal.SIGKILL)
    )
    for stream in (
        0,
        1,
    ):  # the child's own streams: if we held them too, their other end would never see end of file
        os.close(stream)
    while not stopping and child.poll() is None:
        readable, _, _ = select.select([lifeline], [], [], 0.1)
        if readable:
            break
    end_group(child, grace_s, owner)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(guard(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
