"""Two values, by a rule for the results of calls.

Place in the flow: `comparison.py` decodes both sides and asks here, after it has compared what texts can
tell. The one rule: the comparison is typed: 1 differs from True and from "1", a list from a tuple; an int is
right where an equal float is expected, and in a result of type `any` also a float where an equal int is.
"""

import math
import struct
from dataclasses import dataclass
from typing import Final

from synth.comparison_rules import DEFAULT_VALUES, ValuesRule
from synth.values import Value, encode

_MOST_PAIRED: Final = 200
"""Items of a list in any order that equal no expected one as texts, and are tried with each of them."""


def equal(found: Value, expected: Value, rule: ValuesRule = DEFAULT_VALUES, *, untyped: bool = False) -> bool:
    """Whether the value is the expected one. `untyped`: where the signature says `any`."""
    comparison = _Comparison(rule, untyped)
    if rule.any_order and isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return comparison.same_class(found, expected) and comparison.equal_bags(list(found), list(expected))
    return comparison.equal(found, expected)


@dataclass(frozen=True, slots=True)
class _Comparison:
    rule: ValuesRule
    untyped: bool

    @property
    def _is_loose(self) -> bool:
        """Whether tuples are lists, and keys are text."""
        return self.rule.equality != "typed"

    @property
    def _is_python(self) -> bool:
        return self.rule.equality == "python"

    def equal(self, found: Value, expected: Value) -> bool:
        if isinstance(expected, int | float) and isinstance(found, int | float):
            return self._equal_numbers(found, expected)
        if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
            return (
                self.same_class(found, expected)
                and len(found) == len(expected)
                and all(map(self.equal, found, expected))
            )
        if isinstance(expected, dict) and isinstance(found, dict):
            return self._equal_maps(found, expected)
        if isinstance(expected, str) and isinstance(found, str):
            return found == expected or (self.rule.ignore_case and found.lower() == expected.lower())
        return found is None and expected is None

    def same_class(self, found: Value, expected: Value) -> bool:
        return self._is_loose or type(found) is type(expected)

    def _equal_numbers(self, found: float, expected: float) -> bool:
        """Of ints, floats and truth values."""
        if isinstance(found, bool) or isinstance(expected, bool):
            same = type(found) is type(expected) or self._is_python
            return same and found == expected
        if isinstance(found, int) and isinstance(expected, int):
            return found == expected
        if isinstance(expected, int) and not self.untyped:
            return False
        return self._near(found, expected)

    def _near(self, found: float, expected: float) -> bool:
        """Of two numbers that are not both ints."""
        if found != found or expected != expected:
            return found != found and expected != expected and not self._is_python
        if self.rule.rel or self.rule.abs:
            try:
                return math.isclose(found, expected, rel_tol=self.rule.rel, abs_tol=self.rule.abs)
            except OverflowError:  # an int beyond all floats
                return False
        if self._is_python or self.untyped or found != expected:
            return found == expected
        return struct.pack("<d", found) == struct.pack("<d", expected)

    def _equal_maps(self, found: dict[Value, Value], expected: dict[Value, Value]) -> bool:
        if len(found) != len(expected):
            return False
        floats = not self._is_loose and all(isinstance(key, float) for key in expected)
        ours, theirs = self._by_key(found, floats), self._by_key(expected, floats)
        if len(ours) != len(found) or len(theirs) != len(expected):
            ours, theirs = ({encode(key): item for key, item in side.items()} for side in (found, expected))
        return ours.keys() == theirs.keys() and all(self.equal(ours[key], theirs[key]) for key in theirs)

    def _by_key(self, side: dict[Value, Value], floats: bool) -> dict[str, Value]:
        """The entries by a text of their keys, which may be the same for two of them."""
        name = _json_key if self._is_loose else encode
        return {name(_as_float(key) if floats else key): item for key, item in side.items()}

    def equal_bags(self, found: list[Value], expected: list[Value]) -> bool:
        """The same items in any order. Those that are alike as texts are paired first."""
        if len(found) != len(expected):
            return False
        waiting: dict[str, list[Value]] = {}
        for item in found:
            waiting.setdefault(self._form(item), []).append(item)
        missing: list[Value] = []
        for wanted in expected:
            alike = waiting.get(self._form(wanted))
            if alike and self.equal(alike[-1], wanted):
                alike.pop()
            else:
                missing.append(wanted)
        return self._pair([item for alike in waiting.values() for item in alike], missing)

    def _form(self, value: Value) -> str:
        text = encode(_plain(value))
        return text.lower() if self.rule.ignore_case else text

    def _pair(self, found: list[Value], expected: list[Value]) -> bool:
        """Whether each expected item has an equal one of its own: a matching by augmenting paths."""
        if len(expected) > _MOST_PAIRED:
            return False
        owners: dict[int, int] = {}
        fits = [[at for at, item in enumerate(found) if self.equal(item, wanted)] for wanted in expected]
        return all(_assign(wanted, fits, owners, set()) for wanted in range(len(expected)))


def _assign(wanted: int, fits: list[list[int]], owners: dict[int, int], seen: set[int]) -> bool:
    """Give an expected item one of the items that fit, if need be by giving its owner another one."""
    for at in fits[wanted]:
        if at not in seen:
            seen.add(at)
            if at not in owners or _assign(owners[at], fits, owners, seen):
                owners[at] = wanted
                return True
    return False


def _plain(value: Value) -> Value:
    """A value whose text is the same for most that may be equal: whole floats are ints, tuples are lists, and
    maps are sorted."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        pairs: list[Value] = [[_json_key(key), _plain(item)] for key, item in value.items()]
        return sorted(pairs, key=encode)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_float(key: Value) -> Value:
    """An int as the float that it equals, if there is one."""
    if isinstance(key, bool) or not isinstance(key, int):
        return key
    try:
        return float(key) if float(key) == key else key
    except OverflowError:
        return key


def _json_key(key: Value) -> str:
    """A key as an object of JSON has it."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return str(list(key)) if isinstance(key, tuple) else str(key)
