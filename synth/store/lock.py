"""The lock of a run folder: a `flock` on `.lock`, held by the one process that works in it.

The one rule: the kernel releases it when its process ends, no matter how, so kill -9 never leaves
a lock behind. The file says who holds it: host and process.
"""

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from synth.errors import Problem, RunFolderError
from synth.store.atomic import PRIVATE_FILE, make_private_folder

_CHILDREN = ".children"
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


@contextmanager
def outlived(path: Path, patience_s: float, on_wait: Callable[[], None]) -> Iterator[int]:
    """A descriptor for the children of a process that works in the folder, given once no child of an earlier
    process is left. A child has to keep it open until its own children have ended.

    Calls `on_wait` once if it has to wait. Raises RunFolderError when one is left after so many seconds.
    """
    make_private_folder(path)
    descriptor = os.open(path / _CHILDREN, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        if not _taken_within(descriptor, path, 0):
            on_wait()
            if not _taken_within(descriptor, path, patience_s):
                raise RunFolderError(
                    Problem(
                        f"folder {path}",
                        f"is in use by an engine or a trainer of a start before, for {patience_s:g} s now",
                        f"end that process (`fuser {path / _CHILDREN}` shows it), then rerun the command",
                        "docs/architecture/store.md",
                    )
                )
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


def _taken_within(descriptor: int, path: Path, patience_s: float) -> bool:
    patience_ends = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= patience_ends:
                return False
            time.sleep(0.05)
        except OSError as error:
            raise RunFolderError(_no_locks(path, error)) from error


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
