"""What a request asks for, whatever sandbox it goes to: whether it can be run at all, what is called, and
where a failure belongs.

Place in the flow: `language_runner.py` (this machine) and `remote/items.py` (other machines) both ask here.
The one rule: pure functions of a language and a request, so that the same program gets the same observation
everywhere.
"""

import secrets
from typing import Final

from synth.execution.programs.result_channel import ObservationContext, failed_before_run
from synth.languages.spec import Language
from synth.records import (
    ExecutionRequest,
    FunctionCall,
    Limits,
    Observation,
    Phase,
    ScriptCall,
    StdioCall,
    Stop,
)
from synth.values import ValueSyntaxError, parse_signature

ENVIRONMENT: Final = {
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "PATH": "/usr/bin:/bin",
    "OMP_NUM_THREADS": "1",
}
MAX_CODE_BYTES: Final = 4 << 20


def refuse(language: Language, request: ExecutionRequest) -> str | None:
    """Why a request cannot be run at all, whatever the program: that is our fault or the caller's, never a
    label."""
    call = request.call
    if isinstance(call, FunctionCall) and language.driver is None:
        return (
            f"{language.name} has no driver for typed calls yet: only stdin/stdout programs and scripts "
            f"can be run"
        )
    if isinstance(call, ScriptCall) and language.script is None:
        return f"{language.name} has no script mode yet"
    if isinstance(call, FunctionCall):
        return _refuse_call(call)
    return None


def _refuse_call(call: FunctionCall) -> str | None:
    if not call.entry_point.isidentifier() or not call.entry_point.isascii():
        return f"{call.entry_point!r} is not the name of a function"
    try:
        signature = parse_signature(call.signature)
    except ValueSyntaxError as error:
        return str(error)
    wrong = [row for row in call.arguments if len(row) != len(signature.parameters)]
    return (
        f"a case has {len(wrong[0])} arguments where the signature has {len(signature.parameters)}"
        if wrong
        else None
    )


def as_function(language: Language, request: ExecutionRequest) -> FunctionCall | StdioCall | ScriptCall:
    """A driven script is a program that ends with a function whose name it cannot know: the call shows that
    the end was reached."""
    if (
        isinstance(request.call, ScriptCall)
        and language.script is not None
        and language.script.driver_program is not None
    ):
        return FunctionCall(
            entry_point=f"end_{secrets.token_hex(8)}", signature="() -> bool", arguments=((),)
        )
    return request.call


def program_text(language: Language, request: ExecutionRequest, call: FunctionCall) -> str:
    """The program that the driver loads."""
    script = language.script
    if isinstance(request.call, ScriptCall) and script is not None and script.driver_program is not None:
        return script.driver_program(request.code, request.call.script, call.entry_point)
    return request.code


def too_long() -> str:
    """The message for a program that is refused unread."""
    return f"the program is longer than {MAX_CODE_BYTES} characters"


def script_compiler(language: Language) -> tuple[str, ...]:
    """The compile command of a script that is not driven; empty where nothing is compiled."""
    script = language.script
    assert script is not None, "checked by refuse"
    command = script.compile_command or language.compile_command
    return (*command, *script.extra_compile_args) if command else ()


def script_mark(nonce: str) -> str:
    """What a script's ending writes on the private channel, as a text in double quotes."""
    return f'"{nonce} 0 returned b1\\n{nonce} finished\\n"'


def own_limits(language: Language, limits: Limits) -> Limits:
    """The program's limits with what its runtime needs for itself."""
    more = {
        "memory_mb": limits.memory_mb + language.runtime_mb,
        "processes": limits.processes + language.runtime_threads,
    }
    return limits.model_copy(update=more)


def heap_mb(limits: Limits) -> int:
    """The heap that a runtime is told."""
    return max(32, limits.memory_mb * 3 // 4)


def compile_failure(
    language: Language, request: ExecutionRequest, message: str, context: ObservationContext
) -> Observation:
    """The compiler said no. The grammar is asked only now: it may misread what a compiler takes."""
    unread = len(request.code) > MAX_CODE_BYTES  # no parser is given so much
    phase = Phase.PARSE if unread or language.parse_error(_whole(request)) else Phase.COMPILE
    return failed_before_run(request, phase, message, context)


def look_for_parse_error(
    language: Language, request: ExecutionRequest, observation: Observation
) -> Observation:
    """An interpreter that ended with an error before the first case may have failed to read the program."""
    early = (
        observation.phase is Phase.RUN
        and not observation.finished
        and observation.stop is Stop.NONE
        and observation.exit_code not in (0, None)
    )
    nothing = all(
        case.status == "missing" or (case.error or "").startswith("ended with") for case in observation.cases
    )
    if (
        language.driver is not None
        and isinstance(request.call, FunctionCall)
        and language.driver.reports_every_parse_error
    ):
        return observation
    compiled = script_compiler(language) if isinstance(request.call, ScriptCall) else language.compile_command
    if early and nothing and not compiled and language.parse_error(_whole(request)):
        return observation.model_copy(update={"phase": Phase.PARSE})
    return observation


def _whole(request: ExecutionRequest) -> str:
    """The program as it was read: of a script, both parts, since one may end in the middle of the other."""
    return f"{request.code}\n{request.call.script}" if isinstance(request.call, ScriptCall) else request.code
