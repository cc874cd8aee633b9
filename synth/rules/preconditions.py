"""What a function asks of its arguments and its types do not say: sorted lists, no negative numbers, one
alphabet, lengths that fit together, bounds within a list.

Place in the flow: inputs that are drawn or asked for pass here before anything runs, so that what a function
does on arguments that it forbids never becomes an expected value. The one rule: a demand comes from calls
that a person wrote, all of which keep it, or from words of the code (a parameter `low` beside `high`, "sorted
array"); where there are neither, everything is allowed. A function's own refusal (it raises) needs no demand.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from synth.values import Value, ValueSyntaxError, decode, encode

ENOUGH: Final = 3
"""Stated calls that must agree before they demand something."""
_LONG_ENOUGH: Final = 3
"""Items from which on a list that is in order is so by intention."""
_FEW_LETTERS: Final = 6
_LOWER: Final = re.compile(
    r"(?i)(?:lo|low|left|start|begin|first|from|l|min|lower|beg)(?:_?(?:index|idx|bound|pos))?"
)
_UPPER: Final = re.compile(
    r"(?i)(?:hi|high|right|end|stop|last|to|r|max|upper)(?:_?(?:index|idx|bound|pos))?"
)
_SEARCH: Final = re.compile(
    r"(?i)(?:binary|interpolation|jump|exponential|fibonacci|ternary|doubly?linear)_?search|bisect"
    r"|(?:lower|upper)_?bound|search_?insert|merge_?sorted|two_?pointer"
)
_SORTED: Final = re.compile(
    r"(?i)\b(?:sorted|ascending|ordered)\s+(?:\w+\s+)?"
    r"(?:array|list|collection|sequence|vector|slice|input|arr)"
    r"|\b(?:array|list|collection|sequence|vector|slice|input|items?|elements|numbers|nums|arr)\b[^.\n]{0,30}"
    r"\b(?:must|should|needs? to|has to|is|are|be|in)\b[^.\n]{0,20}\b(?:sorted|ascending)"
)
_UNSORTED: Final = re.compile(
    r"(?i)\bun-?sorted|not (?:be )?sorted|sorts? |sorting|_sort\b|is_?sorted|need not"
)
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

Row = tuple[Value, ...]


class Demand(NamedTuple):
    """One thing that every row must keep."""

    words: str
    holds: Callable[[Row], bool]
    mend: Callable[[list[Value]], None]
    """Changes a row that does not keep it, so that it may."""


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
    demands += _of_words(code, entry_point, names, whole)
    if len(whole) >= ENOUGH:
        demands += _of_lengths(whole, width)
    return Preconditions(tuple(one for one in demands if all(map(one.holds, whole))))


def _of_place(at: int, values: Sequence[Value]) -> list[Demand]:
    """What all values of one parameter have in common."""
    numbers = [one for value in values for one in _numbers(value)]
    texts = [one for value in values for one in _texts(value)]
    lists = [value for value in values if isinstance(value, list)]
    found: list[Demand] = []
    if numbers and len(numbers) >= ENOUGH and min(numbers) >= 0:
        low = min(numbers)
        found.append(_at_least(at, 1 if low >= 1 else low / 100))
    if len(texts) >= ENOUGH and (letters := _alphabet(texts)):
        found.append(_of_letters(at, letters, empty="" in texts))
    if len(lists) == len(values):
        found += _of_lists(at, lists)
    return found


def _of_lists(at: int, lists: Sequence[list[Value]]) -> list[Demand]:
    found: list[Demand] = []
    long = [value for value in lists if len(value) >= _LONG_ENOUGH]
    if len(long) >= ENOUGH and all(map(_is_ascending, long)):
        found.append(_ascending(at))
    if all(lists):
        found.append(_not_empty(at))
    lengths = {len(value) for value in lists}
    if len(lengths) == 1 and len(lists) >= ENOUGH and len({str(value) for value in lists}) >= ENOUGH:
        found.append(_of_length(at, lengths.pop()))
    grids = [[one for one in value if isinstance(one, list)] for value in lists]
    if all(grid and len(grid) == len(value) for grid, value in zip(grids, lists, strict=True)):
        widths = [{len(line) for line in grid} for grid in grids]
        square = all(width == {len(grid)} for width, grid in zip(widths, grids, strict=True))
        found += [_rectangular(at, square=square)] if all(len(width) == 1 for width in widths) else []
    return found


def _of_words(code: str, entry_point: str, names: Sequence[str], stated: Sequence[Row]) -> list[Demand]:
    """What the names and the comments of the code demand."""
    found: list[Demand] = []
    said = bool(_SORTED.search(code)) and not _UNSORTED.search(code)
    for at, name in enumerate(names):
        if _SEARCH.search(entry_point) or said or re.match(r"(?i)sorted(?!_?by)", name):
            found.append(_ascending(at))
    for low, high in combinations(range(len(names)), 2):
        if _LOWER.fullmatch(names[low]) and _UPPER.fullmatch(names[high]):
            found.append(_in_bounds(low, high))
    return found


def _of_lengths(rows: Sequence[Row], width: int) -> list[Demand]:
    """Lists that are of one length in all rows, and numbers that are indices or counts of a list."""
    found: list[Demand] = []
    for first, second in combinations(range(width), 2):
        sized = [(row[first], row[second]) for row in rows]
        if all(isinstance(a, list) and isinstance(b, list) and len(a) == len(b) for a, b in sized):
            found.append(_same_length(first, second))
    for place in range(width):
        counts = [row[place] for row in rows]
        if not all(type(count) is int for count in counts):
            continue
        for other in range(width):
            whole = [row[other] for row in rows]
            if other != place and all(isinstance(one, list) for one in whole):
                found.append(_within(place, other))
    return found


# --- demands ------------------------------------------------------------------------------------------------


def _at_least(at: int, least: float) -> Demand:
    def holds(row: Row) -> bool:
        return at >= len(row) or all(number >= least for number in _numbers(row[at]))

    def mend(row: list[Value]) -> None:
        row[at] = _mapped(row[at], lambda one: _raised(one, least))

    return Demand(f"parameter {at}: at least {least}", holds, mend)


def _of_letters(at: int, letters: str, *, empty: bool) -> Demand:
    def holds(row: Row) -> bool:
        return at >= len(row) or all(
            set(text) <= set(letters) and (text or empty) for text in _texts(row[at])
        )

    def mend(row: list[Value]) -> None:
        def inside(one: Value) -> Value:
            if not isinstance(one, str):
                return one
            kept = "".join(letters[ord(char) % len(letters)] if char not in letters else char for char in one)
            return kept or ("" if empty else letters[0])

        row[at] = _mapped(row[at], inside)

    return Demand(f"parameter {at}: letters of {letters!r}", holds, mend)


def _ascending(at: int) -> Demand:
    def holds(row: Row) -> bool:
        value = row[at] if at < len(row) else None
        return not isinstance(value, list) or _is_ascending(value)

    def mend(row: list[Value]) -> None:
        value = row[at]
        if isinstance(value, list) and all(_is_number(one) or isinstance(one, str) for one in value):
            value.sort(key=lambda one: (isinstance(one, str), one))

    return Demand(f"parameter {at}: sorted", holds, mend)


def _not_empty(at: int) -> Demand:
    return Demand(f"parameter {at}: not empty", lambda row: at >= len(row) or bool(row[at]), _leave)


def _of_length(at: int, length: int) -> Demand:
    def holds(row: Row) -> bool:
        value = row[at] if at < len(row) else None
        return not isinstance(value, list) or len(value) == length

    def mend(row: list[Value]) -> None:
        value = row[at]
        if isinstance(value, list) and value:
            row[at] = [value[place % len(value)] for place in range(length)]

    return Demand(f"parameter {at}: {length} items", holds, mend)


def _rectangular(at: int, *, square: bool) -> Demand:
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


def _same_length(first: int, second: int) -> Demand:
    def holds(row: Row) -> bool:
        one, other = row[first], row[second]
        return not (isinstance(one, list) and isinstance(other, list)) or len(one) == len(other)

    def mend(row: list[Value]) -> None:
        one, other = row[first], row[second]
        if isinstance(one, list) and isinstance(other, list):
            length = min(len(one), len(other))
            row[first], row[second] = one[:length], other[:length]

    return Demand(f"parameters {first} and {second}: of one length", holds, mend)


def _within(place: int, other: int) -> Demand:
    """A number between 0 and the length of a list."""

    def holds(row: Row) -> bool:
        number, whole = row[place], row[other]
        return not (type(number) is int and isinstance(whole, list)) or 0 <= number <= len(whole)

    def mend(row: list[Value]) -> None:
        number, whole = row[place], row[other]
        if type(number) is int and isinstance(whole, list):
            row[place] = min(abs(number), len(whole))

    return Demand(f"parameter {place}: at most the length of {other}", holds, mend)


def _in_bounds(low: int, high: int) -> Demand:
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


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Value) -> list[float]:
    """All numbers in a value, those in lists too."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    return [one for item in _items(value) for one in _numbers(item)]


def _raised(value: Value, least: float) -> Value:
    """A number without its sign, and at least that."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    return max(abs(value), type(value)(least))


def _texts(value: Value) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for item in _items(value) for one in _texts(item)]


def _items(value: Value) -> list[Value]:
    if isinstance(value, list | tuple):
        return list(value)
    return list(value.values()) if isinstance(value, dict) else []


def _mapped(value: Value, change: Callable[[Value], Value]) -> Value:
    if isinstance(value, list):
        return [_mapped(one, change) for one in value]
    if isinstance(value, tuple):
        return tuple(_mapped(one, change) for one in value)
    if isinstance(value, dict):
        return {key: _mapped(one, change) for key, one in value.items()}
    return change(value)


def _is_ascending(value: Sequence[Value]) -> bool:
    try:
        return all(one <= other for one, other in pairwise(value))  # type: ignore[operator]  # see below
    except TypeError:  # values without an order
        return False


def _alphabet(texts: Sequence[str]) -> str:
    """The smallest known alphabet of all texts, or their own few letters; empty if there is none."""
    letters = set("".join(texts))
    if len(letters) < 2 or sum(map(len, texts)) < 2 * len(letters):
        return ""
    if len(letters) <= _FEW_LETTERS and len("".join(texts)) >= 4 * len(letters):
        return "".join(sorted(letters))
    return next((known for known in _ALPHABETS if letters <= set(known)), "")
