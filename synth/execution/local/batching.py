"""Which requests a thread may run without coming back: candidates that share a build, and programs that start
warm.

Place in the flow: `run_queue.py` makes the groups when a thread is free, by what is said here of each
request.
"""

from typing import Final, NamedTuple

from synth.languages.registry import UnknownLanguage, get_language
from synth.languages.spec import Language
from synth.records import ExecutionRequest, FunctionCall, ScriptCall

_WARM_TOGETHER: Final = 8
"""Programs of a zygote: the way to a thread and back costs a tenth of what such a program does."""


class BatchKey(NamedTuple):
    """What the requests of one group have in common, and how many they may be."""

    language: str
    contract: tuple[str, str] | None
    """Entry point and signature of a shared build; None where programs start warm."""
    most: int


def batch_key(request: ExecutionRequest) -> BatchKey | None:
    """What the group has in common that may hold the request; None for a request that runs alone."""
    language = _language(request)
    if language is None:
        return None
    if language.zygote is not None:
        return BatchKey(language.name, None, _WARM_TOGETHER)
    batch = language.driver.batch if language.driver else None
    if batch is not None and isinstance(request.call, FunctionCall) and batch.accepts(request.code):
        return BatchKey(language.name, (request.call.entry_point, request.call.signature), batch.size)
    return None


def needs_build(request: ExecutionRequest) -> bool:
    """Whether a compiler runs before the program does."""
    language = _language(request)
    if language is None:
        return False
    script = language.script if isinstance(request.call, ScriptCall) else None
    if language.driver is not None and (
        isinstance(request.call, FunctionCall) or (script and script.driver_program)
    ):
        return bool(language.driver.compile_command or language.driver.compile_server)
    return bool(language.compile_command or (script and script.compile_command))


def _language(request: ExecutionRequest) -> Language | None:
    try:
        return get_language(request.language)
    except UnknownLanguage:
        return None
