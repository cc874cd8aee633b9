"""What names, comments, assertions and indexing demand, in the words of eight languages."""

import pytest

from synth.rules.code_demands import find_memory
from synth.rules.preconditions import find_preconditions
from synth.values import Value, encode


def allows(code: str, names: tuple[str, ...], *row: Value, entry_point: str = "f") -> bool:
    found = find_preconditions((), code, entry_point, names)
    assert all(map(found.allows, found.keep([tuple(map(encode, row))])))
    return found.allows(tuple(map(encode, row)))


@pytest.mark.parametrize(
    "code",
    [
        "def f(n):\n    assert n > 0, 'n'\n",
        "def f(n):\n    assert 0 < n\n",
        "def f(n):\n    # n must be positive\n    return n\n",
        'def f(n):\n    """Of a positive integer."""\n',
        "function f(n) {\n  console.assert(n >= 1)\n}",
        "/** @param {number} n a positive number */\nfunction f(n) {}",
        "function f(n: number) {\n  console.assert(n > 0, 'no')\n}",
        "int f(int n) { assert n >= 1 : n; }",
        "int f(int n) { assert(n > 0 && n < 40); }",
        "#include <cassert>\n// f takes a natural number\nint f(int n) { return n; }",
        "// 1 <= n <= 10^5\nfunc f(n int) int { return n }",
        "/// `n`: at least 1\nfn f(n: i64) -> i64 { n }",
        "fn f(n: i64) -> i64 { debug_assert!(n > 0); n }",
    ],
)
def test_assertions_and_comments_of_eight_languages_bound_a_number(code: str) -> None:
    assert not allows(code, ("n",), 0) and not allows(code, ("n",), -7)
    assert allows(code, ("n",), 1) and allows(code, ("n",), 30)


@pytest.mark.parametrize(
    "code",
    [
        "# 0 <= n <= 20\ndef f(n): ...",
        "// n between 0 and 20\nint f(int n) {}",
        "/* n is at most 20 */",
        "fn f(n: i64) { assert!(n <= 20); }",
        "def f(n):\n    assert n < 21",
    ],
)
def test_upper_bounds_are_demanded_too(code: str) -> None:
    assert allows(code, ("n",), 20) and not allows(code, ("n",), 21)


@pytest.mark.parametrize(
    "code",
    [
        "def f(n):\n    if n < 0:\n        return None\n",
        "def f(n):\n    if n < 0:\n        raise ValueError('n < 0')\n",
        "// if n > 3 the answer is 1\nint f(int n) { if (n < 0) return -1; }",
        'func f(n int) (int, error) { if n < 0 { return 0, errors.New("negative") } }',
        "fn f(n: i64) -> Option<i64> { if n < 0 { return None; } }",
        '"""Whether n is positive or negative."""',
        "# returns 1 when n > 5",
        '"""\nn greater than 255\n>>> f(256)\n3\n"""',
        "# n < 0 raises an error",
        "def f(n):\n    for i in range(9):\n        assert i < n\n",
    ],
)
def test_guards_and_conditions_are_answers_and_demand_nothing(code: str) -> None:
    assert allows(code, ("n",), -7) and allows(code, ("n",), 0) and allows(code, ("n",), 90)


@pytest.mark.parametrize(
    ("names", "code", "allowed", "forbidden"),
    [
        (("items", "i", "j"), "", ([1, 2], 0, 1), ([1, 2], -4, -13)),
        (("grid", "row", "col"), "", ([[1, 2]], 0, 1), ([[1, 2]], 0, 2)),
        (("velocity", "time"), "", (-3.5, 2.0), (3.5, -2.0)),
        (("n", "k"), "", (4, 1), (4, -8)),
        (
            ("u", "t"),
            "/** @param u initial velocity\n * @param t the elapsed time */",
            (-2.5, 1.0),
            (2.5, -1.0),
        ),
        (("matrix",), "", ([[1], [2]],), ([[1, 2], [3]],)),
        (("graph",), "total += graph[i][j]", ([[1, 2], [3, 4]],), ([[1], [2, 3]],)),
        (("keys", "used"), "while used[at]: at += keys[at]", ([1, 2], [True, False]), ([1], [True, True])),
        (("binary_str",), "", ("0110",), ("12",)),
        (("items",), "# a non-empty items list", ([1],), ([],)),
    ],
)
def test_names_and_indexing_say_what_fits(
    names: tuple[str, ...], code: str, allowed: tuple[Value, ...], forbidden: tuple[Value, ...]
) -> None:
    assert allows(code, names, *allowed) and not allows(code, names, *forbidden)


def test_a_merge_of_two_parts_takes_parts_in_order() -> None:
    names = ("items", "low", "mid", "high")
    assert allows("", names, [1, 3, 8], 0, 1, 2, entry_point="mergeResult")
    assert not allows("", names, [8, 3, 4], 0, 1, 2, entry_point="mergeResult")


@pytest.mark.parametrize("words", ["1 <= n <= 10^999999", "n > " + "9" * 500, "n < -2**63"])
def test_bounds_of_any_size_are_read(words: str) -> None:
    find_preconditions((), f"# {words}", "f", ("n",)).keep([(encode(5),), (encode(-5),)])


def test_a_table_of_earlier_results_is_no_input() -> None:
    assert find_memory(("n", "memo")) == "memo" and find_memory(("values", "dp")) == "dp"
    assert find_memory(("memory_mb", "n")) == ""
