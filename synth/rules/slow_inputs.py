"""What is asked instead where an input took all the time: the inputs that are smaller.

Place in the flow: a run that its time limit stopped names the input at which it was (the first without an
answer); reference execution asks again without that one and those that ask for at least as much. The one
rule: an input is left out, never judged: a function that is slow on large inputs has its reference on small
ones.
"""

from collections.abc import Sequence

from synth.records import Observation, Stop
from synth.values import Value, decode

Row = tuple[str, ...]
SMALL = 3
"""Integers and lengths up to here are never too much by their size."""


def find_slow_row(seen: Observation) -> int | None:
    """The number of the input at which time or memory ran out; None if they did not."""
    if seen.stop not in (Stop.CPU, Stop.WALL, Stop.MEMORY):
        return None
    answered = {case.index for case in seen.cases if case.status != "missing"}
    return next(at for at in range(len(answered) + 1) if at not in answered)


def lighter_rows(rows: Sequence[Row], slow: int) -> list[int]:
    """The numbers of the rows that ask for less than the slow one, in their order."""
    if slow >= len(rows):
        return []
    limits = [_amounts(decode(wire)) for wire in rows[slow]]
    return [
        at
        for at, row in enumerate(rows)
        if at != slow
        and not any(
            _asks_as_much(_amounts(decode(wire)), limit) for wire, limit in zip(row, limits, strict=True)
        )
    ]


def _amounts(value: Value) -> tuple[float, int]:
    """The largest number in a value, a negative one if it is alone, and the length of its longest part."""
    if isinstance(value, bool) or value is None:
        return 0, 0
    if isinstance(value, int | float):
        return value, 0
    if isinstance(value, str):
        return 0, len(value)
    inner = [_amounts(one) for one in (value.values() if isinstance(value, dict) else value)]
    return max((one for one, _ in inner), default=0), max([len(value), *(length for _, length in inner)])


def _asks_as_much(amounts: tuple[float, int], limit: tuple[float, int]) -> bool:
    number, length = amounts
    most, longest = limit
    below_zero = most < 0 and number < 0
    return below_zero or (most > SMALL and number >= most) or (longest > SMALL and length >= longest)
