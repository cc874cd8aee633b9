"""What a row of arguments must keep, one thing at a time: a test, and a way to mend a row that does not.

The one rule: a demand speaks of values, and knows nothing of where it comes from. `preconditions.py` finds
demands in the calls that people wrote, `code_demands.py` in the words of the code.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from synth.values import Value

Row = tuple[Value, ...]


class Demand(NamedTuple):
    """One thing that every row must keep."""

    words: str
    holds: Callable[[Row], bool]
    mend: Callable[[list[Value]], None]
    """Changes a row that does not keep it, so that it may."""


# --- demands ------------------------------------------------------------------------------------------------


def at_least(at: int, least: float) -> Demand:
    def holds(row: Row) -> bool:
        return at >= len(row) or all(number >= least for number in numbers_in(row[at]))

    def mend(row: list[Value]) -> None:
        row[at] = mapped(row[at], lambda one: _raised(one, least))

    return Demand(f"parameter {at}: at least {least}", holds, mend)


def at_most(at: int, most: float) -> Demand:
    """For upper bounds that the code states."""

    def holds(row: Row) -> bool:
        return at >= len(row) or all(number <= most for number in numbers_in(row[at]))

    def mend(row: list[Value]) -> None:
        row[at] = mapped(row[at], lambda one: _lowered(one, most))

    return Demand(f"parameter {at}: at most {most:g}", holds, mend)


def positive(at: int) -> Demand:
    """Above 0: whole numbers from 1 on, others a little above 0."""

    def holds(row: Row) -> bool:
        return at >= len(row) or all(number > 0 for number in numbers_in(row[at]))

    def mend(row: list[Value]) -> None:
        row[at] = mapped(row[at], lambda one: _raised(one, 1 if type(one) is int else 0.01))

    return Demand(f"parameter {at}: positive", holds, mend)


def an_index(at: int, depth: int = 0) -> Demand:
    """The position of an item in the first list or text of the row; at depth 1 in that list's first list."""

    def size(row: Sequence[Value]) -> int | None:
        whole = next((one for one in row if isinstance(one, list | str)), None)
        if depth and isinstance(whole, list):
            whole = next((one for one in whole if isinstance(one, list)), None)
        return None if whole is None else len(whole)

    def holds(row: Row) -> bool:
        number, most = row[at], size(row)
        return type(number) is not int or most is None or 0 <= number < most

    def mend(row: list[Value]) -> None:
        number, most = row[at], size(row)
        if type(number) is int and most:
            row[at] = abs(number) % most

    return Demand(f"parameter {at}: an index", holds, mend)


def of_letters(at: int, letters: str, *, empty: bool) -> Demand:
    def holds(row: Row) -> bool:
        return at >= len(row) or all(
            set(text) <= set(letters) and (text or empty) for text in texts_in(row[at])
        )

    def mend(row: list[Value]) -> None:
        def inside(one: Value) -> Value:
            if not isinstance(one, str):
                return one
            kept = "".join(letters[ord(char) % len(letters)] if char not in letters else char for char in one)
            return kept or ("" if empty else letters[0])

        row[at] = mapped(row[at], inside)

    return Demand(f"parameter {at}: letters of {letters!r}", holds, mend)


def ascending(at: int) -> Demand:
    def holds(row: Row) -> bool:
        value = row[at] if at < len(row) else None
        return not isinstance(value, list) or is_ascending(value)

    def mend(row: list[Value]) -> None:
        value = row[at]
        if isinstance(value, list) and all(is_number(one) or isinstance(one, str) for one in value):
            value.sort(key=lambda one: (isinstance(one, str), one))

    return Demand(f"parameter {at}: sorted", holds, mend)


def not_empty(at: int) -> Demand:
    return Demand(f"parameter {at}: not empty", lambda row: at >= len(row) or bool(row[at]), _leave)


def of_length(at: int, length: int) -> Demand:
    def holds(row: Row) -> bool:
        value = row[at] if at < len(row) else None
        return not isinstance(value, list) or len(value) == length

    def mend(row: list[Value]) -> None:
        value = row[at]
        if isinstance(value, list) and value:
            row[at] = [value[place % len(value)] for place in range(length)]

    return Demand(f"parameter {at}: {length} items", holds, mend)


def rectangular(at: int, *, square: bool) -> Demand:
    def holds(row: Row) -> bool:
        value = row[at] if at < len(row) else None
        if not isinstance(value, list):
            return True
        lengths = {len(one) if isinstance(one, list) else -1 for one in value}
        return lengths == {len(value)} if square else len(lengths) == 1 and lengths != {0}

    def mend(row: list[Value]) -> None:
        value = row[at]
        lines = [one for one in value if isinstance(one, list) and one] if isinstance(value, list) else []
        if lines:
            width = len(lines) if square else len(lines[0])
            row[at] = [[line[place % len(line)] for place in range(width)] for line in lines]

    return Demand(f"parameter {at}: {'square' if square else 'rectangular'}", holds, mend)


def same_length(first: int, second: int) -> Demand:
    def holds(row: Row) -> bool:
        one, other = row[first], row[second]
        return not (isinstance(one, list) and isinstance(other, list)) or len(one) == len(other)

    def mend(row: list[Value]) -> None:
        one, other = row[first], row[second]
        if isinstance(one, list) and isinstance(other, list):
            length = min(len(one), len(other))
            row[first], row[second] = one[:length], other[:length]

    return Demand(f"parameters {first} and {second}: of one length", holds, mend)


def within(place: int, other: int) -> Demand:
    """A number between 0 and the length of a list."""

    def holds(row: Row) -> bool:
        number, whole = row[place], row[other]
        return not (type(number) is int and isinstance(whole, list)) or 0 <= number <= len(whole)

    def mend(row: list[Value]) -> None:
        number, whole = row[place], row[other]
        if type(number) is int and isinstance(whole, list):
            row[place] = min(abs(number), len(whole))

    return Demand(f"parameter {place}: at most the length of {other}", holds, mend)


def in_bounds(low: int, high: int) -> Demand:
    """Two bounds in order, and within the first list or text of the row if there is one."""

    def limit(row: Sequence[Value]) -> int | None:
        whole = next((one for one in row if isinstance(one, list | str)), None)
        return len(whole) - 1 if whole is not None else None

    def holds(row: Row) -> bool:
        first, last = row[low], row[high]
        if type(first) is not int or type(last) is not int:
            return True
        most = limit(row)
        return first <= last and (most is None or (first >= 0 and last <= most))

    def mend(row: list[Value]) -> None:
        first, last, most = row[low], row[high], limit(row)
        if type(first) is int and type(last) is int:
            ends = sorted(
                (first, last) if not most or most < 0 else (abs(first) % (most + 1), abs(last) % (most + 1))
            )
            row[low], row[high] = ends

    return Demand(f"parameters {low} and {high}: bounds in order", holds, mend)


def _leave(row: list[Value]) -> None:
    """A row that cannot be mended."""


# --- values -------------------------------------------------------------------------------------------------


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numbers_in(value: Value) -> list[float]:
    """All numbers in a value, those in lists too."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    return [one for item in _items(value) for one in numbers_in(item)]


def _raised(value: Value, least: float) -> Value:
    """A number without its sign, and at least that."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    return max(abs(value), type(value)(least))


def _lowered(value: Value, most: float) -> Value:
    if not is_number(value) or not isinstance(value, int | float) or value <= most:
        return value
    return type(value)(value % (most + 1) if most >= 0 else most)


def texts_in(value: Value) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for item in _items(value) for one in texts_in(item)]


def _items(value: Value) -> list[Value]:
    if isinstance(value, list | tuple):
        return list(value)
    return list(value.values()) if isinstance(value, dict) else []


def mapped(value: Value, change: Callable[[Value], Value]) -> Value:
    if isinstance(value, list):
        return [mapped(one, change) for one in value]
    if isinstance(value, tuple):
        return tuple(mapped(one, change) for one in value)
    if isinstance(value, dict):
        return {key: mapped(one, change) for key, one in value.items()}
    return change(value)


def is_ascending(value: Sequence[Value]) -> bool:
    try:
        return all(one <= other for one, other in pairwise(value))  # type: ignore[operator]  # see below
    except TypeError:  # values without an order
        return False
