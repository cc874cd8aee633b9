"""The ways in which a seed's function can be called with shared types, whatever its language.

Place in the flow: reference execution asks here for every seed that brings no contract and is not Python; the
language reads the declaration (`Language.adapt`, or `find_signature` where the types are shared ones as they
are). The one rule: a seed that cannot be called is refused with words.
"""

from synth.filters.protocol import Reject
from synth.grammar.parser_process import UnparsedError
from synth.languages.registry import find_language, normalize_language
from synth.languages.spec import Adapted, Language, NotAdapted, find_signature
from synth.records import FunctionContract, Seed
from synth.seeds.functions import find_functions
from synth.values import has_any, parse_signature

MAX_WAYS = 4
"""Each further way costs a build and two runs of a seed that failed in those before."""


def find_ways(seed: Seed) -> tuple[Adapted, ...] | Reject:
    """The ways to call the seed's function, the likeliest first; at least one. Rejects: no_signature,
    not_self_contained."""
    name, language = normalize_language(seed.language), find_language(seed.language)
    if seed.unclosed is not None:
        return Reject(seed.unclosed.reason, {"needs": seed.unclosed.needs, "why": seed.unclosed.why})
    try:
        found = (
            _find(language, seed, seed.entry_point or _last_function(seed.runnable, name)) if language else ()
        )
    except UnparsedError as why:
        return Reject("no_signature", {"why": f"not parsed: {why}", "language": name})
    except NotAdapted as why:
        if why.needs:
            return Reject("not_self_contained", {"needs": why.needs, "why": str(why)})
        return Reject("no_signature", {"why": str(why), "language": name})
    if not found:
        return Reject("no_signature", {"why": "the declaration states no shared types", "language": name})
    return found[:MAX_WAYS]


def find_stated(seed: Seed) -> FunctionContract | None:
    """The contract that the declaration itself states, every type of it; None if it states none."""
    name, language = normalize_language(seed.language), find_language(seed.language)
    if language is None:
        return None
    try:
        entry_point = seed.entry_point or _last_function(seed.code, name)
        if stated := find_signature(language, seed.code, entry_point) if entry_point else None:
            return stated
    except UnparsedError:
        return None
    found = find_ways(seed)
    if isinstance(found, Reject) or has_any(found[0].signatures[0].result):
        return None
    way = found[0]
    return FunctionContract(
        entry_point=way.entry_point, signature=str(way.signatures[0]), parameter_names=way.parameter_names
    )


def _last_function(code: str, language: str) -> str:
    names = [function.name for function in find_functions(code, language)]
    return names[-1] if names else ""


def _find(language: Language, seed: Seed, entry_point: str) -> tuple[Adapted, ...]:
    if not entry_point:
        raise NotAdapted("no function was found in it")
    if language.adapt is not None:
        return tuple(language.adapt(seed.runnable, entry_point))
    if not (entry_point.isascii() and entry_point.isidentifier()):
        raise NotAdapted(f"{entry_point} is a member", needs=entry_point.rpartition("::")[0])
    contract = find_signature(language, seed.runnable, entry_point)
    if contract is None:
        return ()
    signatures = (parse_signature(contract.signature),)
    return (Adapted(seed.runnable, contract.entry_point, contract.parameter_names, signatures),)
