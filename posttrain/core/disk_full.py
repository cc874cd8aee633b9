"""A full disk while a training writes, in words.

Place in the flow: `train_jobs` asks for any error of the libraries that write. The one rule: an error is
called a full disk only if it says so itself, or if nothing can be written to the folder now.
"""

import errno
import os
import tempfile
from pathlib import Path

from synth.errors import Problem, TrainerError

_WORDS = ("No space left", "StorageFull", "os error 28", "Disk quota exceeded", "os error 122")
_WRITERS = ("PytorchStreamWriter", "unexpected pos", "inline_container")
"""Of torch, which does not say why a write failed."""
_PROBE_BYTES = 1 << 20


def as_disk_full(error: Exception, folder: Path) -> TrainerError | None:
    """The error in our words if the disk below `folder` is full, else None."""
    text = f"{type(error).__name__}: {error}"
    says_so = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or any(
        words in text for words in _WORDS
    )
    if not says_so and not (any(words in text for words in _WRITERS) and not _takes_bytes(folder)):
        return None
    return TrainerError(
        Problem(
            f"checkpoint {folder}",
            f"cannot be written: the disk is full ({_free_mb(folder)} MB free)",
            "make room and rerun the same command: it goes on from the last whole checkpoint",
            "docs/architecture/training.md",
        )
    )


def _takes_bytes(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def _free_mb(folder: Path) -> int:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize >> 20
