"""Inputs drawn from signatures, and the choice of few strong ones."""

from random import Random

import pytest

from synth.rules.choose_inputs import choose_inputs
from synth.rules.input_drawing import draw_inputs, literal_hints
from synth.values import decode, matches, parse_signature

SIGNATURES = [
    "(int) -> int",
    "(str, int) -> str",
    "(list[int], int) -> list[int]",
    "(map[str, int], str) -> int",
    "(list[list[str]]) -> int",
    "(tuple[int, str], float) -> bool",
    "(map[int, list[float]], bool, null) -> any",
]


@pytest.mark.parametrize("text", SIGNATURES)
def test_rows_are_typed_distinct_and_repeatable(text: str) -> None:
    signature = parse_signature(text)
    rows = draw_inputs(signature, 24, Random(1))
    assert len(rows) == len(set(rows)) == 24
    assert rows == draw_inputs(signature, 24, Random(1))
    for row in rows:
        assert all(
            matches(decode(value), kind) for value, kind in zip(row, signature.parameters, strict=True)
        )


def test_edge_cases_come_first_and_leave_room_for_others() -> None:
    rows = [decode(row[0]) for row in draw_inputs(parse_signature("(list[int]) -> int"), 16, Random(0))]
    assert rows[0] == []
    assert any(isinstance(row, list) and len(row) == 1 for row in rows[:4])
    assert any(isinstance(row, list) and len(set(map(str, row))) < len(row) for row in rows[:4])
    assert any(isinstance(row, list) and min(map(float, map(str, row)), default=0) < 0 for row in rows)


def test_a_type_with_few_values_gives_few_rows() -> None:
    assert sorted(draw_inputs(parse_signature("(bool) -> int"), 10, Random(0))) == [("b0",), ("b1",)]
    assert draw_inputs(parse_signature("() -> int"), 10, Random(0)) == [()]


def test_integers_are_small_mostly_and_safe_always() -> None:
    rows = [decode(row[0]) for row in draw_inputs(parse_signature("(int) -> int"), 200, Random(0))]
    values = [row for row in rows if isinstance(row, int)]
    assert sum(abs(value) <= 100 for value in values) >= 0.8 * len(values)
    assert max(map(abs, values)) <= 1000


def test_drawn_strings_include_palindromes_digits_capitals_and_punctuation() -> None:
    texts = [str(decode(row[0])) for row in draw_inputs(parse_signature("(str) -> str"), 120, Random(0))]
    assert any(text and text == text[::-1] and len(text) > 2 for text in texts)
    assert any(" " in text for text in texts)
    assert any(text.isdigit() for text in texts)
    assert any(text.isupper() for text in texts)
    assert any(character in text for text in texts for character in ",!-.")
    assert all(text.isascii() for text in texts)


def test_arguments_are_related_often_enough_to_matter() -> None:
    rows = draw_inputs(parse_signature("(list[int], int) -> bool"), 60, Random(0))
    inside = sum(decode(item) in decode(items) for items, item in rows)  # type: ignore[operator]
    assert inside >= 10


def test_literals_of_the_program_reach_its_branches() -> None:
    code = "def f(s, n):\n    return s.startswith('re:') or n == 977\n"
    hints = literal_hints(code, "python")
    assert hints == ["re:", 977]
    rows = draw_inputs(parse_signature("(str, int) -> bool"), 40, Random(0), hints)
    assert any("re:" in str(decode(text)) for text, _ in rows)
    assert any(decode(number) == 977 for _, number in rows)


def test_wrong_programs_are_caught_by_few_inputs() -> None:
    reference = ["1", "2", "3", "4", "5", "6"]
    wrong: list[list[str | None]] = [
        ["1", "2", "3", "4", "5", "x"],
        ["1", "x", "3", "4", "5", "x"],
        ["1", "2", "x", None, "5", "6"],
    ]
    chosen = choose_inputs(wrong, 6, reference=reference)
    assert all(any(row[at] != reference[at] for at in chosen) for row in wrong)
    assert len(chosen) <= 4
    assert 5 in chosen
    assert choose_inputs(wrong, 1, reference=reference) == [5]


def test_right_programs_need_no_inputs_beyond_the_minimum() -> None:
    assert choose_inputs([["1", "2"]], 2, reference=["1", "2"]) == []
    assert len(choose_inputs([["1", "2", "3"]], 3, minimum=2, reference=["1", "2", "3"])) == 2


def test_without_a_reference_the_behaviours_are_told_apart() -> None:
    outputs = [["a", "b", "a", "a"], ["a", "c", "a", "a"], ["a", "b", "d", "a"], ["a", "c", "d", "a"]]
    chosen = choose_inputs(outputs, 4)
    assert chosen == [1, 2]
    assert len({tuple(row[at] for at in chosen) for row in outputs}) == 4


def test_greedy_choice_beats_the_first_inputs_on_random_mutants() -> None:
    """At 6 inputs chosen on one half of the mutants, fewer of the other half get through than with the first
    6 inputs."""
    random = Random(7)
    reference = [str(at) for at in range(40)]
    hardness = [random.random() ** 6 for _ in reference]
    mutants = [
        ["x" if random.random() < hardness[at] else reference[at] for at in range(40)] for _ in range(400)
    ]
    chosen = choose_inputs(mutants[:200], 6, reference=reference)

    def survivors(inputs: list[int]) -> int:
        return sum(all(mutant[at] == reference[at] for at in inputs) for mutant in mutants[200:])

    assert survivors(chosen) < survivors(list(range(6)))
