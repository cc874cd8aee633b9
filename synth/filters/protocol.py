"""The seam of the filters: what goes in, what comes out.

The one rule: a filter answers and does nothing else. It writes nothing, drops nothing and calls no model; a
`Reject` carries a reason from `synth.reasons` and the numbers that led to it, so a threshold can be replayed
without generating again.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from synth.config import FiltersConfig
from synth.filters.benchmarks import BenchmarkEntry
from synth.reasons import REASONS, ReasonClass
from synth.records import Unit

Evidence = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Keep:
    """The unit stays. Evidence holds what was measured, for example the greatest similarity seen."""

    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """The unit leaves. `reason` is a code of `synth.reasons`."""

    reason: str
    evidence: Evidence = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise KeyError(f"{self.reason!r} is not in synth/reasons.py: add it there first")

    @property
    def is_fault(self) -> bool:
        """Whether the engine, the sandbox or the machine failed: that says nothing about the unit."""
        return REASONS[self.reason].reason_class is ReasonClass.INFRASTRUCTURE


@dataclass(frozen=True, slots=True)
class FilterInput:
    """What a filter may look at. A part that a unit does not have is empty."""

    id: str
    language: str = ""
    prompt: str = ""
    code: str = ""
    tests: str = ""

    @classmethod
    def of(cls, unit: Unit) -> Self:
        """The parts of a unit of any kind."""
        language = getattr(unit, "language", "")
        prompt, reasoning = unit.prompt_text, getattr(unit, "trained_reasoning", "")
        words = f"{prompt}\n{reasoning}" if reasoning else prompt
        return cls(id=unit.unit_id, language=language, prompt=words, code=unit.program)


class FilterSetting(NamedTuple):
    """What a filter is made from: the recipe's section, its folder, and the tasks of its own evaluation."""

    config: FiltersConfig
    recipe_folder: Path = Path()
    held_out: tuple[BenchmarkEntry, ...] = ()


class Filter(Protocol):
    """One filter. One that `remembers` (duplicates) answers by what it kept before, so the order of the calls
    is part of the result."""

    @property
    def stage(self) -> str:
        """Name of the stage in the index."""
        ...

    @property
    def remembers(self) -> bool:
        """Whether an answer depends on the units before it."""
        ...

    def check(self, unit: FilterInput) -> Keep | Reject:
        """Answer for one unit."""
        ...
