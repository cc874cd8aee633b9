"""Atomic writes: every file in a run folder is written under a `.tmp` name, synced and renamed, and its
folder is synced.

The one rule: under its final name a file is complete. After kill -9 or a full disk, only `.tmp` files can be
incomplete, and those are never read. What is not made to be shared is private: files of mode 0600, folders of
mode 0700.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from synth.errors import Problem, StoreError

TEMPORARY_SUFFIX = ".tmp"

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is exhausted",
    errno.EFBIG: "the file is larger than this process may write",
}


PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


@contextmanager
def atomic_file(path: Path, *, shared: bool = False) -> Iterator[IO[bytes]]:
    """A binary file that gets its name only if the block succeeds; `shared`: with the modes that the umask
    gives. Raises StoreError if it cannot be written."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        if shared:
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            make_private_folder(path.parent)
        mode = 0o666 if shared else PRIVATE_FILE
        opened = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(opened, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _drop(temporary)
        raise _write_problem(path, error) from error
    except BaseException:
        _drop(temporary)
        raise


def write_bytes(path: Path, content: bytes, *, shared: bool = False) -> None:
    """Write a whole file atomically. Raises StoreError."""
    with atomic_file(path, shared=shared) as file:
        file.write(content)


def make_private_folder(folder: Path) -> None:
    """Make a folder and what it lies in, for this user alone. Folders that exist stay as they are."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def open_log(path: Path) -> IO[str]:
    """A private text file to append to, with its folder."""
    make_private_folder(path.parent)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE)
    return os.fdopen(opened, "a", encoding="utf-8")


def sync_folder(folder: Path) -> None:
    """Make renames and removals in this folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale_files(folder: Path) -> list[Path]:
    """Remove and return the unfinished files of an interrupted process. Call it only with the
    run's lock held."""
    stale = sorted(path for path in folder.rglob(f"*{TEMPORARY_SUFFIX}") if path.is_file())
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def _drop(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return  # the `.tmp` file stays behind: no reader opens it, and the next resume removes it


def _write_problem(path: Path, error: OSError) -> StoreError:
    why = _FULL.get(error.errno or 0, error.strerror or str(error))
    expected = f"cannot be written: {why} (files written before are intact)"
    return StoreError(Problem(str(path), expected, "free some space, then rerun the same command"))
