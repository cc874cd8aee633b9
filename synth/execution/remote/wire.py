"""The messages to and from the worker inside a remote sandbox: JSON, one file per batch, one line per answer.

Place in the flow: `items.py` makes items and reads answers, `dispatch.py` sends batches. The one rule:
messages contain no expected values, and every reply is validated before it is used.
"""

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from synth.execution.isolation.job import JobResult, Output
from synth.execution.observations import COMPILER_ATTEMPTS
from synth.records import Limits, Stop


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


Packed = Annotated[bytes, BeforeValidator(_bytes)]


class Wire(BaseModel):
    """Base class: frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Shared(Wire):
    """A driver's files that all programs share, and how they are prepared."""

    files: dict[str, str]
    commands: tuple[tuple[str, ...], ...]


class Item(Wire):
    """A program plan in the worker's form: files, how to build and run them, and their input. The worker
    replaces `{shared}` in the commands with the folder of the shared files, which only it knows."""

    index: int
    files: dict[str, str]
    server: tuple[str, ...] = ()
    """Built by a resident compiler,"""
    compile: tuple[str, ...] = ()
    """or by a command, or not at all."""
    run: tuple[str, ...]
    stdins: tuple[str, ...]
    shared: str = ""
    """Key of the shared files."""
    limits: Limits
    compile_limits: Limits
    env: dict[str, str]
    compile_env: dict[str, str]
    data_limit: bool = True
    owns_work: bool = False
    """Whether the program may write to its working folder, also where it was compiled."""


class WorkerBatch(Wire):
    """One call of the worker."""

    shared: dict[str, Shared]
    items: tuple[Item, ...]
    parallel: int = 0
    """Concurrent programs; 0 = one per core of the sandbox."""
    compiler_attempts: int = COMPILER_ATTEMPTS


class RunResult(Wire):
    """The result of one process."""

    exit_code: int | None
    signal: int | None
    stop: Stop
    stdout: tuple[Packed, int]
    stderr: tuple[Packed, int]
    channel: Packed
    cpu_s: float
    wall_s: float
    peak_memory_mb: float
    infrastructure: str | None
    unstartable: str | None = None

    def job_result(self) -> JobResult:
        """The same result in the form of a local process sandbox."""
        return JobResult(
            exit_code=self.exit_code,
            signal=self.signal,
            stop=self.stop,
            stdout=Output(*self.stdout),
            stderr=Output(*self.stderr),
            channel=self.channel,
            cpu_s=self.cpu_s,
            wall_s=self.wall_s,
            peak_memory_mb=self.peak_memory_mb,
            infrastructure=self.infrastructure,
            unstartable=self.unstartable,
        )


class WorkerResult(Wire):
    """The result of one item. If `fault` is set, the sandbox failed, and no other field counts."""

    index: int
    build: RunResult | None = None
    runs: tuple[RunResult, ...] = ()
    fault: str | None = None


class Line(Wire):
    """Any other line from the worker: a sign of life, or the end of a batch."""

    beat: bool = False
    done: bool = False


class FoundPackages(Wire):
    """What the sandbox itself offers to programs of a language."""

    standard_path: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    """Of the standard library and of the folders."""


class FoundToolchain(Wire):
    """One language's tools inside the sandbox."""

    tools: dict[str, str]
    version: str
    digest: str
    machine: FoundPackages = FoundPackages()


class WorkerCapabilities(Wire):
    """The capabilities of a remote sandbox."""

    languages: dict[str, FoundToolchain | None]
    mold: bool
    cores: int
    root: bool
    separated: bool
    """Whether programs inside are isolated from each other (requires root there, and namespaces)."""
    python: str
