"""The input and output of a process sandbox: jobs and results. `process.py` exports these names.

Place in the flow: the package `programs` makes jobs (`build.py`, `language_runner.py`, the pools) and reads
results. The one rule: a result states observations, never their meaning.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from synth.records import Captured, Limits, Stop


@dataclass(frozen=True, slots=True)
class Job:
    """One program to run. It starts in /work and sees uid 1000, no network and a read-only root."""

    argv: tuple[str, ...]
    """argv[0] is an absolute path inside the sandbox (or relative to /work): there is no PATH search."""
    files: Mapping[str, bytes]
    """Files written into /work before the start, by relative path. Folders are created; scripts with `#!` and
    binaries are made executable."""
    stdin: bytes | Path | None
    """Bytes, a regular file, or None for empty stdin. The program gets a read-only file, so
    any size works."""
    limits: Limits
    env: Mapping[str, str]
    """The whole environment: nothing is inherited."""
    readonly: tuple[str, ...] = ()
    """Extra host folders or files, bound read-only at the same path (toolchains). /usr, /bin, /lib* and parts
    of /etc are always there."""
    writable: Path | None = None
    """A host folder bound read-write as /work instead of the private tmpfs. Its contents stay
    after the job."""
    work_readonly: bool = False
    """With `writable`: bind it read-only (the run after a compile). `files` must then be empty."""
    private_channel: bool = False
    """Opens fd 3, child to parent, collected separately from stdout and stderr."""
    channel_bytes: int = 16 << 20
    """Cap of the private channel; beyond it the job is stopped with Stop.OUTPUT."""
    data_limit: bool = True
    """Without a memory cgroup, also set RLIMIT_DATA, so that the language itself raises. Wrong for
    node and java."""
    is_abandoned: Callable[[], bool] | None = None
    """Asked now and then, from the thread that runs the job: whether nobody waits for its result any more.
    Then it is ended."""
    zygote: bool = False
    """Workers only: trusted code that itself makes a fresh namespace for each program (see `zygote.py`)."""


@dataclass(frozen=True, slots=True)
class Output:
    """The output on one stream: the bytes up to its cap, and the true length in bytes of everything read."""

    data: bytes = b""
    length: int = 0

    def captured(self, limit: int = 4000) -> Captured:
        """Head and tail as text, `limit` bytes in all; invalid UTF-8 is replaced."""
        if len(self.data) <= limit:
            return Captured(head=self.data.decode("utf-8", "replace"), length=self.length)
        half = limit // 2
        head, tail = self.data[:half], self.data[-half:]
        return Captured(
            head=head.decode("utf-8", "replace"), tail=tail.decode("utf-8", "replace"), length=self.length
        )


@dataclass(frozen=True, slots=True)
class JobResult:
    """Observations of one job. Exactly one of `exit_code` and `signal` is set, unless it `says_nothing`."""

    exit_code: int | None = None
    signal: int | None = None
    stop: Stop = Stop.NONE
    stdout: Output = Output()
    stderr: Output = Output()
    channel: bytes = b""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_mb: float = 0.0
    infrastructure: str | None = None
    """Set if the sandbox itself failed: then no other field says anything about the program."""
    unstartable: str | None = None
    """Set if the first word is a relative path, and the kernel cannot start what is there: nothing ran."""
    violation: str | None = None
    """With Stop.VIOLATION: the forbidden call at which the program was ended."""

    @property
    def says_nothing(self) -> bool:
        """Whether the program did not run."""
        return self.infrastructure is not None or self.unstartable is not None

    @property
    def is_clean(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.exit_code == 0 and self.stop is Stop.NONE and self.infrastructure is None
