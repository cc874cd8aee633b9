"""Code as tokens: layout and comments do not count, names are abstracted consistently."""

import pytest

from synth.languages.code_tokens import abstract_ngrams, abstract_tokens, code_tokens, normalize_code
from tests.cpu_time import cpu_time


def test_comments_and_white_space_change_no_token() -> None:
    assert code_tokens("int f(int a) { /* x */ return a; } // y", "java") == code_tokens(
        "int f(int a){\n  return a;\n}", "java"
    )


def test_floor_division_in_python_is_no_comment() -> None:
    assert code_tokens("a // b  # half", "python") == ["a", "/", "/", "b"]


def test_an_include_and_a_private_field_are_no_comments_outside_python() -> None:
    assert "field" in code_tokens("class A { #field = 1; }", "javascript")
    assert "include" in code_tokens("#include <x.h>\nint a;", "c")


def test_a_url_in_a_string_is_one_token() -> None:
    assert code_tokens('x = "http://a.b/c" ', "javascript") == ["x", "=", '"http://a.b/c"']


def test_renaming_changes_no_abstract_run_but_swapping_does() -> None:
    def runs(code: str) -> list[str]:
        return abstract_ngrams(abstract_tokens(code, "python"), 5)

    assert runs("total = total + item") == runs("acc = acc + x")
    assert runs("total = total + item") != runs("total = item + total")


def test_library_names_count_where_they_are_called_only() -> None:
    assert abstract_tokens("len(index)", "python") == ["len", "(", "V:index", ")"]


def test_quotes_and_format_holes_do_not_count_in_strings() -> None:
    assert abstract_tokens("f'{a} of b'", "python") == abstract_tokens('f"{c} of b"', "python")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("def f(a):\n    return a\n", 'def f(a):\n\n    """Doc."""\n    # why\n    return (a)\n'),
        ("x = 'a'", 'x  =  "a"'),
    ],
)
def test_python_is_normalized_by_its_syntax_tree(left: str, right: str) -> None:
    assert normalize_code(left, "python") == normalize_code(right, "python")


def test_indentation_that_changes_meaning_changes_the_normal_form() -> None:
    inside = "for a in b:\n    c()\n    d()\n"
    outside = "for a in b:\n    c()\nd()\n"
    assert normalize_code(inside, "python") != normalize_code(outside, "python")


def test_python_that_does_not_parse_is_still_normalized() -> None:
    assert normalize_code("def f(:\n  # x\n  1", "python") == "def f ( : 1"


@pytest.mark.parametrize("pattern", ["/* ", "/", "#", "\n", "'", '"""', "`", " \n", "//\n", "f'", "\\"])
def test_no_text_keeps_the_reader_of_tokens_busy(pattern: str) -> None:
    text = (pattern * 200_000)[:200_000]
    with cpu_time() as used:
        for language in ("python", "c", "lua"):
            code_tokens(text, language)
    assert used.seconds < 2
