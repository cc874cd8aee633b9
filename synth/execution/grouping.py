"""Which requests a thread runs without coming back: candidates that share a build, a few programs that start warm, everything else alone.

Place in the flow: `verify.py` hands rows over in such groups, `local.py` runs them. The one rule: a group never leaves a core idle that
could run a part of it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from synth.languages.registry import UnknownLanguage, get_language
from synth.languages.spec import Language
from synth.records import ExecutionRequest, FunctionCall

_WARM_TOGETHER: Final = 8
"""Programs of a zygote: the way to a thread and back costs a tenth of what such a program does."""
_GROUPS_A_CORE: Final = 4
"""Of programs that start warm, so many groups are made for each core: a slow program holds up little."""


class Kind(NamedTuple):
    """What the requests of one group have in common, and how many they may be."""

    language: str
    contract: tuple[str, str] | None
    """Entry point and signature of a shared build; None where programs start warm."""
    most: int


def kind_of(request: ExecutionRequest) -> Kind | None:
    """The kind of group that may hold the request; None for one that runs alone."""
    language = _language(request)
    if language is None:
        return None
    if language.zygote is not None:
        return Kind(language.name, None, _WARM_TOGETHER)
    batch = language.driver.batch if language.driver else None
    if batch is not None and isinstance(request.call, FunctionCall) and batch.accepts(request.code):
        return Kind(language.name, (request.call.entry_point, request.call.signature), batch.size)
    return None


def needs_build(request: ExecutionRequest) -> bool:
    """Whether a compiler runs before the program does."""
    language = _language(request)
    if language is None:
        return False
    driver = language.driver if isinstance(request.call, FunctionCall) else None
    return bool(driver.compile_command or driver.compile_server) if driver else bool(language.compile_command)


def _language(request: ExecutionRequest) -> Language | None:
    try:
        return get_language(request.language)
    except UnknownLanguage:
        return None


def split(requests: Mapping[str, ExecutionRequest], workers: int, waiting: int = 0) -> list[dict[str, ExecutionRequest]]:
    """The requests in groups. `waiting` others were handed over before and are not done: they keep the cores busy, too."""
    alike: dict[Kind | None, list[str]] = {}
    for key, request in requests.items():
        alike.setdefault(kind_of(request), []).append(key)
    groups: list[dict[str, ExecutionRequest]] = []
    for kind, keys in alike.items():
        size = _size(kind, len(keys), workers, waiting)
        groups += [{key: requests[key] for key in keys[start : start + size]} for start in range(0, len(keys), size)]
    return groups


def _size(kind: Kind | None, count: int, workers: int, waiting: int) -> int:
    """Programs of one build cost the least together, as long as every core has one."""
    if kind is None:
        return 1
    fair = -(-count // workers) if kind.contract else (count + waiting) // (_GROUPS_A_CORE * workers)
    return max(1, min(kind.most, fair))
