"""Rules about requests: whether one can be run at all, which call it makes, and whether a failure is
a parse error.

Place in the flow: `program_plan.py` uses these rules when it plans and when it observes. The one rule: pure
functions of a language and a request.
"""

from typing import Final, NamedTuple

from synth.execution.observations import ObservationContext, failed_before_run
from synth.grammar.parser_process import UnparsedError
from synth.languages.classes import CALLS_FUNCTION, ClassShape
from synth.languages.spec import Language
from synth.records import (
    Call,
    ClassCall,
    ExecutionRequest,
    FunctionCall,
    Observation,
    Phase,
    ScriptCall,
    Stop,
)
from synth.values import ValueSyntaxError, parse_signature

MAX_CODE_BYTES: Final = 4 << 20


def refuse(language: Language, request: ExecutionRequest) -> str | None:
    """Why a request cannot be run, whatever the program: that is our fault or the caller's, never a label."""
    call = request.call
    if isinstance(call, FunctionCall) and language.driver is None:
        return (
            f"{language.name} has no driver for typed calls yet: only stdin/stdout programs and scripts "
            f"can be run"
        )
    if isinstance(call, ClassCall) and (language.driver is None or language.classes is None):
        return f"{language.name} has no calls of classes yet"
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


class LoweredCall(NamedTuple):
    """The call, and the program that contains it."""

    call: Call
    code: str


def lower_script(language: Language, request: ExecutionRequest, end_name: str) -> LoweredCall:
    """A script run by a driver becomes one text with the program, parted by a line that neither can know. A
    class becomes a function that makes objects and calls them. Every other request stays unchanged. Raises
    UnsupportedType."""
    script, call = language.script, request.call
    if isinstance(call, ClassCall) and language.classes is not None:
        shape = ClassShape.of(call)
        driven = FunctionCall(
            entry_point=CALLS_FUNCTION, signature=str(shape.signature), arguments=call.arguments
        )
        return LoweredCall(driven, language.classes.program(request.code, shape))
    if isinstance(call, ScriptCall) and script is not None and script.driver_program is not None:
        parting = f"script {end_name}"
        code = script.driver_program(request.code, call.script, parting)
        end = FunctionCall(entry_point=parting, signature="() -> bool", arguments=((),))
        return LoweredCall(end, code)
    return LoweredCall(call, request.code)


def compile_failure(
    language: Language, request: ExecutionRequest, message: str, context: ObservationContext
) -> Observation:
    """Whether a rejection by the compiler is a parse error. The grammar is consulted only now: it may misread
    code that a compiler accepts."""
    unread = len(request.code) > MAX_CODE_BYTES  # nobody has read it
    phase = Phase.PARSE if unread or _is_parse_error(language, request) else Phase.COMPILE
    return failed_before_run(request, phase, message, context)


def reclassify_parse_error(
    language: Language, request: ExecutionRequest, observation: Observation, *, is_built: bool
) -> Observation:
    """An interpreter that ended with an error before the first case may have failed to parse the program."""
    if is_built or _driver_says_so(language, request) or not _ended_before_the_first_case(observation):
        return observation
    if _is_parse_error(language, request):
        return observation.model_copy(update={"phase": Phase.PARSE})
    return observation


def _is_parse_error(language: Language, request: ExecutionRequest) -> bool:
    """What the grammar says; if the program costs it too much, the compiler's word stands."""
    try:
        return language.parse_error(_whole(request)) is not None
    except UnparsedError:
        return False


def _driver_says_so(language: Language, request: ExecutionRequest) -> bool:
    """Whether the driver reports a parse error by itself."""
    in_driver = language.script is not None and language.script.driver_program is not None
    is_driven = isinstance(request.call, FunctionCall) or (isinstance(request.call, ScriptCall) and in_driver)
    driver = language.driver if is_driven else None
    return driver is not None and driver.reports_every_parse_error


def _ended_before_the_first_case(observation: Observation) -> bool:
    ended = observation.stop is Stop.NONE and observation.exit_code not in (0, None)
    early = observation.phase is Phase.RUN and not observation.finished and ended
    return early and all(
        case.status == "missing" or (case.error or "").startswith("ended with") for case in observation.cases
    )


def _whole(request: ExecutionRequest) -> str:
    """The program as it was parsed: for a script, both parts, since one may end in the middle
    of the other."""
    return f"{request.code}\n{request.call.script}" if isinstance(request.call, ScriptCall) else request.code
