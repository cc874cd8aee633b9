"""What a function asks of its arguments and its types do not say: sorted lists, no negative numbers, one
alphabet, lengths that fit together, bounds within a list.

Place in the flow: inputs that are drawn or asked for pass here before anything runs, so that what a function
does on arguments that it forbids never becomes an expected value. The one rule: a demand comes from calls
that a person wrote, all of which keep it, or from words of the code (`code_demands.py`); where there are
neither, everything is allowed. A function's own refusal (it raises) needs no demand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from synth.rules.code_demands import demands_of_code
from synth.rules.demands import (
    Demand,
    Row,
    ascending,
    at_least,
    is_ascending,
    not_empty,
    numbers_in,
    of_length,
    of_letters,
    rectangular,
    same_length,
    texts_in,
    within,
)
from synth.values import Value, ValueSyntaxError, decode, encode

ENOUGH: Final = 3
"""Stated calls that must agree before they demand something."""
_LONG_ENOUGH: Final = 3
"""Items from which on a list that is in order is so by intention."""
_FEW_LETTERS: Final = 6
_ALPHABETS: Final = (
    "01",
    "0123456789",
    "0123456789abcdef",
    "0123456789ABCDEF",
    "()[]{}",
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyz ",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ ",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
)


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What the rows of a function must keep."""

    demands: tuple[Demand, ...] = field(default=())

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(demand.words for demand in self.demands)

    def allows(self, arguments: Sequence[str]) -> bool:
        """Whether a row of wire texts keeps them all. One that cannot be read does not."""
        try:
            row = tuple(map(decode, arguments))
            return all(demand.holds(row) for demand in self.demands)
        except (ValueSyntaxError, TypeError, IndexError):
            return not self.demands

    def keep(self, rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """The rows, those that do not keep the demands mended or, where that is not enough, left out."""
        if not self.demands:
            return list(rows)
        found: dict[tuple[str, ...], None] = {}
        for row in rows:
            mended = row if self.allows(row) else self._mend(row)
            if self.allows(mended):
                found.setdefault(mended)
        return list(found)

    def _mend(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        try:
            row = [decode(wire) for wire in arguments]
            for demand in self.demands:
                if not demand.holds(tuple(row)):
                    demand.mend(row)
            return tuple(map(encode, row))
        except (ValueSyntaxError, TypeError, IndexError):
            return arguments


NOTHING_DEMANDED: Final = Preconditions()


def find_preconditions(
    stated: Sequence[Sequence[str]], code: str, entry_point: str, names: Sequence[str]
) -> Preconditions:
    """The demands that all stated rows (wire texts) keep, and those of the code's words."""
    rows = [tuple(map(decode, row)) for row in stated]
    width = len(names) if names else max((len(row) for row in rows), default=0)
    demands: list[Demand] = []
    for at in range(width):
        values = [row[at] for row in rows if at < len(row)]
        demands += _of_place(at, values) if len(values) >= ENOUGH else ()
    whole = [row for row in rows if len(row) == width]
    demands += demands_of_code(code, entry_point, names)
    if len(whole) >= ENOUGH:
        demands += _of_lengths(whole, width)
    return Preconditions(tuple(one for one in demands if all(map(one.holds, whole))))


def _of_place(at: int, values: Sequence[Value]) -> list[Demand]:
    """What all values of one parameter have in common."""
    numbers = [one for value in values for one in numbers_in(value)]
    texts = [one for value in values for one in texts_in(value)]
    lists = [value for value in values if isinstance(value, list)]
    found: list[Demand] = []
    if numbers and len(numbers) >= ENOUGH and min(numbers) >= 0:
        low = min(numbers)
        found.append(at_least(at, 1 if low >= 1 else low / 100))
    if len(texts) >= ENOUGH and (letters := _alphabet(texts)):
        found.append(of_letters(at, letters, empty="" in texts))
    if len(lists) == len(values):
        found += _of_lists(at, lists)
    return found


def _of_lists(at: int, lists: Sequence[list[Value]]) -> list[Demand]:
    found: list[Demand] = []
    long = [value for value in lists if len(value) >= _LONG_ENOUGH]
    if len(long) >= ENOUGH and all(map(is_ascending, long)):
        found.append(ascending(at))
    if all(lists):
        found.append(not_empty(at))
    lengths = {len(value) for value in lists}
    if len(lengths) == 1 and len(lists) >= ENOUGH and len({str(value) for value in lists}) >= ENOUGH:
        found.append(of_length(at, lengths.pop()))
    grids = [[one for one in value if isinstance(one, list)] for value in lists]
    if all(grid and len(grid) == len(value) for grid, value in zip(grids, lists, strict=True)):
        widths = [{len(line) for line in grid} for grid in grids]
        square = all(width == {len(grid)} for width, grid in zip(widths, grids, strict=True))
        found += [rectangular(at, square=square)] if all(len(width) == 1 for width in widths) else []
    return found


def _of_lengths(rows: Sequence[Row], width: int) -> list[Demand]:
    """Lists that are of one length in all rows, and numbers that are indices or counts of a list."""
    found: list[Demand] = []
    for first, second in combinations(range(width), 2):
        sized = [(row[first], row[second]) for row in rows]
        if all(isinstance(a, list) and isinstance(b, list) and len(a) == len(b) for a, b in sized):
            found.append(same_length(first, second))
    for place in range(width):
        counts = [row[place] for row in rows]
        if not all(type(count) is int for count in counts):
            continue
        for other in range(width):
            whole = [row[other] for row in rows]
            if other != place and all(isinstance(one, list) for one in whole):
                found.append(within(place, other))
    return found


def _alphabet(texts: Sequence[str]) -> str:
    """The smallest known alphabet of all texts, or their own few letters; empty if there is none."""
    letters = set("".join(texts))
    if len(letters) < 2 or sum(map(len, texts)) < 2 * len(letters):
        return ""
    if len(letters) <= _FEW_LETTERS and len("".join(texts)) >= 4 * len(letters):
        return "".join(sorted(letters))
    return next((known for known in _ALPHABETS if letters <= set(known)), "")
