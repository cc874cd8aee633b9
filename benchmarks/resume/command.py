"""The command line as a process that can be killed: started, ended at some moment, and inspected afterwards.

Place in the flow: the tests of the loop and the benchmark of resume drive `codemill run` through this module,
as a person would. The one rule: no process of a command may outlive it, so every end looks for survivors.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from synth.generation.guard import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS = ("sft", "pairs", "fim")
LINGER_S = 15.0
"""How long processes may outlive the command that owned them: a guard gives its child five
seconds of grace."""


class Ended(NamedTuple):
    """How a command ended. `survivors` are its processes that still existed `LINGER_S` after it."""

    code: int
    output: str
    seconds: float
    survivors: tuple[str, ...]


def _as_in_the_foreground() -> None:
    """In the child: die with us, and accept Ctrl-C even if we were started in the background,
    which ignores it."""
    die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """One `codemill` command in its own process group, as a shell would start it."""

    def __init__(
        self, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        self._started = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "posttrain.cli", *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                start_new_session=True,
                preexec_fn=_as_in_the_foreground,
            )
        self._seen: set[psutil.Process] = set()

    @property
    def output(self) -> str:
        """Its output so far."""
        return self._log.read_text("utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout_s: float) -> Ended:
        """Wait until it ends by itself. Raises TimeoutError, after killing it."""
        deadline = time.monotonic() + timeout_s
        while self.is_running:
            self._look()
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(
                    f"still running after {timeout_s:.0f} s; the end of its output:\n{self.output[-2000:]}"
                )
            time.sleep(0.1)
        return self._ended()

    def wait_for(self, text: str, timeout_s: float) -> None:
        """Wait until it has printed this. Raises TimeoutError, after killing it."""
        deadline = time.monotonic() + timeout_s
        while text not in self.output:
            if time.monotonic() > deadline or not self.is_running:
                self.kill()
                raise TimeoutError(f"did not say {text!r} within {timeout_s:.0f} s:\n{self.output[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> Ended:
        """`kill -9`. The process is stopped first, so that its child processes can be listed at
        that very moment."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGSTOP)
            self._look()
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return self._ended()

    def processes(self) -> list[str]:
        """Command lines of its current processes."""
        with contextlib.suppress(psutil.Error):
            return [
                _describe(process) for process in psutil.Process(self._process.pid).children(recursive=True)
            ]
        return []

    def children(self) -> list[psutil.Process]:
        """Its processes at this moment."""
        found: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            found = psutil.Process(self._process.pid).children(recursive=True)
        return found

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Meanwhile its main process does nothing (SIGSTOP), and so cannot come to its end."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM to the command alone, as a scheduler sends it."""
        self._look()
        os.kill(self._process.pid, signal.SIGTERM)

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to the whole process group, as a terminal sends it."""
        self._look()
        os.killpg(self._process.pid, signal.SIGINT)

    def _look(self) -> None:
        """Record its current processes."""
        with contextlib.suppress(psutil.Error):
            self._seen.update(psutil.Process(self._process.pid).children(recursive=True))

    def _ended(self) -> Ended:
        seconds = time.monotonic() - self._started
        deadline = time.monotonic() + LINGER_S
        while (
            left := [process for process in self._seen if _lives(process)]
        ) and time.monotonic() < deadline:
            time.sleep(0.05)
        survivors = tuple(sorted(map(_describe, left)))
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        return Ended(self._process.returncode, self.output, seconds, survivors)


def _lives(process: psutil.Process) -> bool:
    """Whether it runs. A process that has ended but is not yet reaped by its new parent does not."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def _describe(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"{process.pid}: {' '.join(process.cmdline())[:200]}"
    return f"{process.pid}"


def run_to_end(arguments: Sequence[str], log: Path, timeout_s: float = 300) -> Ended:
    """Run a command until it ends by itself."""
    return Command(arguments, log).wait(timeout_s)


def kill_after(arguments: Sequence[str], log: Path, seconds: float) -> Ended | None:
    """Start a command and kill it after this many seconds; None if it had already ended."""
    command = Command(arguments, log)
    deadline = time.monotonic() + seconds
    while command.is_running and time.monotonic() < deadline:
        time.sleep(0.005)
    if command.is_running:
        return command.kill()
    command.wait(1)
    return None


def hash_products(run: Path) -> dict[str, str]:
    """SHA-256 of each product file of a run, by its path in the run."""
    files = sorted(path for kind in PRODUCTS for path in (run / kind).rglob("*") if path.is_file())
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
