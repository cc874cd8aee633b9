"""Facts about requests and observations that every package here needs: the identity of a request, whether its
observation means anything, and how often its program may be run.

Place in the flow: between `synth.records` and the packages of this folder; all readers of observations use
it. The one rule: pure, and no expected value.

**How often a program may be run:** once; once more, alone, if its end is doubtful (`is_doubtful`); and a run
that was lost with its slot, its machine or its toolchain is repeated until ATTEMPTS of that kind were lost.
"""

import signal
from dataclasses import dataclass
from typing import Final

from synth.ids import content_hash
from synth.records import Captured, ExecutionRequest, Limits, Observation, Phase, StdioCall, Stop

ATTEMPTS: Final = 3
"""Runs of one program that may be lost with their slot (`isolation/process.py`), with their machine
(`remote/dispatch.py`), or to a toolchain that changed meanwhile (`local/sandbox.py`), before the program is
answered with a fault. A lost warm process costs none: the program then starts cold, and after as many warm
processes in a row that served nothing, its language does so for good (`programs/zygote_pool.py`)."""
COMPILER_ATTEMPTS: Final = 2
"""Resident compilers that one program may crash before it is rejected (`programs/compiler_pool.py`; a worker
on another machine is told)."""


def is_fault(observation: Observation) -> bool:
    """Whether the observation says nothing about the program: the sandbox failed, or the language
    is not installed."""
    return observation.infrastructure is not None or observation.toolchain_missing is not None


MOST_KEPT_BYTES: Final = 1 << 20
"""A larger observation is given to those who asked for it, and kept by nobody: an equal program runs
again."""


def held_bytes(observation: Observation) -> int:
    """About what an observation takes in memory: its texts, and a bit for each of its parts."""
    streams = observation.stdout, observation.stderr
    texts = [text for stream in streams for text in (stream.head, stream.tail)]
    texts += [text for case in observation.cases for text in (case.output, case.error) if text]
    texts += [file.content for file in observation.files]
    return 2000 + 300 * len(observation.cases) + sum(map(len, texts))


def is_kept(observation: Observation) -> bool:
    """Whether it is small enough for a cache."""
    return held_bytes(observation) <= MOST_KEPT_BYTES


def is_doubtful(observation: Observation, limits: Limits) -> bool:
    """Whether the machine may have caused this ending, so that the program is run once more, alone.

    These are a time-out after most cases were done, a time-out at the wall limit while the program was
    working, and a kill that neither we nor a limit sent, as on a machine that runs out of memory. One that
    ended before that limit because it was idle is not: load makes no program idle.
    """
    if observation.signal == signal.SIGKILL and observation.stop is Stop.NONE:
        return True
    if observation.stop is Stop.WALL:
        return observation.wall_s >= limits.wall_s and observation.cpu_s >= 0.05 * limits.cpu_s
    done = sum(case.status != "missing" for case in observation.cases)
    return observation.stop is Stop.CPU and 2 * done > len(observation.cases)


def request_key(request: ExecutionRequest) -> str:
    """The hash of everything in a request that determines its observation: language, code, call, limits and
    hashing, not the id. Keys of recorded observations stay as they were: the usual hashing, the usual stack
    and files that a call does not name are left out."""
    left_out: dict[str, bool | set[str]] = {"id": True, "limits": request.limits.newer_defaults}
    if isinstance(request.call, StdioCall):
        named = {"input_file": request.call.input_file, "output_file": request.call.output_file}
        left_out["call"] = {name for name, file in named.items() if not file}
    if not request.other_hashing:
        left_out["other_hashing"] = True
    return content_hash(request.model_dump(mode="json", exclude=left_out), length=32)


def renamed(observation: Observation, request: ExecutionRequest) -> Observation:
    """The observation of an equal request, as the answer to this one."""
    if (observation.request_id, observation.language) == (request.id, request.language):
        return observation
    return observation.model_copy(update={"request_id": request.id, "language": request.language})


@dataclass(frozen=True, slots=True)
class ObservationContext:
    """The fields common to all observations of one language in one sandbox."""

    level: str
    toolchain: str


NOWHERE: Final = ObservationContext("", "")
"""For requests that never reached a sandbox or a toolchain."""


def failed(
    request: ExecutionRequest, infrastructure: str | None, context: ObservationContext = NOWHERE
) -> Observation:
    """The observation of a request that was not run; it says nothing about the program."""
    return Observation(
        request_id=request.id,
        language=request.language,
        phase=Phase.RUN,
        infrastructure=infrastructure,
        level=context.level,
        toolchain=context.toolchain,
    )


def not_installed(
    request: ExecutionRequest, install: str, context: ObservationContext = NOWHERE
) -> Observation:
    """The observation of a request whose language has no toolchain here."""
    return failed(request, None, context).model_copy(update={"toolchain_missing": install})


def failed_before_run(
    request: ExecutionRequest, phase: Phase, message: str, context: ObservationContext
) -> Observation:
    """The observation of a program that does not parse or compile."""
    return Observation(
        request_id=request.id,
        language=request.language,
        phase=phase,
        stderr=Captured(head=message[:4000], length=len(message)),
        level=context.level,
        toolchain=context.toolchain,
    )
