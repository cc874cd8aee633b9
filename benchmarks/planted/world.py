"""What the planted endpoint knows: the seeds that it was shown, what each program of theirs is, and what it
has said so far.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.planted.answers import PlantedSeed, Truth, mutants_of
from synth.languages.code_tokens import normalize_code


@dataclass
class Said:
    """What the endpoint has said."""

    programs: dict[str, Truth] = field(default_factory=dict)
    """By tag and program without layout: what it is. A text that is the seed and a mutant is the seed."""
    answers: Counter[Truth] = field(default_factory=Counter)
    leaks: set[str] = field(default_factory=set)
    """Tags whose instruction holds the solution."""
    requests: int = 0
    tokens: int = 0


def program_key(tag: str, code: str, language: str) -> str:
    """The name of a program among those of its seed."""
    return f"{tag} {language} {normalize_code(code, language)}"


@dataclass
class World:
    """The endpoint's memory."""

    said: Said = field(default_factory=Said)
    seeds: dict[str, PlantedSeed] = field(default_factory=dict)
    """By tag."""
    _mutants: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def mutants(self, seed: PlantedSeed, name: str) -> list[str]:
        """Programs with one slip each of a seed whose entry point has this name. The first time, the truth of
        each is noted."""
        key = (seed.tag, name)
        if key not in self._mutants:
            self._mutants[key] = mutants_of(seed, name)
            self._note(seed, self._mutants[key], Truth.MUTANT)
            self._note(seed, [seed.code], Truth.RIGHT)
        return self._mutants[key]

    def _note(self, seed: PlantedSeed, programs: Sequence[str], truth: Truth) -> None:
        for code in programs:
            self.said.programs[program_key(seed.tag, code, seed.language)] = truth
