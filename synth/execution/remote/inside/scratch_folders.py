"""The environment of one slot's programs: a separate user, and as root a mount, network, ipc and uts
namespace with fresh scratch folders.

It is shipped with `worker.py` and is self-contained. The one rule: no program sees what another one left
behind; if the kernel does not allow that (no root), `can_separate` says so, and every observation states it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import tempfile

import program  # type: ignore[import-not-found]

NEW_NS, NEW_UTS, NEW_IPC, NEW_NET = 0x00020000, 0x04000000, 0x08000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEV, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
DETACH = 2
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")
FIRST_UID, UIDS = 61000, 3000
INODES = 8192
SPARE = 1 << 20


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Raises OSError."""
    if (
        program.LIBC.mount(
            source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
        )
        != 0
    ):
        error = ctypes.get_errno()
        raise OSError(error, f"mount {target}: {os.strerror(error)}")


def separate() -> None:
    """Leave the namespaces of the sandbox, for this process and all below it. Raises OSError."""
    if program.LIBC.unshare(NEW_NS | NEW_IPC | NEW_NET | NEW_UTS) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)}")
    mount("none", "/", "none", RECURSIVE | PRIVATE)


def can_separate() -> bool:
    """Whether programs can be isolated from each other here, found by trying in a fork."""
    if os.geteuid() != 0:
        return False
    pid = os.fork()
    if pid == 0:
        status = 1
        with contextlib.suppress(OSError):
            separate()
            mount("tmpfs", "/tmp", "tmpfs", NO_SUID | NO_DEV)
            status = 0
        os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def write_files(folder: str, files: dict[str, str | bytes], owner: int | None = None) -> None:
    """Write files by relative path, creating folders. Raises ValueError for a path that leads outside."""
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    made = [folder]
    for name, content in files.items():
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"{name!r} leads out of its folder")
        path = os.path.join(folder, name)  # noqa: PTH118
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        made += [os.path.dirname(path), path]  # noqa: PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        os.chmod(path, 0o755 if content[:2] in ("#!", b"#!") else 0o644)  # noqa: PTH101
    if owner is not None:
        for path in made:
            os.chown(path, owner, owner)


class ScratchFolders:
    """The scratch folders of one slot, recreated for each program."""

    def __init__(self, base: str, number: int) -> None:
        self.separated = os.geteuid() == 0
        offset = (os.getppid() * 257 + number) % UIDS
        self.uid = FIRST_UID + offset if self.separated else None
        self.server_uid = FIRST_UID + UIDS + offset if self.separated else None
        """Resident compilers run as another user, out of the programs' reach."""
        self.mounted: list[str] = []
        if self.separated:
            separate()
        self.shared = os.path.join(base, "shared")  # noqa: PTH118
        home = os.path.join(base, f"slot-{number}")  # noqa: PTH118
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home)  # noqa: PTH103
        # Through descriptors, because a fresh /tmp may hide the paths.
        self.home, self.shared_source = (
            f"/proc/self/fd/{os.open(path, os.O_PATH | os.O_DIRECTORY)}" for path in (home, self.shared)
        )

    def build_folder(self) -> str:
        """An empty folder for a build, as seen from outside the scratch folders."""
        folder = tempfile.mkdtemp(dir=self.home)
        if self.uid is not None:
            os.chown(folder, self.uid, self.uid)
        return folder

    def seal(self, folder: str) -> None:
        """After a build: make it read-only."""
        for at, folders, files in os.walk(folder):
            for name in [*folders, *files]:
                path = os.path.join(at, name)  # noqa: PTH118
                if self.uid is not None:
                    os.chown(path, 0, 0, follow_symlinks=False)
                elif not os.path.islink(path):  # noqa: PTH114
                    os.chmod(path, os.stat(path).st_mode & ~0o222)  # noqa: PTH101, PTH116
        if self.uid is not None:
            os.chown(folder, 0, 0)
        os.chmod(folder, 0o755 if self.uid is not None else 0o555)  # noqa: PTH101

    def remove(self, folder: str) -> None:
        """Delete a build."""
        if self.uid is None:
            os.chmod(folder, 0o755)  # noqa: PTH101
        shutil.rmtree(folder, ignore_errors=True)

    def fresh(self, room: int, build: str | None = None, read_only: bool = False) -> str:
        """Make empty scratch folders of `room` bytes each. Returns the work folder, which is `build` if
        that is given."""
        if not self.separated:
            return build or tempfile.mkdtemp(dir=self.home)
        for target in self.mounted:
            program.LIBC.umount2(target.encode(), DETACH)
        self.mounted = [target for target in SCRATCH if os.path.isdir(target)]  # noqa: PTH112
        for target in self.mounted:
            mount(
                "tmpfs",
                target,
                "tmpfs",
                NO_SUID | NO_DEV,
                f"size={room + SPARE},nr_inodes={INODES},mode=1777",
            )
        os.mkdir("/tmp/work")  # noqa: PTH102
        os.mkdir("/tmp/shared")  # noqa: PTH102
        self.show(self.shared_source, "/tmp/shared", read_only=True)
        if build is not None:
            self.show(build, "/tmp/work", read_only)
        elif self.uid is not None:
            os.chown("/tmp/work", self.uid, self.uid)
        return "/tmp/work"

    def show(self, source: str, target: str, read_only: bool) -> None:
        """Bind a folder."""
        mount(source, target, "none", BIND)
        if read_only:
            mount("none", target, "none", REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEV)

    def discard(self, folder: str) -> None:
        """Remove the folders that `fresh` made without namespaces."""
        if not self.separated:
            shutil.rmtree(folder, ignore_errors=True)

    def shared_folder(self, key: str) -> str:
        """The folder of a driver's shared files, as programs see it after `fresh`."""
        return os.path.join("/tmp/shared" if self.separated else self.shared, key)  # noqa: PTH118
