"""Declaration lines are written as a person would, and the contract of a seed is read from its own
declaration."""

import pytest

from synth.languages.registry import get_language
from synth.languages.spec import find_signature, render_signature
from synth.values import parse_signature
from tests.cpu_time import cpu_time

WRITTEN = [
    ("python", "def solve(xs: list[int], k: int) -> int"),
    ("java", "static long solve(List<Long> xs, long k)"),
    ("cpp", "long long solve(vector<long long> xs, long long k)"),
    ("javascript", "function solve(xs, k)"),
]


@pytest.mark.parametrize(("language", "line"), WRITTEN)
def test_a_declaration_reads_as_a_person_writes_it(language: str, line: str) -> None:
    assert (
        render_signature(
            get_language(language), "solve", ("xs", "k"), parse_signature("(list[int], int) -> int")
        )
        == line
    )


OPTIONAL = [
    ("python", "def solve(xs: list[int | None]) -> str | None"),
    ("java", "static String solve(List<Long> xs)"),
    ("cpp", "optional<string> solve(vector<optional<long long>> xs)"),
    ("typescript", "function solve(xs: Array<number | null>): string | null"),
    ("rust", "fn solve(xs: Vec<Option<i64>>) -> Option<String>"),
    ("go", "func solve(xs []*int) *string"),
    ("kotlin", "fun solve(xs: List<Long?>): String?"),
    ("csharp", "static string solve(List<long?> xs)"),
]


@pytest.mark.parametrize(("language", "line"), OPTIONAL)
def test_a_value_or_null_is_declared_as_the_language_has_it(language: str, line: str) -> None:
    signature = parse_signature("(list[optional[int]]) -> optional[str]")
    assert render_signature(get_language(language), "solve", ("xs",), signature) == line


@pytest.mark.parametrize("language", ["python", "java", "cpp"])
@pytest.mark.parametrize(
    "signature",
    [
        "(int, float, str, bool) -> bool",
        "(map[str, list[int]]) -> list[list[float]]",
        "() -> str",
        "(list[map[str, int]], int) -> map[str, float]",
    ],
)
def test_what_is_written_is_read_again(language: str, signature: str) -> None:
    spoken, names = get_language(language), ("p", "q", "r", "s")
    parsed = parse_signature(signature)
    line = render_signature(spoken, "solve", names, parsed)
    found = find_signature(spoken, line + (":\n    pass\n" if language == "python" else " { }"), "solve")
    assert found is not None
    assert found.signature == signature
    assert found.parameter_names == names[: len(parsed.parameters)]


READ = [
    ("python", "from typing import *\ndef f(a: List[int], b: 'Dict[str, float]', c=1) -> int: ...", None),
    (
        "python",
        "from typing import *\ndef f(a: List[int], b: 'Dict[str, float]') -> Tuple[int, str]: ...",
        "(list[int], map[str, float]) -> tuple[int, str]",
    ),
    ("python", "import typing\ndef f(a: typing.List[int]) -> None: ...", "(list[int]) -> null"),
    ("python", "def f(a: int, *rest: int) -> int: ...", None),
    ("python", "def f(a: set[int]) -> int: ...", None),
    ("python", "def f(a: int): ...", None),
    (
        "python",
        "def f(a: Any, b: list, c: dict[Any, int]) -> object: ...",
        "(any, list[any], map[any, int]) -> any",
    ),
    ("python", "def f(a: int | None) -> int: ...", None),
    ("python", "def f(a: Optional[int]) -> int: ...", None),
    ("python", "def f(a: tuple[int, ...]) -> int: ...", None),
    ("python", "def f(a: Iterable[int]) -> int: ...", None),
    ("python", "def f(a: tuple[int | str, int]) -> int: ...", None),
    ("python", "def f(a: Callable[[int], int]) -> int: ...", None),
    ("python", "def f(a: T) -> T: ...", None),
    ("python", "def g(a: int) -> int: ...", None),
    ("python", "def f(a: int -> int", None),
    (
        "java",
        (
            "class A {\n  // long f(int x) {\n  public static int f(final int[] xs, Map<String, "
            "List<Integer>> m) { return 1; }\n}"
        ),
        "(list[int], map[str, list[int]]) -> int",
    ),
    ("java", "static Object f(long x) { return x; }", None),
    (
        "cpp",
        (
            "#include <vector>\nstd::vector<int> f(const std::vector<std::string>& xs, unordered_map<int, "
            "bool> m) {\n}"
        ),
        "(list[str], map[int, bool]) -> list[int]",
    ),
    ("cpp", 'pair<int, string> f(char c, unsigned long long n) { return {1, ""}; }', None),
    ("cpp", "void f(vector<int>& xs) { }", "(list[int]) -> null"),
    (
        "javascript",
        (
            "/**\n * @param {number[]} xs\n * @param {Object<string, number>} m\n * @returns {[number, "
            "string]}\n */\nfunction f(xs, m) {}"
        ),
        "(list[int], map[str, int]) -> tuple[int, str]",
    ),
    (
        "javascript",
        "/** @param {string} s\n * @return {Map<number, boolean>} */\nconst f = (s) => new Map();",
        "(str) -> map[int, bool]",
    ),
    ("javascript", "/** @param {string} s */\nfunction f(s, t) {}", None),
    ("javascript", "function f(s) {}", None),
]


@pytest.mark.parametrize(("language", "code", "signature"), READ)
def test_a_stated_contract_is_found_and_nothing_is_guessed(
    language: str, code: str, signature: str | None
) -> None:
    found = find_signature(get_language(language), code, "f")
    assert (found.signature if found else None) == signature


@pytest.mark.parametrize("pattern", ["a<", "a ", "/*", "f(", "f (", "f() ", "int f(a b) ", "*", "[", "f f("])
def test_no_text_keeps_the_reader_of_declarations_busy(pattern: str) -> None:
    text = (pattern * 60_000)[:60_000]
    with cpu_time() as used:
        for name in ("cpp", "java", "csharp"):
            assert find_signature(get_language(name), text, "f") is None
    assert used.seconds < 0.5


def test_the_last_definition_counts_and_calls_do_not() -> None:
    code = (
        "int f(int a) { return g(f(a)); }\nlong f(long b);\nstatic long long f(long long c) { return f(c); }"
    )
    found = find_signature(get_language("cpp"), code, "f")
    assert found is not None
    assert found.parameter_names == ("c",)
