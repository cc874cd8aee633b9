"""What goes to the worker inside a remote sandbox and what comes back: JSON, one file a batch, one line an
answer.

Place in the flow: `items.py` makes items and reads answers, `dispatch.py` sends batches. The one rule: no
expected value is in here, and what comes back is checked before it is believed.
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
    """Base: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Shared(Wire):
    """A driver's files that are the same for every program, and how they are prepared."""

    files: dict[str, str]
    commands: tuple[tuple[str, ...], ...]


class Item(Wire):
    """A program plan as the worker sees it: files, how to build them, how to run them, and what to feed.
    Where its commands say `{shared}`, the worker fills in the folder of the shared files, which only it
    knows."""

    index: int
    files: dict[str, str]
    server: tuple[str, ...] = ()
    """Built by a resident compiler …"""
    compile: tuple[str, ...] = ()
    """… or by a command, or not at all."""
    run: tuple[str, ...]
    stdins: tuple[str, ...]
    shared: str = ""
    """Key of the shared files."""
    limits: Limits
    compile_limits: Limits
    env: dict[str, str]
    compile_env: dict[str, str]
    data_limit: bool = True


class WorkerBatch(Wire):
    """One call of the worker."""

    shared: dict[str, Shared]
    items: tuple[Item, ...]
    parallel: int = 0
    """Programs at once; 0: as many as the sandbox has cores."""
    compiler_attempts: int = COMPILER_ATTEMPTS


class RunResult(Wire):
    """What one process did."""

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

    def job_result(self) -> JobResult:
        """The same as a local process sandbox says it."""
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
        )


class WorkerResult(Wire):
    """What came of one item. `fault` says that the sandbox failed, and then nothing else counts."""

    index: int
    build: RunResult | None = None
    runs: tuple[RunResult, ...] = ()
    fault: str | None = None


class Line(Wire):
    """Anything else that the worker says: a sign of life, or the end of a batch."""

    beat: bool = False
    done: bool = False


class FoundToolchain(Wire):
    """One language's tools inside."""

    tools: dict[str, str]
    version: str
    digest: str


class WorkerCapabilities(Wire):
    """What a remote sandbox offers."""

    languages: dict[str, FoundToolchain | None]
    mold: bool
    cores: int
    root: bool
    separated: bool
    """Whether programs are kept apart from each other inside (it takes root there, and namespaces)."""
    python: str
