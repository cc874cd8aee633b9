"""Private host folders: one locked base for each sandbox, below it the folders of builds, and at level C a
/work and a /tmp for each job.

Place in the flow: `process.py` makes the base; `active_job.py` makes a job's folders before it and removes
them after it; `programs/build.py` asks for a folder for each build. Two rules. No part of them is left,
whatever a program created in them and however the supervisor ended: the next sandbox to start cleans up after
one that was killed. And nobody else reaches them: we write only into folders of our own, and what a job made
is opened without following a link.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from synth.errors import Problem, SandboxError

_PREFIX = "codemill-jobs-"
_UNFINISHED = "unfinished-"
_BLOCK_BYTES = 512
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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


@dataclass(frozen=True, slots=True)
class BuildFolder:
    """The folder of one build. `home` stays ours; `work` in it is given to the user whose compiler runs."""

    home: Path

    @property
    def work(self) -> Path:
        """Where the compiler works; /work for it and for the program that it made."""
        return self.home / "work"

    def make_empty(self, name: str) -> Path:
        """A folder beside `work`, for something that we write ourselves; what it held before is removed."""
        made = self.home / name
        with contextlib.suppress(FileNotFoundError):
            remove_tree(made)
        made.mkdir(mode=0o700)
        return made

    def remove(self) -> None:
        """Remove it. May be called twice."""
        with contextlib.suppress(FileNotFoundError):
            remove_tree(self.home)


class LockedBase:
    """A new folder in the temporary folder that only we can change, locked while its owner lives."""

    def __init__(self, mode: int = 0o700) -> None:
        """`mode` 0711 lets others pass through to what they are told of. Raises OSError, SandboxError."""
        room = Path(tempfile.gettempdir())
        _check_nobody_renames(room)
        _sweep(room)
        self.path, self._lock = _make_locked(mode)

    def close(self) -> None:
        """Remove it with all that is in it. What cannot be removed now, as on a disk that turned read-only,
        the next start sweeps. May be called twice."""
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                remove_tree(self.path)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class JobFolders:
    """The folders of one sandbox, below its own base."""

    def __init__(self, shared: bool = False) -> None:
        """`shared`: jobs pass through the base as users of their own. Raises OSError, SandboxError."""
        self._mode = 0o711 if shared else 0o700
        self._base = LockedBase(self._mode)
        self.base = self._base.path

    def make(self, host_id: int | None) -> Folders:
        """Two empty folders for one job that only its user may enter."""
        parent = Path(tempfile.mkdtemp(dir=self.base, prefix="job-"))
        found = Folders(parent, parent / "work", parent / "tmp")
        for folder in (found.work, found.tmp, parent):
            folder.mkdir(mode=0o700, exist_ok=True)
            if host_id is not None:
                os.chown(folder, host_id, host_id)
        return found

    def make_build(self) -> BuildFolder:
        """The folder of a build."""
        home = Path(tempfile.mkdtemp(dir=self.base, prefix="build-"))
        home.chmod(self._mode)
        (home / "work").mkdir(mode=0o700)
        return BuildFolder(home)

    def close(self) -> None:
        """Remove all folders. May be called twice."""
        self._base.close()


def _make_locked(mode: int) -> tuple[Path, int]:
    """A new base and the lock on it. Another process that sweeps at this moment may be first; then there is
    another one."""
    while True:
        base = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(base, _OPEN_FOLDER)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if base.exists():
                base.chmod(mode)
                return base, lock
            os.close(lock)


def _sweep(parent: Path) -> None:
    """Remove the bases of killed sandboxes: their locks are free."""
    for base in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(base, _OPEN_FOLDER)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove_tree(base)
            finally:
                os.close(lock)


def _check_nobody_renames(folder: Path) -> None:
    """Below a folder that others may change, any path of ours could become theirs."""
    for at in (folder, *folder.absolute().parents):
        found = at.stat()
        others = found.st_mode & stat.S_IWOTH or (
            found.st_mode & stat.S_IWGRP and found.st_gid not in (0, os.getegid())
        )
        if others and not found.st_mode & stat.S_ISVTX:
            raise SandboxError(
                Problem(
                    f"temporary folder {folder}",
                    f"must be safe from other users, but {at} lets them rename what is in it",
                    f"`chmod +t {at}`, or set TMPDIR to a folder of yours",
                    "docs/architecture/sandbox.md",
                )
            )


@contextmanager
def unfinished(room: Path, name: str) -> Iterator[Path]:
    """An empty folder in a folder of ours, to make something in before it is renamed. One process at a time
    uses a name; what a killed one left is removed. Raises OSError."""
    with (room / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in room.glob(f"{_UNFINISHED}{name}-*"):
            remove_tree(left)
        folder = Path(tempfile.mkdtemp(dir=room, prefix=f"{_UNFINISHED}{name}-"))
        try:
            yield folder
        finally:
            with contextlib.suppress(FileNotFoundError):
                remove_tree(folder)


def open_product(folder: Path, name: str) -> int:
    """A read-only descriptor of a file that a job made in its folder: a regular file of the user that owns
    the folder. No link is followed. Raises OSError."""
    top = os.open(folder, _OPEN_FOLDER)
    try:
        made = os.open(name, _OPEN_FILE, dir_fd=top)
        found = os.fstat(made)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.fstat(top).st_uid:
            return made
        os.close(made)
    finally:
        os.close(top)
    raise OSError(errno.EPERM, "not a regular file of the job's user", name)


def read_product(folder: Path, path: str, most: int) -> bytes | None:
    """Up to `most + 1` bytes of a file that a job left below its folder; None if there is no regular file of
    the job's user at that path. No link is followed."""
    *above, name = path.split("/")
    try:
        if above:
            _check_folders(folder, above)
        opened = open_product(folder.joinpath(*above), name)
    except OSError:
        return None
    with os.fdopen(opened, "rb") as file:
        return file.read(most + 1)


def _check_folders(folder: Path, names: list[str]) -> None:
    """That each of the nested folders is one, and no link. The job is over: nobody changes them meanwhile.
    Raises OSError."""
    at = folder
    for name in names:
        at = at / name
        os.close(os.open(at, _OPEN_FOLDER))


def give(folder: Path, host_id: int, to_read: bool) -> None:
    """Make a job's user the owner of its folder; `to_read`, only if not all may enter it. What an earlier try
    left there, whose slot was lost, becomes that user's too. Raises OSError."""
    opened = os.open(folder, _OPEN_FOLDER)
    try:
        if not (to_read and os.fstat(opened).st_mode & stat.S_IXOTH):
            os.fchown(opened, host_id, host_id)
        if not to_read:
            _give_contents(opened, host_id)
    finally:
        os.close(opened)


def _give_contents(folder: int, host_id: int) -> None:
    for name in os.listdir(folder):
        os.chown(name, host_id, host_id, dir_fd=folder, follow_symlinks=False)
        if _is_folder(name, folder):
            below = os.open(name, _OPEN_FOLDER, dir_fd=folder)
            try:
                _give_contents(below, host_id)
            finally:
                os.close(below)


def remove_tree(folder: Path) -> None:
    """Remove a folder, even if its contents are deeply nested, have long names or are unreadable: folders are
    first moved to its top level. Links are not followed."""
    top = os.open(folder, _OPEN_FOLDER)
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
    inner = os.open(name, _OPEN_FOLDER, dir_fd=top)
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
    waiting = list({str(folders.work), str(folders.tmp)})
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
