"""Words for inputs: what a program's text suggests, and that hostile text costs little."""

import re
from random import Random

import pytest

from synth.rules.code_words import read_code_words, texts_that_match
from synth.rules.input_edits import InputEditor
from synth.values import decode, encode, matches, parse_signature

CODE = r"""
def when(text, limit=0x1F, share=2.5):
    if re.fullmatch(r"(\d{3})-(\w+)", text):
        return datetime.strptime(text, "%Y-%m-%d")
    return text == "--verbose" or text.split("\n") or "alpha beta,gamma"
"""


def test_literals_and_what_fits_patterns_and_formats() -> None:
    words = read_code_words(CODE, "python", ("text", "limit", "share"))
    assert {31, 2.5} <= set(words.numbers)
    assert {"--verbose", "\n", "alpha", "gamma", "2024-02-29"} <= set(words.texts)
    assert any(re.fullmatch(r"(\d{3})-(\w+)", text) for text in words.texts)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("def f(url): ...", "http://example.com"),
        ("func f(filePath string) {}", "a/b/c.txt"),
        ("int f(const std::string& date);", "2024-02-29"),
        ("fn f(lines: &str) {}", "one\ntwo\nthree"),
        ("function f(json) {}", "[]"),
        ("String f(String version) {}", "1.2.3"),
    ],
)
def test_names_bring_texts_with_their_structure(code: str, text: str) -> None:
    assert text in read_code_words(code).themes


def test_a_plain_program_brings_no_structure() -> None:
    assert read_code_words("def f(x): return x").themes == ()


@pytest.mark.parametrize("pattern", ["a(b|c)+d?", r"^\s*[A-Z][a-z]*\d{2,3}$", "[^abc]x", "x{0,900000}y"])
def test_made_texts_match_their_pattern(pattern: str) -> None:
    made = texts_that_match(pattern, Random(1), 8)
    assert made
    assert sum(re.search(pattern, text) is not None for text in made) >= len(made) // 2


@pytest.mark.parametrize("pattern", ["(", "(" * 150 + ")" * 150, "a" * 5000, "(?P<x>a)(?(x)b|c", "\\"])
def test_what_is_no_pattern_makes_no_text(pattern: str) -> None:
    assert all(len(text) <= 60 for text in texts_that_match(pattern, Random(1)))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("(int, str) -> int", [3, "ab"]),
        ("(list[int], float) -> int", [[1, 2], 0.5]),
        ("(map[str, list[int]]) -> int", [{"a": [1]}]),
        ("(tuple[int, str], bool) -> int", [(1, "x"), True]),
        ("(list[list[str]]) -> int", [[["a"], []]]),
    ],
)
def test_edits_keep_the_types_and_move_away(text: str, row: list[object]) -> None:
    signature = parse_signature(text)
    editor = InputEditor(signature, read_code_words(CODE), Random(2))
    start = tuple(encode(value) for value in row)  # type: ignore[arg-type]
    made = [editor.edit(start, start) for _ in range(300)]
    assert len(set(made)) > 40
    for edited in made:
        assert all(
            matches(decode(value), kind) for value, kind in zip(edited, signature.parameters, strict=True)
        )


def test_edits_bring_the_words_of_the_program() -> None:
    editor = InputEditor(parse_signature("(str) -> str"), read_code_words(CODE), Random(2))
    made = {editor.edit((encode("abc"),), (encode("x"),))[0] for _ in range(400)}
    assert any("--verbose" in str(decode(text)) for text in made)
    assert any("\n" in str(decode(text)) for text in made)
