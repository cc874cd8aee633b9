"""The `run_code` call of SandboxFusion's protocol: its request as one of ours, our observation as its
response.

Place in the flow: `endpoints.py` reads the body, this module turns it into an `ExecutionRequest`, and what
the sandbox saw into the answer. Pure. The one rule: the shape is the published one, so that clients of that
server need no change; `SandboxError` is said only where the program is not to blame.
"""

import base64
import binascii
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from synth.execution.programs.result_channel import MOST_SHOWN
from synth.languages.registry import find_language
from synth.languages.spec import Language
from synth.records import (
    Captured,
    ExecutionRequest,
    Limits,
    Observation,
    Phase,
    ProgramCall,
    ProgramFile,
    Stop,
)

_NAMES: Final[Mapping[str, str]] = {
    "nodejs": "javascript",
    "kotlin_script": "kotlin",
    "R": "r",
    "D_ut": "d",
}
"""Names of the protocol that are none of ours."""
_ELSEWHERE: Final = ("go_test", "junit", "jest", "pytest", "cuda", "python_gpu", "verilog", "lean")
"""Languages and test runners of the protocol that this server does not have."""
_LEAST_S: Final = 0.1
_COMPILER_S: Final = 60.0
_LEFT_OUT: Final = "IGNORE_THIS_FILE"
"""A file whose path holds this is not written: so it is in the protocol."""


def _relative(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not path or "\0" in path or path.startswith("/") or ".." in parts or not parts:
        raise ValueError("must be a relative path inside the working folder")
    return "/".join(parts)


def _is_base64(content: str) -> str:
    try:
        base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None
    return content


_Path = Annotated[str, AfterValidator(_relative)]
_Content = Annotated[str, AfterValidator(_is_base64)]


class RunCodeRequest(BaseModel):
    """The body of a request. Keys that are not known are left alone, as the protocol's own server does."""

    model_config = ConfigDict(frozen=True)

    code: str
    language: str
    stdin: str | None = None
    compile_timeout: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    run_timeout: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    memory_limit_MB: int = -1
    files: dict[_Path, _Content | None] = {}
    fetch_files: list[_Path] = []
    args: list[str] = []


class CommandStatus(StrEnum):
    FINISHED = "Finished"
    ERROR = "Error"
    TIME_LIMIT_EXCEEDED = "TimeLimitExceeded"


class RunStatus(StrEnum):
    SUCCESS = "Success"
    FAILED = "Failed"
    SANDBOX_ERROR = "SandboxError"


class CommandResult(BaseModel):
    """How a compiler or a program ended. A signal is a negative return code."""

    status: CommandStatus
    execution_time: float | None = None
    return_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None


class RunCodeResponse(BaseModel):
    """The body of a response."""

    status: RunStatus
    message: str = ""
    compile_result: CommandResult | None = None
    run_result: CommandResult | None = None
    executor_pod_name: str | None = None
    files: dict[str, str] = {}


class RunCodeLimits(NamedTuple):
    """What the operator allows one request."""

    usual: Limits
    """`memory_mb` where a request names none; the rest where it cannot name any."""
    most_s: float
    most_memory_mb: int


class Planned(NamedTuple):
    """A request for the sandbox. `note` says which of its wishes were cut to the operator's limits."""

    request: ExecutionRequest
    note: str


def unknown_language(name: str) -> str | None:
    """Why the protocol does not know the language; None if it does."""
    if name in _ELSEWHERE or find_language(_NAMES.get(name, name)) is not None:
        return None
    return f"language {name[:60]!r} is not known"


def plan(asked: RunCodeRequest, number: int, limits: RunCodeLimits) -> Planned | RunCodeResponse:
    """The request for the sandbox, or the response where there is nothing to run it with."""
    language = find_language(_NAMES.get(asked.language, asked.language))
    if language is None:
        return fault(f"this server does not offer {asked.language!r}")
    notes = []
    run_s, memory_mb = min(asked.run_timeout, limits.most_s), limits.usual.memory_mb
    if run_s < asked.run_timeout:
        notes.append(f"run_timeout was lowered to {run_s:g} s, the limit of this server")
    if asked.memory_limit_MB > 0:
        memory_mb = min(asked.memory_limit_MB, limits.most_memory_mb)
        if memory_mb < asked.memory_limit_MB:
            notes.append(f"memory_limit_MB was lowered to {memory_mb}, the limit of this server")
    call = ProgramCall(
        stdin=asked.stdin or "",
        files=tuple(
            ProgramFile(path=path, content=content)
            for path, content in asked.files.items()
            if content is not None and _LEFT_OUT not in path
        ),
        fetched=tuple(dict.fromkeys(asked.fetch_files)),
        compile_s=min(max(asked.compile_timeout, _LEAST_S), _COMPILER_S),
    )
    request = ExecutionRequest(
        id=f"run_code-{number}",
        language=language.name,
        code=_code(language, asked.code),
        call=call,
        limits=_limits(limits.usual, max(run_s, _LEAST_S), max(memory_mb, 64)),
    )
    return Planned(request, "; ".join(notes))


def _code(language: Language, code: str) -> str:
    """PHP may come without its tag."""
    if language.name == "php" and not code.lstrip().startswith("<?php"):
        return f"<?php\n{code.lstrip()}"
    return code


def _limits(usual: Limits, run_s: float, memory_mb: int) -> Limits:
    """The time limit counts CPU time, so that load on this machine is nobody's time-out. Wall time stands
    behind it, for programs that only wait."""
    update = {"cpu_s": run_s, "wall_s": 2 * run_s + 5, "memory_mb": memory_mb}
    return usual.model_copy(update=update)


def fault(words: str) -> RunCodeResponse:
    """The response that says nothing about the program."""
    return RunCodeResponse(status=RunStatus.SANDBOX_ERROR, message=words)


def respond(planned: Planned, seen: Observation) -> RunCodeResponse:
    """The response that an observation gives."""
    if seen.toolchain_missing is not None:
        return fault(f"{seen.language} is not installed on this server: {seen.toolchain_missing}")
    if seen.infrastructure is not None:
        return fault(seen.infrastructure)
    language = find_language(seen.language)
    builds = language is not None and bool(
        language.compile_command or (language.driver and language.driver.compile_server)
    )
    if seen.phase is not Phase.RUN and builds:
        return RunCodeResponse(
            status=RunStatus.FAILED, message=planned.note, compile_result=_refused(_shown(seen.stderr))
        )
    ran = _ran(seen)
    passed = ran.status is CommandStatus.FINISHED and ran.return_code == 0
    return RunCodeResponse(
        status=RunStatus.SUCCESS if passed else RunStatus.FAILED,
        message=planned.note,
        compile_result=_compiled() if builds else None,
        run_result=ran,
        files={file.path: file.content for file in seen.files},
    )


def _compiled() -> CommandResult:
    """A build that several programs may share has no time of its own."""
    return CommandResult(status=CommandStatus.FINISHED, return_code=0, stdout="", stderr="")


_COMPILER_TIMES_OUT: Final = (
    "the compiler was stopped by the cpu limit",
    "the compiler was stopped by the wall limit",
)


def _refused(messages: str) -> CommandResult:
    if messages.startswith(_COMPILER_TIMES_OUT):
        return CommandResult(status=CommandStatus.TIME_LIMIT_EXCEEDED, stdout="", stderr=messages)
    return CommandResult(status=CommandStatus.FINISHED, return_code=1, stdout="", stderr=messages)


def _ran(seen: Observation) -> CommandResult:
    late = seen.stop in (Stop.CPU, Stop.WALL)
    code = seen.exit_code if seen.signal is None else -seen.signal
    if seen.stop is not Stop.NONE or code is None:
        code = code or (1 if seen.phase is not Phase.RUN else -9)
    return CommandResult(
        status=CommandStatus.TIME_LIMIT_EXCEEDED if late else CommandStatus.FINISHED,
        execution_time=round(seen.wall_s, 6),
        return_code=None if late else code,
        stdout=_shown(seen.stdout),
        stderr=_noted(seen),
    )


def _shown(text: Captured) -> str:
    """The text, from its beginning; what is left out is said."""
    if text.length <= MOST_SHOWN or text.tail:
        return text.head + text.tail
    return f"{text.head}\n[cut: {text.length} bytes in all]"


def _noted(seen: Observation) -> str:
    """The program's stderr, and which limit ended it, where its return code does not tell."""
    words = {Stop.MEMORY: "ended at the memory limit", Stop.OUTPUT: "ended at the output limit"}
    note = words.get(seen.stop, "")
    return _shown(seen.stderr) + (f"\n[{note}]" if note else "")
