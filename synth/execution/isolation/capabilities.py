"""Finds out by trying which isolation features this machine offers to the process sandbox.

Place in the flow: `codemill doctor` prints it; the sandbox itself does not need it, because setting up a slot
performs the same trial. The one rule: a feature counts only if it has just worked for this user, not because
a file says that it should.
"""

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synth.errors import SandboxError
from synth.execution.isolation.cgroups import make_account
from synth.execution.isolation.launcher.slot import launcher_command
from synth.execution.isolation.policy.seccomp import is_supported
from synth.execution.isolation.process import ProcessSandbox
from synth.records import IsolationLevel

_NAMESPACES = {
    "user": 0x10000000,
    "pid": 0x20000000,
    "mount": 0x20000,
    "network": 0x40000000,
    "ipc": 0x8000000,
    "uts": 0x4000000,
}
_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION = 444, 1


@dataclass(frozen=True, slots=True)
class LevelReport:
    """The features that this user has on this machine, and the resulting level."""

    level: IsolationLevel | None
    """None if no program can be isolated here."""
    features: Mapping[str, str]
    """Maps each feature to an empty text, or to the reason why it is missing."""
    root: bool
    launcher: str
    """The command of a slot process: the compiled launcher, or the one in Python."""


def _try_unshare(flag: int) -> str:
    """Unshare in a separate process; as an ordinary user, together with a user namespace."""
    flags = flag if os.geteuid() == 0 else flag | _NAMESPACES["user"]
    code = (
        f"import ctypes, os, sys; c = ctypes.CDLL(None, use_errno=True); sys.exit(c.unshare({flags}) and "
        f"ctypes.get_errno())"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=False)
    return os.strerror(done.returncode) if done.returncode else ""


def _landlock() -> str:
    """Query the Landlock ABI with a call that changes nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    return "" if version > 0 else errno.errorcode.get(ctypes.get_errno(), "unknown")


def _cgroup() -> str:
    account = make_account()
    if account is None:
        return "no cgroup for CPU time and memory can be made below our own"
    account.remove()
    return ""


def _seccomp() -> str:
    if not is_supported():
        return f"no filter for {os.uname().machine}"
    return "" if Path("/proc/sys/kernel/seccomp").exists() else "the kernel has no seccomp"


def detect_level() -> LevelReport:
    """Probe this machine by really making each namespace, a cgroup and a whole slot. Takes a fraction
    of a second."""
    features = {f"{name} namespace": _try_unshare(flag) for name, flag in _NAMESPACES.items()}
    features |= {"memory cgroup": _cgroup(), "seccomp": _seccomp(), "landlock": _landlock()}
    level: IsolationLevel | None = None
    try:
        with ProcessSandbox("C") as sandbox:
            level, features["sandbox"] = sandbox.level, ""
    except SandboxError as error:
        features["sandbox"] = error.problems[0].message
    return LevelReport(level, features, os.geteuid() == 0, " ".join(launcher_command()))
