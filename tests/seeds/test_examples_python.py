"""Calls that people state in Python files, read without running anything."""

from synth.records import Example, Origin, Seed
from synth.seeds.examples.index import ExampleIndex, choose_examples
from synth.seeds.examples.reader import read_calls
from synth.values import decode
from tests.builders import build_seed

SEARCH = '''
def find_first(items: list[int], wanted: int) -> int:
    """
    >>> find_first([1, 5, 5, 9], 5)
    1
    >>> find_first([], 5) == -1
    True
    >>> numbers = [3, 4]
    >>> find_first(numbers, 4)
    1
    >>> find_first(numbers, 3)
    0
    >>> find_first([2], "a")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    TypeError: wanted must be a number: ...
    """
    return items.index(wanted) if wanted in items else -1


if __name__ == "__main__":
    print(find_first([7, 8], 8))
    find_first(read_numbers(), 1)
'''

TESTS = """
import pytest
from search.linear import find_first as first
from search import linear
from other.place import find_first


@pytest.mark.parametrize(("items", "wanted", "at"), [([1, 2], 2, 1), ([4], 4, 0), (load(), 1, 1)])
def test_rows(items, wanted, at):
    assert first(items, wanted) == at


def test_methods(self):
    self.assertEqual(linear.find_first([-6, 0x10], 16), 1)
    for items, at in [([9, 9], 0), ([8, 9], 1)]:
        assert first(items, 9) == at
    result = first([1.5, 2], 2)
    assert result == 1
    assert find_first([1], 1) == 77
    if condition:
        items = [0]
    assert first(items, 0) == 5
    with pytest.raises(ValueError):
        first([1], 100)
    self.assertRaises(TypeError, first, None, 1)
"""


def stated(text: str, path: str) -> dict[str, object]:
    """Name, arguments and result of each call, by what a person would write."""
    found: dict[str, object] = {}
    for call in read_calls(text, "python", path):
        row = ", ".join(repr(decode(wire)) for wire in call.example.arguments)
        result = decode(call.example.expected) if call.example.expected is not None else call.example.raises
        found[f"{call.name}({row})"] = result
    return found


def test_doctests_state_calls_results_and_exceptions() -> None:
    assert stated(SEARCH, "search/linear.py") == {
        "find_first([1, 5, 5, 9], 5)": 1,
        "find_first([], 5)": -1,
        "find_first([3, 4], 4)": 1,  # the list may be another one after it
        "find_first([2], 'a')": "TypeError",
        "find_first([7, 8], 8)": "",
    }


def test_assertions_and_rows_of_tests_state_results() -> None:
    assert stated(TESTS, "tests/test_search.py") == {
        "find_first([1, 2], 2)": 1,
        "find_first([4], 4)": 0,
        "find_first([-6, 16], 16)": 1,
        "find_first([9, 9], 9)": 0,
        "find_first([8, 9], 9)": 1,
        "find_first([1.5, 2], 2)": 1,
        "find_first([1], 1)": 77,
        "find_first(None, 1)": "TypeError",
    }


def test_an_import_decides_whose_example_a_call_is() -> None:
    index = ExampleIndex()
    index.add("python", read_calls(TESTS, "python", "tests/test_search.py"))
    index.add("python", read_calls(SEARCH, "python", "search/linear.py"))

    def examples(path: str) -> set[object]:
        seed = build_seed(entry_point="find_first", origin=Origin(source="tree", path=path))
        (given,) = index.give([seed])
        assert isinstance(given, Seed)
        return {decode(one.expected) for one in given.examples if one.expected is not None}

    assert examples("search/linear.py") == {1, 0, -1}
    assert examples("other/place.py") == {77}
    assert examples("another/linear.py") == set()


def test_two_results_of_one_call_contradict_each_other_and_a_stated_one_comes_first() -> None:
    bare = Example(arguments=("i1",), source="caller")
    one, two = (Example(arguments=("i1",), expected=wire) for wire in ("i1", "i2"))
    other = Example(arguments=("i2",), expected="i5")
    assert choose_examples([bare, other, one]) == (other, one) or choose_examples([bare, other, one]) == (
        one,
        other,
    )
    assert [example.expected for example in choose_examples([one, other, two])] == ["i5", None]


def test_nothing_in_a_text_is_run_or_raises() -> None:
    for text in (
        "def f(:\n  >>> (",
        "\0",
        ">>> f(" + "[" * 5000,
        ">>> f('\\ud800')\n'a'",
        "assert f(9**9**9) == 1",
    ):
        assert all(call.name != "run" for call in read_calls(text, "python", "a.py"))
