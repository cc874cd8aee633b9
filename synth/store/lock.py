"""The lock of a run folder: a `flock` on `.lock`, held by the one process that works in it.

The one rule: the kernel releases it when its process ends, no matter how, so kill -9 never leaves
a lock behind. The file says who holds it: host and process.
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synth.errors import Problem, RunFolderError
from synth.store.atomic import PRIVATE_FILE, make_private_folder

_LOCK_PATIENCE_S = 1.0
"""A reader that checks whether the run is alive holds the lock briefly."""


def take_lock(path: Path, patience_s: float = _LOCK_PATIENCE_S) -> int:
    """Make the folder and lock it; the open file's descriptor, whose closing unlocks. Raises RunFolderError
    when another process has it."""
    make_private_folder(path)
    descriptor = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    patience_ends = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > patience_ends:
                holder = os.pread(descriptor, 300, 0).decode(errors="replace").strip() or "another process"
                os.close(descriptor)
                fix = "wait until it ends, or use another name: --fork NAME or --set name=NAME"
                raise RunFolderError(Problem(f"folder {path}", f"is in use by {holder}", fix)) from None
            time.sleep(0.02)
        except OSError as error:
            os.close(descriptor)
            raise RunFolderError(_no_locks(path, error)) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    return descriptor


@contextmanager
def locked(path: Path, patience_s: float = _LOCK_PATIENCE_S) -> Iterator[None]:
    """The folder is ours within the block. Raises RunFolderError when another process keeps it."""
    descriptor = take_lock(path, patience_s)
    try:
        yield
    finally:
        os.close(descriptor)


def _no_locks(path: Path, error: OSError) -> Problem:
    return Problem(
        f"folder {path}",
        f"cannot be locked: {error.strerror}, so nothing would keep a second process out",
        "put the runs on a file system with flock (Lustre: mount it with -o flock; NFS: run lockd)",
        "docs/architecture/store.md",
    )


def is_locked(path: Path) -> bool:
    """Whether a process is working in the run."""
    try:
        descriptor = os.open(path / ".lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
