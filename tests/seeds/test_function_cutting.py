"""Cutting functions with tree-sitter, and the quality filter."""

import pytest

from synth.languages.registry import all_languages, get_language
from synth.seeds.functions import Function, find_functions
from synth.seeds.quality import check_quality


@pytest.mark.parametrize("language", [language.name for language in all_languages() if language.node_types])
def test_each_named_function_is_found_once_in_the_order_of_the_text(language: str) -> None:
    samples = get_language(language).samples
    found = tuple(function.name for function in find_functions(samples.functions, language))
    assert found == samples.function_names
    assert len(found) > 1


def test_a_function_comes_with_its_decorators_and_lines() -> None:
    function = next(find_functions("x = 1\n\n@a\n@b(1)\ndef f(y):\n    return y\n", "python"))
    assert function.code == "@a\n@b(1)\ndef f(y):\n    return y"
    assert (function.start_line, function.end_line, function.top_level) == (3, 6, True)


def test_a_method_loses_the_indentation_of_its_class() -> None:
    function = next(
        find_functions("class K:\n    def f(self):\n        if 1:\n            return 2\n", "python")
    )
    assert function.code == "def f(self):\n    if 1:\n        return 2"
    assert not function.top_level


def test_a_template_and_an_export_belong_to_the_function() -> None:
    assert next(find_functions(get_language("cpp").samples.functions, "cpp")).code.startswith(
        "template <class T>"
    )
    typescript = get_language("typescript").samples.functions
    assert next(find_functions(typescript, "typescript")).code.startswith("export const alpha")


def test_text_beyond_ascii_is_cut_at_characters() -> None:
    function = next(find_functions("# 世界 🙂\ndef f():\n    return '世界🙂'\n", "python"))
    assert function.code == "def f():\n    return '世界🙂'"


def test_a_function_with_a_syntax_error_is_not_cut() -> None:
    assert [f.name for f in find_functions("def f(:\n    return\n\ndef g(a):\n    return a\n", "python")] in (
        ["g"],
        [],
    )


def refusal(code: str, language: str = "python", path: str = "pkg/mod.py", **limits: int) -> str | None:
    function: Function = next(find_functions(code, language))
    reject = check_quality(
        function, path, min_lines=limits.get("min_lines", 1), max_tokens=limits.get("max_tokens", 1024)
    )
    return reject.reason if reject else None


@pytest.mark.parametrize(
    ("code", "language", "reason"),
    [
        ("def f(a):\n    ...\n", "python", "stub_body"),
        ("def f(a):\n    '''Only words.'''\n", "python", "stub_body"),
        ("def f(a):\n    '''Doc.'''\n    raise NotImplementedError\n", "python", "stub_body"),
        ("def f(a, b):\n    return g(a, b=b)\n", "python", "stub_body"),
        ("def f(a):\n    print(a)\n", "python", "no_return"),
        ("def f(a):\n    a.sort()\n", "python", None),
        ("def f(a, i):\n    a[i], a[0] = a[0], a[i]\n", "python", None),
        ("def f(self, i):\n    self.x = i\n", "python", "no_return"),
        ("def f(a):\n    for x in a:\n        yield x\n    return None\n", "python", None),
        ("def f(a):\n    def g():\n        return 1\n    g.append(a)\n", "python", "no_return"),
        ("def f(a):\n    x = a\n    return\n", "python", "no_return"),
        ("def test_f(a):\n    return a + 1\n", "python", "test_code"),
        ("class T:\n    def setUp(self):\n        return 1 + 1\n", "python", "test_code"),
        ("def f(a):\n    return a + 1\n", "python", None),
        ("def f(a):\n    '''Doc.'''\n    return g(a + 1)\n", "python", None),
        ("function f(a) { console.log(a); }", "javascript", "no_return"),
        ("function f(a) { a.push(1); }", "javascript", None),
        ("const f = (a) => a + 1;", "javascript", None),
        ("function f(a) { throw new Error('x'); }", "javascript", "stub_body"),
        ("class A { void f() { x = 1; } }", "java", "no_return"),
        ("class A { int f() { return x + 1; } }", "java", None),
        ("void f(int a) { a++; }", "c", "no_return"),
        ("int f(int a) { return a + 1; }", "cpp", None),
        ("package a\nfunc f() { x() }", "go", "no_return"),
        ('package a\nfunc f() int { panic("no") }', "go", "stub_body"),
        ("fn f() -> i32 { todo!() }", "rust", "stub_body"),
        ("#[test]\nfn f() -> i32 { 1 + 1 }", "rust", "test_code"),
        ("fn f(a: i32) -> i32 { a + 1 }", "rust", None),
    ],
)
def test_each_refusal_has_its_reason(code: str, language: str, reason: str | None) -> None:
    assert refusal(code, language) == reason


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("pkg/tests/a.py", True),
        ("pkg/test_a.py", True),
        ("a_test.go", True),
        ("x.spec.ts", True),
        ("pkg/latest/a.py", False),
        ("contest.py", False),
    ],
)
def test_test_folders_and_files_are_known_by_their_names(path: str, is_test: bool) -> None:
    assert (refusal("def f(a):\n    return a + 1\n", path=path) == "test_code") is is_test


@pytest.mark.parametrize(
    ("name", "is_test"),
    [
        ("testify", False),
        ("testament", False),
        ("test", True),
        ("testSum", True),
        ("TestSum", True),
        ("attest", False),
    ],
)
def test_only_test_names_are_test_names(name: str, is_test: bool) -> None:
    assert (refusal(f"def {name}(a):\n    return a + 1\n") == "test_code") is is_test


def test_short_and_long_functions_are_refused_with_their_numbers() -> None:
    code = "def f(a):\n\n    return a + 1\n"
    assert refusal(code, min_lines=3) == "too_short"
    assert refusal(code, max_tokens=5) == "too_long"
    assert refusal(code, min_lines=2) is None
