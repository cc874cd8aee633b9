"""How a wrong result differs from the expected one, and which inputs a program fails on: by name.

Place in the flow: the result analyzer counts these kinds. The one rule: pure, and a kind is named only if it
describes the whole difference; what none describes is `other`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from synth.values import Value, ValueSyntaxError, decode

MOST_WIRE: Final = 4000
"""A longer value is not compared item by item: `other`."""
_CLOSE: Final = 1e-2


class Kind(NamedTuple):
    """One kind of difference: for people, and what to look at."""

    name: str
    words: str
    advice: str


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("nothing", "no value instead of one", "every path must return its result"),
        Kind("type", "a value of another type", "return the type that the declaration states"),
        Kind("boolean", "the opposite truth value", "look at the condition: it is right the other way round"),
        Kind(
            "sign", "the right amount with the wrong sign", "look at the order of a subtraction or a negation"
        ),
        Kind("off_by_one", "a number that is off by one", "look at the bounds of ranges and at < against <="),
        Kind(
            "rounding",
            "a number that is close",
            "look at rounding, integer division and the precision of floats",
        ),
        Kind(
            "order", "the right items in another order", "look at the order in which items are put or sorted"
        ),
        Kind(
            "repeated",
            "the right items, some of them too often or too seldom",
            "look at how repeats are treated",
        ),
        Kind("too_few", "items are missing", "look at where a loop begins and ends, and at what is left out"),
        Kind("too_many", "items that do not belong there", "look at the conditions by which items are taken"),
        Kind("empty", "an empty result", "look at the first condition, and at what is returned early"),
        Kind("capitals", "the right text but for capitals", "look at how letters are changed"),
        Kind(
            "whitespace",
            "the right text but for spaces or line ends",
            "look at separators, spaces and the last line",
        ),
        Kind(
            "no_error", "a value where an error is asked for", "check the input, and end the call in an error"
        ),
        Kind("other", "another value", "follow the first failing call by hand, step by step"),
    )
}


def name_difference(found: str, expected: str, *, is_text: bool = False) -> str:
    """The kind of difference between two wire texts, or with `is_text` between two plain ones, that are not
    equal."""
    if is_text:
        return _text_kind(found, expected)
    if max(len(found), len(expected)) > MOST_WIRE:
        return "other"
    try:
        return _value_kind(decode(found), decode(expected))
    except (ValueSyntaxError, RecursionError):
        return "other"


def _value_kind(found: Value, expected: Value) -> str:
    if found is None:
        return "nothing"
    if isinstance(found, bool) or isinstance(expected, bool):
        return "boolean" if isinstance(found, bool) and isinstance(expected, bool) else "type"
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return _number_kind(found, expected)
    if isinstance(found, str) and isinstance(expected, str):
        return _text_kind(found, expected)
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return _list_kind([*map(repr, found)], [*map(repr, expected)])
    return "other" if type(found) is type(expected) else "type"


def _number_kind(found: float, expected: float) -> str:
    if isinstance(found, int) and isinstance(expected, int):
        if abs(found - expected) == 1:
            return "off_by_one"
        return "sign" if found == -expected else "other"
    try:
        wrong, right = float(found), float(expected)
    except OverflowError:
        return "other"
    if not (math.isfinite(wrong) and math.isfinite(right)):
        return "other"
    if wrong == -right and right:
        return "sign"
    if math.isclose(abs(wrong - right), 1.0, rel_tol=1e-9):
        return "off_by_one"
    is_close = abs(wrong - right) < 1 and math.isclose(wrong, right, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return "rounding" if is_close or wrong in (math.floor(right), math.ceil(right)) else "other"


def _text_kind(found: str, expected: str) -> str:
    if not found.strip():
        return "empty" if expected.strip() else "whitespace"
    if found.split() == expected.split() or "".join(found.split()) == "".join(expected.split()):
        return "whitespace"
    if found.casefold() == expected.casefold():
        return "capitals"
    return _list_kind([*found], [*expected]) if len(expected) < MOST_WIRE else "other"


def _list_kind(found: Sequence[str], expected: Sequence[str]) -> str:
    if not found:
        return "empty"
    if sorted(found) == sorted(expected):
        return "order"
    if set(found) == set(expected):
        return "repeated"
    if len(found) < len(expected) and _is_part(found, expected):
        return "too_few"
    if len(found) > len(expected) and _is_part(expected, found):
        return "too_many"
    return "other"


def _is_part(small: Sequence[str], large: Sequence[str]) -> bool:
    """Whether all items of the one stand in the other, in their order."""
    rest = iter(large)
    return all(item in rest for item in small)


def _is_empty(value: Value) -> bool:
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def _is_single(value: Value) -> bool:
    return isinstance(value, str | list | tuple | dict) and len(value) == 1


def _is_negative(value: Value) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_negative, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value < 0


def _has_repeats(value: Value) -> bool:
    if isinstance(value, str):
        return len(set(value)) < len(value)
    return isinstance(value, list | tuple) and len({*map(repr, value)}) < len(value)


def _is_zero(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


_TRAITS: Final[tuple[tuple[str, Callable[[Value], bool]], ...]] = (
    ("an empty value", _is_empty),
    ("a single item", _is_single),
    ("zero", _is_zero),
    ("a negative number", _is_negative),
    ("repeated items", _has_repeats),
)


def common_trait(failing: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> str:
    """What the arguments of all failing calls have in common and those of no other call have, in words; empty
    if nothing. Needs calls of both kinds: of one kind alone nothing can be told."""
    if not failing or not right:
        return ""
    try:
        wrong, fine = ([[decode(one) for one in row] for row in rows] for rows in (failing, right))
    except (ValueSyntaxError, RecursionError):
        return ""
    for words, has in _TRAITS:
        if all(any(map(has, row)) for row in wrong) and not any(any(map(has, row)) for row in fine):
            return words
    return ""
