"""Fast and slow programs among the right ones of a task: what they are timed on, and which make a pair.

Place in the flow: the stage `speed` times programs on inputs of this module, and `pair` asks here which of
them differ. The one rule: a pair holds in every repeat, in both orders of running, on inputs on which both
give the same results; so noise and another reading of the task make none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar, Final, NamedTuple

from synth.records import Case, Solution, Unit
from synth.select_config import SpeedConfig
from synth.values import Value, decode, encode

Row = tuple[str, ...]
MOST_WIRE: Final = 400_000
"""Characters of an argument beyond which nothing is made larger."""
LEAST_FAST_MS: Final = 1.0
"""A fast program counts as if it needed this much: below it, a clock tells nothing."""


class Size(NamedTuple):
    """How much work a program is given: collections so many times as long, and so many calls on each row."""

    factor: int
    calls: int


SIZES: Final = (Size(1, 8), Size(8, 8), Size(64, 8), Size(64, 64), Size(512, 64))
"""Tried in turn until the slowest program takes long enough."""


class Timing(Unit):
    """What a right program needs on larger inputs, beyond its start."""

    kind: ClassVar[str] = "timing"
    about: ClassVar[str] = "the CPU time of a right program on larger inputs"
    id_field: ClassVar[str] = "solution_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    solution_id: str
    task_id: str
    cpu_ms: tuple[float, ...]
    """One for each repeat."""
    factor: int
    calls: int
    results: str
    """The hash of what it returns on them."""


def largest_rows(cases: Sequence[Case], count: int) -> list[Row]:
    """The inputs with the most text among those on which a result is due, the largest first."""
    rows = dict.fromkeys(case.arguments for case in cases if not case.raises)
    return sorted(rows, key=lambda row: (-sum(map(len, row)), row))[:count]


def enlarge(row: Row, factor: int) -> Row:
    """The row with every outermost list and text so many times as long, with the values that it has. Numbers
    stay: a larger one can ask for anything."""
    return tuple(_longer(wire, factor) for wire in row)


def spread_out(row: Row, factor: int) -> Row:
    """The same for lists of integers, but that no element repeats an earlier one: a program may be slow only
    where all are different. A row that has no such list stays as it is."""
    return tuple(_spread(wire, factor) for wire in row)


def _spread(wire: str, factor: int) -> str:
    value: Value = decode(wire)
    if factor == 1 or len(wire) * factor > MOST_WIRE or not _is_integers(value):
        return wire
    assert isinstance(value, list)
    numbers = [one for one in dict.fromkeys(value) if isinstance(one, int)]
    step = max(numbers) - min(numbers) + 1
    larger: list[Value] = [one + at * step for at in range(factor) for one in numbers]
    return encode(larger)


def _is_integers(value: Value) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(one, int) and not isinstance(one, bool) for one in value)


def _longer(wire: str, factor: int) -> str:
    value: Value = decode(wire)
    if factor == 1 or len(wire) * factor > MOST_WIRE or not isinstance(value, str | list):
        return wire
    return encode(value * factor)


@dataclass(frozen=True, slots=True)
class Timed:
    """A right program with its timing."""

    solution: Solution
    timing: Timing


class SpeedChoice(NamedTuple):
    """A pair: the fast program is the chosen one."""

    fast: Timed
    slow: Timed
    ratio: float
    """The least of all repeats."""


def least_ratio(fast: Timing, slow: Timing) -> float:
    """How many times the fast one's time the slow one needs at least, comparing each repeat of the one with
    each of the other: their order then says nothing."""
    return min(slow.cpu_ms) / max(max(fast.cpu_ms), LEAST_FAST_MS)


def choose_speed_pairs(timed: Sequence[Timed], config: SpeedConfig, most_length: float) -> list[SpeedChoice]:
    """Up to `per_prompt` pairs, the clearest first; each program stands in one of them at most. `most_length`
    bounds the ratio of the two lengths."""
    options = [
        SpeedChoice(fast, slow, least_ratio(fast.timing, slow.timing))
        for fast in timed
        for slow in timed
        if fast is not slow
        and fast.timing.results == slow.timing.results
        and min(slow.timing.cpu_ms) >= config.least_ms
        and _length_ratio(fast.solution, slow.solution) <= most_length
    ]
    chosen: list[SpeedChoice] = []
    used: set[str] = set()
    for one in sorted(options, key=lambda one: (-one.ratio, one.fast.solution.id, one.slow.solution.id)):
        sides = {one.fast.solution.id, one.slow.solution.id}
        if one.ratio >= config.ratio and not sides & used and len(chosen) < config.per_prompt:
            used |= sides
            chosen.append(one)
    return chosen


def _length_ratio(one: Solution, other: Solution) -> float:
    lengths = sorted((max(1, len(one.code)), max(1, len(other.code))))
    return lengths[1] / lengths[0]


def spread(timings: Sequence[Timing]) -> float:
    """The greatest ratio of two repeats of one program, as far as it is long enough to be timed."""
    ratios = [
        max(one.cpu_ms) / max(min(one.cpu_ms), LEAST_FAST_MS)
        for one in timings
        if median(one.cpu_ms) >= LEAST_FAST_MS
    ]
    return round(max(ratios, default=1.0), 3)
