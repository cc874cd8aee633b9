"""Syntax, exact duplicates, length, and the promise that a rejection has a known reason."""

import pytest

from synth.filters.exact_dedup import ExactDedup
from synth.filters.length import LengthFilter
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.filters.syntax import check_syntax
from synth.token_estimate import estimate_tokens


def test_a_reason_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(KeyError, match="reasons"):
        Reject("because")


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("python", "def f(a):\n    return a\n", "def f(a)\n    return a\n"),
        ("javascript", "const f = (a) => a;", "const f = (a => a;"),
        ("typescript", "function f(a: number): number { return a; }", "function f(a: number { return a; }"),
        ("java", "class A { int f() { return 1; } }", "class A { int f() { return 1 }"),
        ("c", "int f(void) { return 1; }", "int f(void) { return 1 }"),
        (
            "cpp",
            "auto f(std::vector<int> v) { return v.size(); }",
            "auto f(std::vector<int v) { return v.size(); ",
        ),
        ("go", "package a\nfunc f() int { return 1 }\n", "package a\nfunc f( int { return 1 }\n"),
        ("rust", "fn f() -> i32 { 1 }", "fn f() -> i32 { 1 "),
    ],
)
def test_code_that_does_not_parse_is_rejected_with_its_line(language: str, good: str, bad: str) -> None:
    assert check_syntax(good, language) == Keep()
    rejected = check_syntax(bad, language)
    assert isinstance(rejected, Reject)
    assert rejected.reason == "parse_error"
    assert int(rejected.evidence["line"]) >= 1


def test_empty_code_does_not_parse() -> None:
    assert isinstance(check_syntax(" \n", "rust"), Reject)


def test_a_language_without_grammar_is_kept_and_says_so() -> None:
    assert check_syntax("??", "klingon") == Keep({"checked": "no grammar"})


@pytest.mark.parametrize("code", ["\0", "x = " + "(" * 5000 + ")" * 5000, "'\ud800'"])
def test_hostile_python_gives_an_answer(code: str) -> None:
    assert isinstance(check_syntax(code, "python"), Keep | Reject)


def test_the_first_of_equal_programs_stays_and_the_next_name_it() -> None:
    dedup = ExactDedup()
    assert isinstance(dedup.check(FilterInput("a", "python", "Do it.", "def f(x):\n    return x\n")), Keep)
    twin = dedup.check(FilterInput("b", "Python", "do IT", "def f(x):  # same\n\n    return (x)\n"))
    assert twin == Reject("exact_duplicate", {"twin": "a"})
    assert isinstance(dedup.check(FilterInput("c", "python", "Do it.", "def f(y):\n    return y\n")), Keep)
    assert isinstance(
        dedup.check(FilterInput("d", "javascript", "Do it.", "def f(x):\n    return x\n")), Keep
    )


def test_a_unit_that_comes_again_is_no_duplicate_of_itself() -> None:
    dedup = ExactDedup()
    unit = FilterInput("a", "python", "p", "x = 1")
    assert [type(dedup.check(unit)) for _ in range(2)] == [Keep, Keep]


def test_prompts_that_differ_in_one_word_are_not_equal() -> None:
    dedup = ExactDedup()
    assert isinstance(dedup.check(FilterInput("a", "python", "sum of even numbers", "x")), Keep)
    assert isinstance(dedup.check(FilterInput("b", "python", "sum of odd numbers", "x")), Keep)


def test_length_is_bounded_on_both_sides_with_the_number_in_the_evidence() -> None:
    bounded = LengthFilter(max_tokens=8, min_tokens=3)
    assert bounded.check(FilterInput("a", code="a b c d e")) == Keep({"tokens": 5})
    assert bounded.check(FilterInput("a", code="a " * 9)) == Reject("too_long", {"tokens": 9, "limit": 8})
    assert bounded.check(FilterInput("a", prompt="a")) == Reject("too_short", {"tokens": 1, "limit": 3})


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("return", 1),
        ("internationalization", 4),
        ("x = 12", 4),
        ("a\n    b", 3),
        ("计算总和", 4),
        ("a_b", 3),
        ("====", 2),
    ],
)
def test_the_token_estimate_counts_as_code_tokenizers_split(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
