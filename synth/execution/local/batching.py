"""Which requests a thread may run as one group: candidates that share a build, and programs that start warm.

Place in the flow: `run_queue.py` makes the groups when a thread is free, from the keys given here.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from synth.languages.registry import UnknownLanguage, get_language
from synth.languages.spec import Language
from synth.records import ExecutionRequest, FunctionCall, ScriptCall

_WARM_TOGETHER: Final = 8
"""Programs per group of a zygote: one round trip to a thread costs a tenth of such a program's run."""


class BatchKey(NamedTuple):
    """The common properties of one group's requests, and the maximum size of the group."""

    language: str
    contract: tuple[str, str] | None
    """Entry point and signature of a shared build; None if programs start warm."""
    most: int


def batch_key(request: ExecutionRequest) -> BatchKey | None:
    """The key of the group that the request may join; None for a request that runs alone."""
    language = _language(request)
    if language is None:
        return None
    if language.zygote is not None:
        return BatchKey(language.name, None, _WARM_TOGETHER)
    batch = language.driver.batch if language.driver else None
    if batch is not None and isinstance(request.call, FunctionCall) and batch.accepts(request.code):
        return BatchKey(language.name, (request.call.entry_point, request.call.signature), batch.size)
    return None


def may_share_a_build(request: ExecutionRequest) -> bool:
    """Whether it depends on the program: then `batch_key` asks a parser, which takes time."""
    language = _language(request)
    driver = language.driver if language else None
    return driver is not None and driver.batch is not None and isinstance(request.call, FunctionCall)


def read_keys(requests: Sequence[ExecutionRequest]) -> None:
    """Ask for the keys, in a thread: the languages remember the last answers (`Batch.accepts`), and the event
    loop then waits for no parser."""
    for request in filter(may_share_a_build, requests):
        batch_key(request)


def needs_build(request: ExecutionRequest) -> bool:
    """Whether a compiler runs before the program."""
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
