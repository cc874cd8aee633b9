"""What hostile programs aim at, and whether it is untouched: a file, a folder, a process and listeners that
the test itself makes.

The one rule: whatever an attack could leave behind or change is looked at here, from outside, after each
attack.
"""

import contextlib
import os
import resource
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_SETTINGS = (
    *(
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/domainname",
        "/proc/sys/vm/overcommit_memory",
    ),
    *(
        "/proc/swaps",
        "/proc/self/mounts",
        "/proc/self/oom_score_adj",
        "/proc/sysvipc/shm",
        "/proc/sysvipc/sem",
        "/proc/sysvipc/msg",
    ),
)
_SHARED_FOLDERS = ("/dev/shm", "/tmp", "/var/tmp", "/dev/mqueue", "/usr/lib", "/bin", "/etc", "/dev", "/")
_CONTENT = "decoy content"
_ADDRESS_BYTES = 108
"""Node fills abstract addresses up with zeros."""


@dataclass(frozen=True, slots=True)
class Decoys:
    """All targets of one test session."""

    folder: Path
    """Everyone may do everything in it."""
    temporary: Path
    """Where sandboxes have their temporary files."""
    victim: "subprocess.Popen[bytes]"
    tcp: socket.socket
    tcp6: socket.socket | None
    udp: socket.socket
    abstract: socket.socket
    path: socket.socket
    mark: str
    """In the arguments of each attack, and in the names of what it plants in shared folders."""

    @property
    def file(self) -> Path:
        """Everyone may read and write it."""
        return self.folder / "decoy"

    def targets(self, **more: str) -> bytes:
        """As attacks read them."""
        found = {
            "decoy": str(self.file),
            "folder": str(self.folder),
            "victim": str(self.victim.pid),
            "supervisor": str(os.getpid()),
            "tcp": str(self.tcp.getsockname()[1]),
            "tcp6": str(self.tcp6.getsockname()[1]) if self.tcp6 else "9",
            "udp": str(self.udp.getsockname()[1]),
            "abstract": self.abstract.getsockname().strip(b"\0").decode(),
            "socket": str(self.folder / "socket"),
            **more,
        }
        return "".join(f"{name}={value}\n" for name, value in found.items()).encode()

    def state(self) -> dict[str, object]:
        """All that an attack could change."""
        settings = {name: _read(Path(name)) for name in _SETTINGS}
        planted = {
            name: [found.name for found in Path(name).glob(f"*{self.mark}*")] for name in _SHARED_FOLDERS
        }
        return {
            **settings,
            **planted,
            **self._files(),
            **self._victim(),
            "left running": self._running(),
            "reached": self._reached(),
        }

    def _files(self) -> dict[str, object]:
        about = self.file.stat() if self.file.exists() else None
        return {
            "content": _read(self.file),
            "mode, owner, times, links": about
            and (about.st_mode, about.st_uid, about.st_mtime_ns, about.st_nlink),
            "folder": sorted(found.name for found in self.folder.iterdir()),
            "jobs": sorted(map(str, self.temporary.glob("codemill-jobs-*/*"))),
        }

    def _victim(self) -> dict[str, object]:
        pid = self.victim.pid
        if self.victim.poll() is not None:
            return {"victim": "dead"}
        return {
            "victim is stopped": Path(f"/proc/{pid}/stat").read_text().split()[2] in "Tt",
            "priority": os.getpriority(os.PRIO_PROCESS, pid),
            "processors": os.sched_getaffinity(pid),
            "limits": resource.prlimit(pid, resource.RLIMIT_NOFILE),
            "supervisor": (
                resource.getrlimit(resource.RLIMIT_NOFILE),
                os.getpriority(os.PRIO_PROCESS, 0),
                os.sched_getaffinity(0),
            ),
        }

    def _running(self) -> list[str]:
        """Processes of attacks, by the mark in their arguments or the sandbox's folders that they stand
        in."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (
                    self.mark.encode() in (folder / "cmdline").read_bytes()
                    and int(folder.name) != os.getpid()
                ):
                    found.append(_read(folder / "cmdline"))
        return found

    def _reached(self) -> list[str]:
        found = []
        for name, listener in (
            ("tcp", self.tcp),
            ("tcp6", self.tcp6),
            ("abstract", self.abstract),
            ("path", self.path),
        ):
            with contextlib.suppress(BlockingIOError):
                if listener is not None:
                    listener.accept()[0].close()
                    found.append(name)
        with contextlib.suppress(BlockingIOError):
            self.udp.recv(1000)
            found.append("udp")
        return found


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        return str(error.strerror)


def _listen(stack: ExitStack, family: int, address: object, kind: int = socket.SOCK_STREAM) -> socket.socket:
    made = stack.enter_context(socket.socket(family, kind))
    made.bind(address)  # type: ignore[arg-type]
    if kind == socket.SOCK_STREAM:
        made.listen()
    made.setblocking(False)
    return made


def _listen6(stack: ExitStack) -> socket.socket | None:
    try:
        return _listen(stack, socket.AF_INET6, ("::1", 0))
    except OSError:
        return None


@contextmanager
def decoys(temporary: Path) -> Iterator[Decoys]:
    """Fresh targets, in a folder that every user can reach."""
    with ExitStack() as stack:
        base = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="codemill-hostile-", dir=temporary))
        )
        folder = base / "decoys"
        folder.mkdir()
        base.chmod(0o755)
        folder.chmod(0o777)
        (folder / "decoy").write_text(_CONTENT)
        (folder / "decoy").chmod(0o666)
        secret, nothing = {"CODEMILL_DECOY": "decoy secret"}, subprocess.DEVNULL
        victim = stack.enter_context(
            subprocess.Popen(["/bin/sleep", "86399"], env=secret, stdin=nothing, start_new_session=True)
        )
        stack.callback(victim.kill)
        path = _listen(stack, socket.AF_UNIX, str(folder / "socket"))
        (folder / "socket").chmod(0o777)
        yield Decoys(
            folder,
            temporary,
            victim,
            _listen(stack, socket.AF_INET, ("127.0.0.1", 0)),
            _listen6(stack),
            _listen(stack, socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM),
            _listen(stack, socket.AF_UNIX, f"\0{base.name}".ljust(_ADDRESS_BYTES, "\0")),
            path,
            f"codemill-attack-{base.name[-8:]}",
        )
