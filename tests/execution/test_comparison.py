"""What was found against what was expected: by texts first, and never further than the two may be equal."""

from random import Random

import pytest

from synth.comparison import equal_values, shown_value
from synth.execution.verdict import judge
from synth.records import (
    Case,
    CaseObservation,
    EvidenceRank,
    Observation,
    Outcome,
    Phase,
    StdioContract,
    TestSuite,
)
from synth.text_comparison import equal_texts, normal_text
from synth.value_comparison import equal
from synth.values import Value, ValueSyntaxError, decode, encode
from tests.cpu_time import cpu_time

CPU_S = 0.1
"""What a comparison may cost here, whatever the program printed."""


def is_equal(found: str, expected: str) -> bool:
    return equal_values(found, expected)


def cpu_of(found: str, expected: str) -> float:
    with cpu_time() as used:
        is_equal(found, expected)
    return used.seconds


@pytest.mark.parametrize(
    ("found", "expected"),
    [("1\r\n2\r\n", "1\n2"), ("1  \n2\t\n\n\n", "1\n2"), ("", "\n \n"), ("1\v\n2", "1\n2"), ("x", "x\n")],
)
def test_white_space_at_the_ends_of_lines_and_of_the_text_does_not_count(found: str, expected: str) -> None:
    assert equal_texts(found, expected)
    assert equal_texts(expected, found)


@pytest.mark.parametrize("sign", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r"])
def test_only_a_line_feed_ends_a_line(sign: str) -> None:
    assert not equal_texts(f"7{sign}8", "7\n8")
    assert not equal_texts("7\n8", f"7{sign}8")


@pytest.mark.parametrize(
    ("found", "expected"), [("1\n\n2", "1\n2"), (" 1", "1"), ("1\n2", "1"), ("1", "1\n2"), ("1\xa0", "1")]
)
def test_everything_else_counts(found: str, expected: str) -> None:
    assert not equal_texts(found, expected)


def test_normal_texts_are_equal_just_when_the_texts_are() -> None:
    random = Random(3)
    texts = ["".join(random.choices("a \n\r\t\v", k=random.randrange(7))) for _ in range(300)]
    for left, right in zip(texts, reversed(texts), strict=True):
        assert equal_texts(left, right) == (normal_text(left) == normal_text(right))
        assert equal_texts(left, normal_text(left))


def stdio_outcome(output: str, expected: str, is_text: bool) -> Outcome:
    case = CaseObservation(index=0, status="returned", output=output, is_text=is_text)
    seen = Observation(request_id="r", language="c", phase=Phase.RUN, finished=True, cases=(case,))
    cases = (Case(arguments=("",), expected=expected),)
    suite = TestSuite(task_id="t", contract=StdioContract(), cases=cases, rank=EvidenceRank.REFERENCE)
    return judge(seen, suite, "s").outcome


def test_bytes_that_are_no_text_equal_no_text() -> None:
    assert stdio_outcome("a\ufffd", "a\ufffd", is_text=True) is Outcome.PASS
    assert stdio_outcome("a\ufffd", "a\ufffd", is_text=False) is Outcome.WRONG_ANSWER


SCALARS: tuple[Value, ...] = (
    *(0, 1, -1, 10**20, True, False, None, "", "a", "1", "\ud800"),
    *(0.0, -0.0, 1.0, 0.3, 0.1 + 0.2, 5.6e-17, float("nan"), float("inf")),
)


def draw(random: Random, depth: int = 3) -> Value:
    kind = random.randrange(9 if depth else 6)
    if kind < 6:
        return random.choice(SCALARS)
    items = [draw(random, depth - 1) for _ in range(random.randrange(4))]
    if kind == 6:
        return items
    return tuple(items) if kind == 7 else {random.choice(("a", 1, 1.0, True)): item for item in items}


def test_texts_are_equal_just_when_their_values_are() -> None:
    random, pairs = Random(11), 0
    for _ in range(20_000):
        left, right = draw(random), draw(random)
        wanted = equal(left, right)
        assert is_equal(encode(left), encode(right)) == wanted, (left, right)
        pairs += wanted
    assert pairs > 200


def test_text_that_is_no_value_equals_nothing() -> None:
    random, signs = Random(12), "ilmtsfbn0123 "
    for _ in range(5_000):
        expected = encode(draw(random))
        text = list(expected)
        text[random.randrange(len(text))] = random.choice(signs)
        found = "".join(text)
        try:
            wanted = equal(decode(found), decode(expected))
        except ValueSyntaxError:
            wanted = False
        assert is_equal(found, expected) == wanted, (found, expected)


@pytest.mark.parametrize(
    ("found", "expected"), [("i007", "i7"), ("i-0", "i0"), ("s4A", "s4a"), ("f1e-7", "f1e-07")]
)
def test_a_number_may_be_written_in_other_ways(found: str, expected: str) -> None:
    assert is_equal(found, expected)
    assert is_equal(f"m1 n {found}", f"m1 n {expected}")


def test_a_sum_that_is_nearly_zero_is_zero_and_small_values_stay_apart() -> None:
    assert is_equal(encode(0.1 + 0.2 - 0.3), "f0.0")
    assert is_equal(encode([1e-13]), encode([0.0]))
    assert not is_equal(encode(1e-11), "f0.0")
    assert not is_equal(encode(1e-9), encode(1.1e-9))
    assert not is_equal("i0", "i1")


INTS = "l5400000" + " i7" * 5_400_000
DEEP = "l1 " * 200_000 + "l0"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (INTS, INTS + " "),
        (INTS, f"{INTS[:-1]}8"),
        (f"{INTS[:-1]}8", INTS),
        (INTS, "l1 i7"),
        ("l1 i7", INTS),
        (INTS.replace("i", "m"), INTS),
        ("i" + "7" * 8_000_000, "i7"),
        ("m1 i1 i" + "7" * 8_000_000, "m1 i1 i7"),
        ("s" + "61" * 4_000_000, "s61"),
        (DEEP, DEEP + " l0"),
    ],
)
def test_no_output_costs_much_to_compare(found: str, expected: str) -> None:
    assert cpu_of(found, expected) < CPU_S


def test_no_text_costs_much_to_compare() -> None:
    floods = ("y\n" * 4_000_000, " " * 8_000_000, "\n" * 8_000_000, "y " * 4_000_000, "\r\n" * 4_000_000)
    for found in floods:
        with cpu_time() as used:
            assert not equal_texts(found, "1\n2\n3")
            assert not equal_texts("1\n2\n3", found)
        assert used.seconds < CPU_S


def test_long_values_are_shown_by_their_beginning() -> None:
    with cpu_time() as used:
        assert repr(shown_value(INTS)).startswith("[7, 7, 7")
        assert len(repr(shown_value(INTS))) >= 500
        assert repr(shown_value("t2 s" + "61" * 4_000_000 + " i1")).startswith("('aaa")
        assert str(shown_value("i-" + "7" * 8_000_000)).startswith("-777")
        assert repr(shown_value("m3 " + " ".join(f"i{n} s{'61' * 2000}" for n in range(3)))).startswith(
            "{0: 'aa"
        )
        with pytest.raises(ValueSyntaxError):
            shown_value("l9 x" + "7" * 8_000)
        with pytest.raises((ValueSyntaxError, RecursionError)):
            shown_value("m9 l0 " * 8_000)
    assert used.seconds < CPU_S


@pytest.mark.parametrize("value", [[1, (2.5, None)], {"a": [True]}, "x" * 900, 10**3000, [], ""])
def test_short_values_are_shown_whole(value: Value) -> None:
    assert shown_value(encode(value)) == value
