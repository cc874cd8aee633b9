"""Private host folders for jobs without namespaces (level C): a /work and a /tmp each, removed with the job.

Place in the flow: `active_job.py` makes them before a job and removes them after it. The one rule: no part of
them is left, whatever the program created in them and however the supervisor ended; the next sandbox to start
cleans up after one that was killed.
"""

import contextlib
import fcntl
import itertools
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

_PREFIX = "codemill-jobs-"
_LOCK = "lock"
_BLOCK_BYTES = 512


class Folders(NamedTuple):
    """The host paths of a job's /work and /tmp."""

    parent: Path
    work: Path
    tmp: Path

    def remove(self) -> None:
        """Remove them, once all processes of the job are dead."""
        remove_tree(self.parent)


class Room(NamedTuple):
    """The contents of folders: bytes on disk, and the number of files and folders."""

    size: int
    entries: int


class JobFolders:
    """The job folders of one sandbox, below its own base folder, which is locked while the sandbox lives."""

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self.base = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self.base.chmod(0o711)  # jobs may run as another user
        self._lock = os.open(self.base / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def make(self, host_id: int | None) -> Folders:
        """Two empty folders for one job that only its user may enter."""
        parent = Path(tempfile.mkdtemp(dir=self.base, prefix="job-"))
        found = Folders(parent, parent / "work", parent / "tmp")
        for folder in (found.work, found.tmp, parent):
            folder.mkdir(mode=0o700, exist_ok=True)
            if host_id is not None:
                os.chown(folder, host_id, host_id)
        return found

    def close(self) -> None:
        """Remove all folders. May be called twice."""
        if self._lock >= 0:
            remove_tree(self.base)
            os.close(self._lock)
            self._lock = -1


def _sweep(parent: Path) -> None:
    """Remove the folders of killed sandboxes: their locks are free."""
    for base in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if base.lstat().st_uid != os.geteuid():
                continue
            lock = os.open(base / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(base)
            finally:
                os.close(lock)


def remove_tree(folder: Path) -> None:
    """Remove a folder, even if its contents are deeply nested, have long names or are unreadable: folders are
    first moved to its top level. Links are not followed."""
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        while names := _names(top):
            for name in names:
                _remove_entry(top, name)
    finally:
        os.close(top)
    folder.rmdir()


def _remove_entry(top: int, name: str) -> None:
    if not _is_folder(name, top):
        os.unlink(name, dir_fd=top)
        return
    os.chmod(name, 0o700, dir_fd=top)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    try:
        for entry in _names(inner):
            if _is_folder(entry, inner):
                os.chmod(entry, 0o700, dir_fd=inner)  # a folder must be writable to be moved
                os.rename(entry, secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=top)
            else:
                os.unlink(entry, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as found:
        return [entry.name for entry in found]


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def measure(folders: Folders, most_entries: int) -> Room:
    """Their current contents, counted up to `most_entries`. Entries that vanish meanwhile are left out; an
    unreadable entry counts as too much."""
    size = entries = 0
    waiting = [str(folders.work), str(folders.tmp)]
    while waiting and entries <= most_entries:
        try:
            with os.scandir(waiting.pop()) as found:
                for entry in itertools.islice(found, most_entries + 1 - entries):
                    entries += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:
            return Room(size, most_entries + 1)
    return Room(size, entries)
