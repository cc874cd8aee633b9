"""A private folder for the sockets of one engine.

Place in the flow: `vllm_process` makes it before the start and removes it after the end. The one rule: nobody
but our own user can reach what is in it (mode 0700, made by us, never adopted), and no part of it outlives
its owner by more than one start: it is locked while its owner lives, and every start removes those whose
lock is free.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "codemill-engine-"
_LONGEST_PARENT = 40
"""A socket's path has at most 107 bytes: this, the folder's name, and vLLM's own names of 37 bytes fit."""


class SocketFolder:
    """A new, empty folder. Raises OSError if none can be made."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or _short_parent()
        sweep(parent)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if _is_at(self._lock, self.path):
                return
            os.close(self._lock)  # another start swept it before it was locked

    def close(self) -> None:
        """Remove it with everything in it. May be called twice."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def sweep(parent: Path) -> None:
    """Remove the folders of owners that were killed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _short_parent() -> Path:
    """The folder for temporary files, or /tmp where its path is too long for a socket."""
    usual = Path(tempfile.gettempdir())
    return usual if len(os.fsencode(usual)) <= _LONGEST_PARENT else Path("/tmp")


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False
