"""Tests whether this machine's isolation is real, with a short hostile program before the first job.

Place in the flow: `process.py` asks once per process and level; a pass is remembered until the machine
restarts or the sandbox's own source changes. The one rule: only actual attempts count; the targets are a
file, a listener and a process that the test itself makes.
"""

import contextlib
import functools
import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from synth.execution.isolation.folders import LockedBase
from synth.execution.isolation.job import Job, JobResult
from synth.execution.isolation.launcher.slot import cache_folder
from synth.execution.isolation.policy.landlock_only import is_open_to_all
from synth.records import Limits, Stop

_SECRET: Final = "CODEMILL_SELF_TEST"
_PROGRAM: Final = """
import _socket, ctypes, os, sys
decoy, port, victim, secret = sys.stdin.read().split("\\n")
lines = [line.split() for line in open("/proc/self/status")]
status = {line[0]: line[1] for line in lines if line[0].startswith(("Cap", "NoNewPrivs"))}
def attempt(what, act):
    try:
        if act(): print(what)
    except OSError: pass
def connect():
    _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect(("127.0.0.1", int(port)))
    return True
def has_capability():
    return any(int(status[f"Cap{kind}:"], 16) for kind in ("Inh", "Prm", "Eff", "Amb"))
attempt("a file outside can be read", lambda: open(decoy))
attempt("a file outside can be changed", lambda: os.open(decoy, os.O_WRONLY) >= 0)
attempt("a listener on loopback can be reached", connect)
attempt("a process outside can be signalled", lambda: os.kill(int(victim), 0) is None)
attempt("a process outside can be looked into", lambda: secret in open(f"/proc/{victim}/environ").read())
attempt("the environment is not empty", lambda: set(os.environ) - {"LC_CTYPE"})
sets = ("CapInh:", "CapPrm:", "CapEff:", "CapAmb:")
attempt("it has a capability", lambda: any(int(status[kind], 16) for kind in sets))
attempt("it may gain privileges", lambda: status["NoNewPrivs:"] != "1")
print("tried", flush=True)
attempt("a forbidden call is carried out", lambda: ctypes.CDLL(None).chroot(b"/") == 0)
"""


class Targets(NamedTuple):
    """The targets of the hostile program."""

    decoy: Path
    port: int
    victim: int


def find_faults(run: Callable[[Job], JobResult], listens: bool) -> list[str]:
    """What a hostile program could do in jobs run this way; empty if the isolation holds. `listens`:
    forbidden calls must also be reported."""
    with _targets() as targets:
        result = run(_job(targets))
    if result.infrastructure is not None:
        return [result.infrastructure]
    lines = result.stdout.data.decode("utf-8", "replace").splitlines()
    if "tried" not in lines:
        errors = result.stderr.data[-300:].decode("utf-8", "replace")
        return [f"the self-test did not come to its end: {errors}"]
    faults = [line for line in lines if line != "tried"]
    if listens and (result.stop, result.violation) != (Stop.VIOLATION, "chroot"):
        faults.append("a forbidden call is not reported")
    return faults


@contextmanager
def _targets() -> Iterator[Targets]:
    """A file that everyone may read and change, a listener, and a process with an environment variable."""
    with (
        LockedBase(0o711) as base,
        socket.create_server(("127.0.0.1", 0)) as listener,
        subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE, env={_SECRET: "1"}) as victim,
    ):
        decoy = base.path / "decoy"
        decoy.touch()
        decoy.chmod(0o666)
        try:
            yield Targets(decoy, listener.getsockname()[1], victim.pid)
        finally:
            victim.kill()


def _job(targets: Targets) -> Job:
    interpreter = find_interpreter()
    # not as arguments: level C replaces /tmp in them
    aims = f"{targets.decoy}\n{targets.port}\n{targets.victim}\n{_SECRET}".encode()
    shown = () if interpreter.startswith("/usr/") else (sys.base_prefix,)
    limits = Limits(cpu_s=30, wall_s=120)
    return Job((interpreter, "-I", "-S", "-B", "-c", _PROGRAM), {}, aims, limits, {}, readonly=shown)


@functools.cache
def find_interpreter() -> str:
    """Our own Python, or the system's if a job's user might be unable to enter our Python's folder."""
    own = os.path.realpath(sys.executable)
    candidates = (own, "/usr/bin/python3", "/usr/local/bin/python3")
    found = [path for path in candidates if Path(path).exists() and is_open_to_all(path)]
    return os.path.realpath(found[0]) if found else own


def known_good(level: str, command: tuple[str, ...]) -> bool | None:
    """Whether forbidden calls are reported, if this machine has passed the test since it started; None if it
    must be tested."""
    try:
        kept = json.loads(_record(level, command).read_text())
        return bool(kept["listens"]) if kept["key"] == _key() else None
    except (OSError, ValueError, KeyError):
        return None


def remember(level: str, command: tuple[str, ...], listens: bool) -> None:
    """Remember that this machine passed. If that cannot be written, the next start tests again."""
    with contextlib.suppress(OSError):
        _record(level, command).write_text(json.dumps({"key": _key(), "listens": listens}))


def _record(level: str, command: tuple[str, ...]) -> Path:
    return cache_folder() / f"self-test-{level}-{Path(command[-1]).name}"


@functools.cache
def _key() -> str:
    """A key for this boot, this user, and the sandbox's sources."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    room = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(room.rglob("*")) if path.suffix in (".c", ".py"))
    return hashlib.sha256(boot + sources + str(os.geteuid()).encode()).hexdigest()
