"""Which stated calls belong to which function: an index by language and name.

The one rule: a call counts for a function only if its import, its package or its own file points to the
file of that function; a name alone never does. Memory is bounded: of a name and of all names only so many
calls are kept, those with a stated result before bare calls.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from synth.records import Example, Seed
from synth.seeds.examples.reader import StatedCall
from synth.seeds.protocol import SeedOrRejection

MOST_A_NAME: Final = 512
MOST: Final = 400_000
"""Calls in one index, at about 300 bytes each."""
MOST_A_SEED: Final = 24


@dataclass(slots=True)
class ExampleIndex:
    """Calls by the language and the name of their function."""

    calls: dict[tuple[str, str], list[StatedCall]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def add(self, language: str, calls: Iterable[StatedCall]) -> None:
        for call in calls:
            known = self.calls[language, call.name]
            if len(known) < MOST_A_NAME and self.count < MOST:
                known.append(call)
                self.count += 1

    def give(self, units: Iterable[SeedOrRejection]) -> Iterator[SeedOrRejection]:
        """The units, each seed with the examples of its function."""
        for unit in units:
            yield self._give(unit) if isinstance(unit, Seed) and unit.entry_point else unit

    def _give(self, seed: Seed) -> Seed:
        name = seed.entry_point.rpartition("::")[2].rpartition(".")[2]
        stem = "/" + seed.origin.path.rpartition(".")[0]
        near = [
            call.example for call in self.calls.get((seed.language, name), ()) if _points(call.places, stem)
        ]
        examples = choose_examples([*seed.examples, *near])
        return seed.model_copy(update={"examples": examples}) if examples else seed


def _points(places: tuple[str, ...], stem: str) -> bool:
    """Whether one of the places is that file, or its folder."""
    folder = stem.rpartition("/")[0] + "/"
    for place in places:
        whole = folder if place.endswith("/") else stem
        if place and (whole == place if place.startswith("/") else whole.endswith("/" + place)):
            return True
    return False


def choose_examples(found: Iterable[Example]) -> tuple[Example, ...]:
    """The examples to keep, each call once: those with a stated result first. A call with two results that
    contradict each other keeps neither."""
    kept: dict[tuple[str, ...], Example] = {}
    for example in found:
        known = kept.get(example.arguments)
        if known is None or _is_bare(known):
            kept[example.arguments] = example
        elif not _is_bare(example) and (known.expected, known.raises) != (example.expected, example.raises):
            kept[example.arguments] = known.model_copy(update={"expected": None, "raises": ""})
    return tuple(sorted(kept.values(), key=_is_bare)[:MOST_A_SEED])


def _is_bare(example: Example) -> bool:
    return example.expected is None and not example.raises
