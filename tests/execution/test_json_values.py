"""Plain JSON values become typed values exactly, or are refused with their place."""

import math

import pytest

from synth.values import encode, parse_type
from synth.verify.json_values import Misfit, from_json, to_json

GOOD = [
    ("int", 3, "i3"),
    ("int", 10**30, f"i{10**30}"),
    ("float", 3, "f3.0"),
    ("float", -0.0, "f-0.0"),
    ("float", "Infinity", "finf"),
    ("str", "\ud800", "seda080"),
    ("bool", True, "b1"),
    ("null", None, "n"),
    ("list[int]", [], "l0"),
    ("tuple[int, str]", [1, "a"], "t2 i1 s61"),
    ("tuple[]", [], "t0"),
    ("map[str, int]", {"a": 1}, "m1 s61 i1"),
    ("map[int, bool]", {"-7": False}, "m1 i-7 b0"),
    ("map[bool, int]", {"true": 1}, "m1 b1 i1"),
    ("map[tuple[int, int], str]", [[[1, 2], "x"]], "m1 t2 i1 i2 s78"),
    ("any", {"a": [1, 2.5, None]}, "m1 s61 l3 i1 f2.5 n"),
]
BAD = [
    ("int", 3.0, ""),
    ("int", True, ""),
    ("int", "7", ""),
    ("float", True, ""),
    ("float", 10**400, ""),
    ("bool", 1, ""),
    ("str", None, ""),
    ("list[int]", {"a": 1}, ""),
    ("list[int]", [1, "2"], "[1]"),
    ("list[list[int]]", [[1], [2, None]], "[1][1]"),
    ("tuple[int, int]", [1], ""),
    ("map[str, int]", {"a": "b"}, "['a']"),
    ("map[int, int]", {"x": 1}, "['x']"),
    ("map[tuple[int], int]", {"1": 1}, "['1']"),
    ("map[list[int], int]", [[[1], 1]], "[[1]]"),
    ("map[int, int]", [[1]], ""),
]


@pytest.mark.parametrize(("kind", "value", "wire"), GOOD)
def test_a_value_that_fits_is_read_to_the_type(kind: str, value: object, wire: str) -> None:
    assert encode(from_json(value, parse_type(kind))) == wire


@pytest.mark.parametrize(("kind", "value", "place"), BAD)
def test_a_value_that_does_not_fit_is_refused_with_its_place(kind: str, value: object, place: str) -> None:
    with pytest.raises(Misfit) as caught:
        from_json(value, parse_type(kind))
    assert caught.value.place == place


def test_values_go_back_to_json() -> None:
    assert to_json((1, [2.5, None], {"a": (True,)})) == [1, [2.5, None], {"a": [True]}]
    assert to_json({1: "x", (2, 3): "y"}) == [[1, "x"], [[2, 3], "y"]]
    assert to_json([math.inf, -math.inf, math.nan]) == ["Infinity", "-Infinity", "NaN"]
