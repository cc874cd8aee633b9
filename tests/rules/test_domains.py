"""Drawn inputs stay in the domains of their parameters, and gentle ones fit together."""

from random import Random

import pytest

from synth.languages.spec import Domain
from synth.rules.domains import draw_gently, draw_in_domains
from synth.values import Signature, Value, decode, parse_signature


def drawn(signature: str, domains: tuple[Domain, ...], gently: bool = False) -> list[list[Value]]:
    draw = draw_gently if gently else draw_in_domains
    found = draw(parse_signature(signature), domains, 20, Random(3))
    assert len(set(found)) == len(found) > 10
    return [[decode(value) for value in row] for row in found]


def leaves(value: Value) -> list[Value]:
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for item in value.items() for leaf in leaves(item)]
    return [value]


@pytest.mark.parametrize("gently", [False, True])
@pytest.mark.parametrize("signature", ["(str) -> any", "(list[list[str]]) -> any", "(map[str, str]) -> any"])
def test_a_letter_is_a_letter_wherever_it_stands(signature: str, gently: bool) -> None:
    found = [leaf for row in drawn(signature, ("letter",), gently) for leaf in leaves(row)]
    assert found and all(isinstance(leaf, str) and len(leaf) == 1 for leaf in found)


def test_the_parts_of_a_map_and_of_a_tuple_have_their_own() -> None:
    for mapped, pair, free in drawn(
        "(map[str, int], tuple[int, str], int) -> any", (("letter", "natural"), ("natural", "any"))
    ):
        assert isinstance(mapped, dict) and isinstance(pair, tuple) and isinstance(free, int)
        assert all(isinstance(key, str) and len(key) == 1 for key in mapped)
        assert all(isinstance(number, int) and number >= 0 for number in [*mapped.values(), pair[0]])
    assert any(len(str(row[1])) > 8 for row in drawn("(int, str) -> any", ("natural", "any")))


def test_gentle_rows_fit_together() -> None:
    for numbers, grid, low, high in drawn("(list[int], list[list[int]], int, int) -> any", (), gently=True):
        assert isinstance(numbers, list) and isinstance(grid, list)
        assert {len(line) for line in grid if isinstance(line, list)} == {len(grid)} == {len(numbers)}
        assert isinstance(low, int) and isinstance(high, int) and low >= 0 and high >= 0
    assert isinstance(parse_signature("(int) -> int"), Signature)
