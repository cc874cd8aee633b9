"""Finds, builds and drives launchers: the outer side of a slot.

Place in the flow: `process.py` starts a `Slot` and gives it jobs. The slot's process is `launcher.c` with
`init.c`, compiled on first use with the system's C compiler into the user's cache folder, under the hash of
its sources; without a compiler it is `python_launcher.py`. The one rule: a slot that misbehaves in any way is
discarded and never used again.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from synth.errors import Problem, SandboxError
from synth.execution.isolation.folders import unfinished
from synth.execution.isolation.operations import ANSWER, LONGEST, name_at

_SOURCE, _LIBRARY = (Path(__file__).with_name(name) for name in ("launcher.c", "preload.c"))
_PARTS = (_SOURCE, _LIBRARY, *(_SOURCE.with_name(name) for name in ("init.c", "zygote.c", "preload_ruby.c")))
"""The sources of either of the two."""
_TWIN = Path(__file__).with_name("python_launcher.py")
_START_TIMEOUT_S = 60.0


def cache_folder() -> Path:
    """A folder that only this user can change, created on first use: $XDG_CACHE_HOME/codemill, else
    ~/.cache/codemill, else one below /tmp, where no link of that name is followed."""
    home = os.environ.get("XDG_CACHE_HOME") or (
        str(Path(os.environ["HOME"], ".cache")) if os.environ.get("HOME") else ""
    )
    for place in (home, tempfile.gettempdir()):
        folder = Path(place, f"codemill-{os.geteuid()}" if place != home else "codemill")
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if place and _is_ours(folder, shared_place=place != home) and os.access(folder, os.W_OK):
                return folder
    raise SandboxError(
        Problem(
            "cache folder",
            "must be writable by this user and by nobody else, but no such folder was found",
            "set XDG_CACHE_HOME to a folder of yours",
        )
    )


def _is_ours(folder: Path, *, shared_place: bool) -> bool:
    """Whether the folder is this user's. Where others may write beside it, it must also be no link and closed
    to them: anybody could have made it first."""
    status = folder.lstat() if shared_place else folder.stat()
    closed = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    return status.st_uid == os.geteuid() and (closed or not shared_place)


def _compile(compiler: str, arguments: list[str], source: Path, target: Path) -> bool:
    """Compile next to the target, then rename, so that two processes may race."""
    if target.exists():
        return True
    with unfinished(target.parent, "launcher") as folder:
        made = folder / target.name
        done = subprocess.run(
            [compiler, "-O2", *arguments, "-o", str(made), str(source)], capture_output=True, check=False
        )
        if done.returncode == 0:
            made.replace(target)
    return target.exists()


@cache
def compiled(library: bool = False) -> Path | None:
    """The compiled launcher, or the library for zygotes that contains it; None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in _PARTS)).hexdigest()[:16]
    target = cache_folder() / f"launcher-{digest}{'.so' if library else ''}"
    ways = [["-shared", "-fPIC", "-Wl,-z,now"]] if library else [["-static"], []]
    source = _LIBRARY if library else _SOURCE
    return target if compiler and any(_compile(compiler, way, source, target) for way in ways) else None


def launcher_command(in_python: bool = False) -> tuple[str, ...]:
    """The command of a slot process: the compiled launcher, else the one in Python."""
    binary = None if in_python else compiled()
    return (str(binary),) if binary else (sys.executable, "-I", "-S", "-B", str(_TWIN))


def memory_file(name: str, data: bytes) -> int:
    """A read-only descriptor of an anonymous file with this content. The caller closes it."""
    writer = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(writer, view) :]
        return os.open(f"/proc/self/fd/{writer}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(writer)


class Used(NamedTuple):
    """The resources that a job used: CPU seconds of all its processes, and peak resident memory of the
    largest, in MiB."""

    cpu_s: float
    peak_memory_mb: float


class Slot:
    """One launcher process. Its owner must run one job at a time."""

    def __init__(self, command: tuple[str, ...], operations: bytes) -> None:
        """Start and set up. Raises a SandboxError that names the failed operation."""
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(_START_TIMEOUT_S)
        with theirs:
            self.process = _start_process(command, theirs.fileno())
        try:
            listing = memory_file("slot", operations)
            try:
                socket.send_fds(self.control, [b"L"], [listing])
            finally:
                os.close(listing)
            kind, index, error_number = self._receive()
        except OSError as error:
            self.close()
            raise _slot_error(f"its process ended or hung: {error}") from error
        if kind != b"R":
            self.close()
            raise _slot_error(f"{name_at(operations, index)}: {os.strerror(error_number)}")

    def _receive(self) -> tuple[bytes, int, int]:
        data = self.control.recv(ANSWER.size)
        if len(data) != ANSWER.size:
            raise ConnectionResetError("no answer")
        kind, first, second = ANSWER.unpack(data)
        return kind, first, second

    def start(self, operations: bytes, descriptors: list[int]) -> int:
        """Start a job. The descriptors are stdin, stdout, stderr, status and perhaps a channel. Returns the
        pid of its init."""
        if len(operations) < LONGEST:
            socket.send_fds(self.control, [b"J", operations], descriptors)
        else:
            listing = memory_file("job", operations)
            try:
                socket.send_fds(self.control, [b"M"], [listing, *descriptors])
            finally:
                os.close(listing)
        kind, number, _ = self._receive()
        if kind != b"S":
            raise OSError(number, f"cannot clone: {os.strerror(number)}")
        return number

    def kill_job(self) -> None:
        """Kill the job's whole process tree, if it still runs."""
        with contextlib.suppress(OSError):
            self.control.send(b"K")

    def wait_reaped(self) -> Used:
        """Wait until no process of the job is left, and return its total use. Raises OSError."""
        kind, cpu, peak = self._receive()
        if kind != b"E":
            raise OSError(f"unexpected answer {kind!r}")
        return Used(cpu / 10_000, peak / 1024)

    def close(self) -> None:
        """End the slot and everything that runs in it. May be called twice."""
        self.control.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def _start_process(command: tuple[str, ...], control: int) -> "subprocess.Popen[bytes]":
    """Start with an empty environment; the last argument is the number of the control socket."""
    quiet = subprocess.DEVNULL
    arguments = [*command, str(control)]
    return subprocess.Popen(
        arguments,
        env={},
        cwd="/",
        pass_fds=[control],
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
        process_group=0,
    )


def _slot_error(what: str) -> SandboxError:
    return SandboxError(
        Problem(
            "sandbox slot",
            f"cannot be set up: {what}",
            "codemill doctor",
            "docs/architecture/sandbox.md",
        )
    )
