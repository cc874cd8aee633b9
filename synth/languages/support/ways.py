"""Gathers the ways to call a function of real code, where some of the attempts may be refused."""

from collections.abc import Iterable

from synth.languages.spec import Adapted, NotAdapted


def gather_ways(attempts: Iterable[Iterable[Adapted]]) -> tuple[Adapted, ...]:
    """The ways of all attempts, each once, in order; what an attempt gave before it was refused counts.

    Raises the first NotAdapted if there is no way at all.
    """
    ways: dict[Adapted, None] = {}
    why: NotAdapted | None = None
    for attempt in attempts:
        try:
            for way in attempt:
                ways[way] = None
        except NotAdapted as refused:
            why = why or refused
    if not ways and why is not None:
        raise why
    return tuple(ways)
