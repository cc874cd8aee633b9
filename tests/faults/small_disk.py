"""A disk of our own that can be full, a tmpfs mounted on one folder; and folders that turn read-only.

The one rule: all of it happens to folders that the test made, and is undone whatever happens.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_BALLAST = ".ballast"


class SmallDisk:
    """A mounted disk of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self) -> None:
        """Take every byte that is free."""
        with suppress(OSError), (self._folder / _BALLAST).open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 12))

    def make_room(self) -> None:
        (self._folder / _BALLAST).unlink(missing_ok=True)


def set_readonly(folder: Path, readonly: bool) -> None:
    """Nothing can be made or removed in the folder and those below it, not even by root. What is open stays
    open, as on a disk that turns read-only. Raises CalledProcessError without the right to do so."""
    folder.mkdir(parents=True, exist_ok=True)
    folders = [str(folder), *(str(path) for path in folder.rglob("*") if path.is_dir())]
    for each in folders:
        subprocess.run(["chattr", "+i" if readonly else "-i", each], check=True, capture_output=True)


@contextmanager
def small_disk(folder: Path, megabytes: int = 64) -> Iterator[SmallDisk]:
    """The folder as a disk of its own while the block runs. Raises CalledProcessError without the right to
    mount."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=700"]
    subprocess.run(["mount", *options, "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def may_mount(folder: Path) -> bool:
    """Whether this user may mount a disk on a folder, and make one immutable."""
    try:
        with small_disk(folder, 1):
            pass
        set_readonly(folder, True)
        set_readonly(folder, False)
        return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False
