"""Reading model answers: code, instructions and test inputs, in the forms that models really give."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.prompts.answers import extract_code, extract_inputs, extract_instruction
from synth.values import decode, parse_signature

PROGRAM = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{PROGRAM}\n```",
        f"Here it is:\n\n```py\n{PROGRAM}\n```\nIt adds.",
        f"```\n{PROGRAM}\n```",
        f"~~~python\n{PROGRAM}\n~~~",
        f"```Python title=add.py\n{PROGRAM}\n```",
        f"```python\n{PROGRAM}",
        f"```python\n{PROGRAM}\n```\nUse it:\n```python\nadd(1, 2)\n```",
        (
            f"```bash\npip install "
            f"something-with-a-very-long-name-that-is-longer\n```\n```python\n{PROGRAM}\n```"
        ),
        (
            f"<think>```python\nwrong and much longer than the answer itself, "
            f"truly\n```</think>\n```python\n{PROGRAM}\n```"
        ),
        f"{PROGRAM}\n",
    ],
)
def test_the_program_is_found_in_an_answer(answer: str) -> None:
    assert extract_code(answer, "python") == PROGRAM


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot do that.",
        "```java\nint f() { return 1; }\n```",
        "```python\n\n```",
        "<think>def f(x):\n    return x",
    ],
)
def test_an_answer_without_a_program_in_the_language_gives_none(answer: str) -> None:
    assert extract_code(answer, "python") is None


def test_other_names_of_a_language_count() -> None:
    assert extract_code("```c++\nint f() { return 1; }\n```", "cpp") == "int f() { return 1; }"
    assert extract_code("```js\nconst f = 1;\n```", "javascript") == "const f = 1;"


def test_a_shorter_fence_inside_a_longer_one_is_text() -> None:
    assert (
        extract_code("````python\ndoc = '''\n```\nx\n```\n'''\n````", "python")
        == "doc = '''\n```\nx\n```\n'''"
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Return the sum.", "Return the sum."),
        ("**Instruction:** Return the sum.", "Return the sum."),
        ("指令：返回列表之和。", "返回列表之和。"),
        ('"Return the sum."\n', "Return the sum."),
        ('Return "a" or "b"', 'Return "a" or "b"'),
        ("<think>hm</think>Return the sum.", "Return the sum."),
        ("", None),
        ("  \n", None),
        ("Do this:\n```python\nreturn 1\n```", None),
    ],
)
def test_the_instruction_is_found_and_one_that_brings_code_is_refused(
    answer: str, expected: str | None
) -> None:
    assert extract_instruction(answer) == expected


def inputs(answer: str, signature: str) -> tuple[list[tuple[object, ...]], int]:
    found = extract_inputs(answer, parse_signature(signature))
    return [tuple(decode(text) for text in row) for row in found.rows], found.dropped


@pytest.mark.parametrize(
    "answer",
    [
        "[[1, 2], 3]\n[[], -1]",
        "Here are inputs:\n```json\n[[1, 2], 3]\n[[], -1]\n```\nDone [see above].",
        "1. [[1, 2], 3]\n2. [[], -1]",
        "- [[1, 2], 3],\n- [[], -1]",
        "```\n[[[1, 2], 3], [[], -1]]\n```",
        "```json\n[\n  [\n    [1, 2],\n    3\n  ],\n  [[], -1]\n]\n```",
        "([1, 2], 3)\n([], -1)",
        "[[1, 2], 3]  # two\n[[], -1]  # none",
    ],
)
def test_inputs_are_read_in_every_usual_layout(answer: str) -> None:
    assert inputs(answer, "(list[int], int) -> int") == ([([1, 2], 3), ([], -1)], 0)


@pytest.mark.parametrize(
    ("row", "signature", "expected"),
    [
        ("[1]", "(float) -> int", (1.0,)),
        ("[[1, 2]]", "(tuple[int, int]) -> int", ((1, 2),)),
        ('[{"a": 1}]', "(map[str, int]) -> int", ({"a": 1},)),
        ('[[["a", 1]]]', "(map[str, int]) -> int", ({"a": 1},)),
        ('[{"1": "x"}]', "(map[int, str]) -> int", ({1: "x"},)),
        ("[{1: 'x', 2: 'y'}]", "(map[int, str]) -> int", ({1: "x", 2: "y"},)),
        ("[true, null]", "(bool, null) -> int", (True, None)),
        ("[True, None]", "(bool, null) -> int", (True, None)),
        ('["é\\u4e2d"]', "(str) -> int", ("é中",)),
        ("[[1, 2, 3]]", "(list[int]) -> int", ([1, 2, 3],)),
        ('[[1, "a", null]]', "(any) -> int", ([1, "a", None],)),
        ("[]", "() -> int", ()),
    ],
)
def test_the_signature_decides_the_types(row: str, signature: str, expected: tuple[object, ...]) -> None:
    found, dropped = inputs(row, signature)
    assert (found, dropped) == ([expected], 0)
    assert [type(value) for value in found[0]] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("row", "signature"),
    [
        ("[1.5]", "(int) -> int"),
        ("[true]", "(int) -> int"),
        ("[1]", "(bool) -> int"),
        ("[1, 2]", "(int) -> int"),
        ('["1"]', "(int) -> int"),
        ("[[1, 2, 3]]", "(tuple[int, int]) -> int"),
        ("[[[1, 2], [1, 3]]]", "(map[int, int]) -> int"),
        ("[[[[1], 2]]]", "(map[list[int], int]) -> int"),
        ("[[1, 2, 3]", "(list[int]) -> int"),
        ("[" * 5000, "(list[int]) -> int"),
        ("[" + "9" * 6000 + "]", "(int) -> int"),
        ("[[" + "9" * 6000 + "]]", "(any) -> int"),
        ("[f(3)]", "(int) -> int"),
    ],
)
def test_a_row_of_another_type_is_dropped_and_counted(row: str, signature: str) -> None:
    assert inputs(row, signature) == ([], 1)


def test_prose_alone_gives_no_inputs() -> None:
    assert inputs("I would try small numbers.", "(int) -> int") == ([], 0)


@given(st.lists(st.tuples(st.lists(st.integers(-100, 100), max_size=4), st.text(max_size=8)), max_size=5))
def test_rows_written_as_json_lines_come_back_to_the_value(rows: list[tuple[list[int], str]]) -> None:
    answer = "\n".join(json.dumps(row) for row in rows)
    assert inputs(answer, "(list[int], str) -> int") == (rows, 0)


@given(st.text(alphabet="[](){},.0123456789\"'\\- \ntruefalsn`", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    extract_inputs(text, parse_signature("(map[int, list[tuple[int, str]]], any) -> int"))
    extract_code(text, "python")
    extract_instruction(text)


@pytest.mark.parametrize("pattern", ["\n", " \n", "; ", ";\n", "```\n", "<think>", "[", "- "])
def test_no_answer_keeps_its_readers_busy(pattern: str) -> None:
    text = (pattern * 200_000)[:200_000]
    before = time.process_time()
    extract_code(text, "python")
    extract_instruction(text)
    assert time.process_time() - before < 1
