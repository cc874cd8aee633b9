"""A judge's comparison: read strictly, asked in both orders, checked on known items."""

import pytest

from synth.rules.judging import (
    Abstention,
    Control,
    Favoured,
    compare_orders,
    read_preference,
    record_judge,
)


@pytest.mark.parametrize("answer", ["first", " First.\n", "FIRST"])
def test_the_word_alone_is_a_choice(answer: str) -> None:
    assert read_preference(answer) is Favoured.FIRST


@pytest.mark.parametrize(
    "answer", ["", "yes", "The first is better.", "first second", "first\nsecond", "1", "first" + " " * 300]
)
def test_anything_else_is_no_choice(answer: str) -> None:
    assert read_preference(answer) is None


def test_orders_that_agree_name_the_answer_not_the_place() -> None:
    assert compare_orders("first", "second") is Favoured.FIRST
    assert compare_orders("second", "first") is Favoured.SECOND


def test_a_judge_that_prefers_a_place_decides_nothing() -> None:
    assert compare_orders("first", "first") is Abstention.POSITION
    assert compare_orders("second", "second") is Abstention.POSITION


def test_a_tie_in_either_order_decides_nothing() -> None:
    assert compare_orders("same", "second") is Abstention.TIE
    assert compare_orders("first", "same") is Abstention.TIE


def test_prose_decides_nothing_even_beside_a_choice() -> None:
    assert compare_orders("first", "I prefer the second one") is Abstention.MALFORMED


def _controls(*answers: str) -> list[Control]:
    places = (Favoured.FIRST, Favoured.SECOND)
    return [Control(places[at % 2], answer) for at, answer in enumerate(answers)]


@pytest.mark.parametrize("answer", ["first", "second", "same", "yes", "", "Both are fine answers."])
def test_a_judge_that_always_says_the_same_cannot_judge(answer: str) -> None:
    record = record_judge(_controls(*[answer] * 100))
    assert record.right <= 0.5
    assert not record.can_judge(0.6)


def test_a_judge_that_knows_can_judge() -> None:
    record = record_judge(_controls(*["first", "second"] * 20))
    assert record.right == 1
    assert record.can_judge(0.9)


def test_few_controls_prove_little() -> None:
    assert not record_judge(_controls("first", "second")).can_judge(0.6)


def test_controls_that_favour_a_place_are_refused() -> None:
    with pytest.raises(ValueError, match="half"):
        record_judge([Control(Favoured.FIRST, "first")] * 4)
    with pytest.raises(ValueError, match="half"):
        record_judge([])
