"""What a language cannot hold is known before anybody is asked to write a program in it."""

import pytest

from synth.languages.holding import why_not_held
from synth.languages.registry import get_language
from synth.records import Case, FunctionContract, StdioContract
from synth.values import Value, encode


def why(language: str, signature: str, *values: Value) -> str:
    contract = FunctionContract(entry_point="solve", signature=signature, parameter_names=())
    cases = [Case(arguments=(encode(value),), expected=encode(value)) for value in values]
    return why_not_held(get_language(language), contract, cases)


@pytest.mark.parametrize("language", ["cpp", "rust"])
def test_a_type_without_a_form_leaves_the_language_out(language: str) -> None:
    assert "no type for any" in why(language, "(int) -> any", 1)
    assert why(language, "(int) -> int", 1) == ""


@pytest.mark.parametrize(
    ("language", "value", "words"),
    [
        ("java", 2**63, "no integers beyond 64 bits"),
        ("ocaml", 2**62, "no integers beyond 63 bits"),
        ("rust", "a\ud800", "no lone surrogates"),
        ("c", "a\0", "no NUL in text"),
        ("erlang", float("inf"), "no infinity and NaN"),
    ],
)
def test_one_value_that_the_language_lacks_leaves_it_out(language: str, value: Value, words: str) -> None:
    kind = {int: "int", str: "str", float: "float"}[type(value)]
    assert why(language, f"({kind}) -> {kind}", value) == words


def test_a_value_or_null_is_a_type_of_eight_languages_and_c_has_none() -> None:
    signature = "(optional[str]) -> list[optional[int]]"
    for language in ("python", "javascript", "typescript", "java", "cpp", "rust", "go", "kotlin", "csharp"):
        assert why(language, signature) == ""
    assert why("c", signature) == "C has no optional types here"
    assert why("php", signature) == "PHP has no optional types here"


def test_null_counts_in_lists_alone() -> None:
    assert why("lua", "(any) -> any", [1, None]) == "no null in lists"
    assert why("lua", "(any) -> any", None, {"a": 1}) == ""


def test_the_edge_of_64_bits_is_held_and_python_holds_more() -> None:
    assert why("go", "(int) -> int", 2**63 - 1, -(2**63)) == ""
    assert why("python", "(int) -> int", 10**40) == ""


def test_a_language_without_typed_calls_is_asked_for_programs_only() -> None:
    assert why("bash", "(int) -> int", 1) == "no driver for typed calls"
    assert why_not_held(get_language("bash"), StdioContract(), [Case(arguments=("1",), expected="1")]) == ""
