"""Which requests a thread runs without coming back: candidates that share a build, a few programs that start warm, everything else alone.

Place in the flow: `verify.py` hands rows over in such groups, `local.py` runs them. The one rule: a group never leaves a core idle that
could run a part of it.
"""

from collections.abc import Mapping
from typing import Final

from synth.languages.registry import UnknownLanguage, get_language
from synth.records import ExecutionRequest, FunctionCall

_WARM_TOGETHER: Final = 8
"""Programs of a zygote: the way to a thread and back costs a tenth of what such a program does."""
_GROUPS_A_CORE: Final = 4
"""Of programs that start warm, so many groups are made for each core: a slow program holds up little."""

Kind = tuple[str, ...]


def kind_of(request: ExecutionRequest) -> Kind | None:
    """What the requests of one group have in common; None for one that runs alone."""
    try:
        language = get_language(request.language)
    except UnknownLanguage:
        return None
    if language.zygote is not None:
        return (language.name,)
    batch = language.driver.batch if language.driver else None
    if batch is not None and isinstance(request.call, FunctionCall) and batch.accepts(request.code):
        return language.name, request.call.entry_point, request.call.signature
    return None


def most_of(kind: Kind | None) -> int:
    """How many requests of that kind may be in one group."""
    if kind is None:
        return 1
    language = get_language(kind[0])
    if language.zygote is not None:
        return _WARM_TOGETHER
    return language.driver.batch.size if language.driver and language.driver.batch else 1


def needs_build(request: ExecutionRequest) -> bool:
    """Whether a compiler runs before the program does."""
    try:
        language = get_language(request.language)
    except UnknownLanguage:
        return False
    driver = language.driver if isinstance(request.call, FunctionCall) else None
    return bool(driver.compile_command or driver.compile_server) if driver else bool(language.compile_command)


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
    is_warm = kind is not None and get_language(kind[0]).zygote is not None
    fair = (count + waiting) // (_GROUPS_A_CORE * workers) if is_warm else -(-count // workers)
    return max(1, min(most_of(kind), fair))
