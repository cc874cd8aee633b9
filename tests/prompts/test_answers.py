"""Reading model answers: code, instructions and test inputs, in the forms that models really give."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.prompts.answers import (
    CodeAnswer,
    extract_code,
    extract_inputs,
    extract_instruction,
    read_code,
)
from synth.values import decode, parse_signature
from tests.cpu_time import cpu_time

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


@pytest.mark.parametrize(
    "pattern",
    ["\n", " \n", "; ", ";\n", "```\n", "<think>", "</think>\n", "```\n</think>\n", "int f(", "[", "- "],
)
def test_no_answer_keeps_its_readers_busy(pattern: str) -> None:
    text = (pattern * 200_000)[:200_000]
    with cpu_time() as used:
        extract_code(text, "python")
        extract_instruction(text)
    assert used.seconds < 1


DRAFT = "# a first try, which is longer than what comes of it\n" + "\n".join(f"x{n} = {n}" for n in range(9))
CALLS = (
    "print(add(1, 2))\nfor n in range(9):\n    print(n, add(n, n))\nrows = [(n, add(n, 1)) for n in (1, 2)]"
)
TESTS = (
    "class TestAdd(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(add(1, 2), 3)\n" * 2
)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (f"Hm.\n```python\n{DRAFT}\n```\nno.\n</think>\n\n```python\n{PROGRAM}\n```", "a lone closing mark"),
        (f"So it is.</think>\n```python\n{PROGRAM}\n```", "one at the end of a line"),
        (f"Try\n```python\n{DRAFT}\n</think>\n```python\n{PROGRAM}\n```", "a draft that was left open"),
        (f"<think>a</think>\n<think>b</think>```python\n{PROGRAM}\n```", "reasoning twice"),
        (f"<thinking>\n{DRAFT}\n</thinking>\n```python\n{PROGRAM}\n```", "another name of the mark"),
        (f"[THINK]{DRAFT}[/THINK]```python\n{PROGRAM}\n```", "brackets"),
        (f"◁think▷{DRAFT}◁/think▷\n```python\n{PROGRAM}\n```", "triangles"),
        (f"```python\n{PROGRAM}\n```\nUse it so:\n```python\n{CALLS}\n```", "a longer example after it"),
        (f"Call it so:\n```python\n{CALLS}\n```\nand it is\n```python\n{PROGRAM}\n```", "and before it"),
        (f"```python\n{PROGRAM}\n```\nTests:\n```python\n{TESTS}\n```", "tests define nothing"),
        (
            f"```python\ndef add(a, b):\n    return a\n```\nNo:\n```python\n{PROGRAM}\n```",
            "a draft before it",
        ),
        (f"```\n3\n```\n```python\n{PROGRAM}\n```\n```output\n3\n```", "blocks without a program"),
        (f"In `<think>` marks I would reason.\n```python\n{PROGRAM}\n```", "a mark that is talked about"),
    ],
)
def test_reasoning_drafts_and_examples_are_told_from_the_program(answer: str, why: str) -> None:
    assert extract_code(answer, "python") == PROGRAM, why


@pytest.mark.parametrize(
    "program",
    [
        "def cut(text):\n    return text.split('</think>')[-1]",
        'MARK = "<think>"',
        "# what precedes\n#   </think>\n# is dropped\ndef cut(text):\n    return text",
    ],
)
def test_a_program_may_hold_the_mark_of_reasoning(program: str) -> None:
    assert extract_code(f"```python\n{program}\n```", "python") == program


@pytest.mark.parametrize(
    ("language", "program", "usage"),
    [
        ("cpp", "int half(int n) {\n    return n / 2;\n}", "std::cout << half(4) << half(5) << half(6);"),
        ("rust", "pub fn half(n: i64) -> i64 {\n    n / 2\n}", 'println!("{} {} {}", half(4), half(5), 1);'),
        ("javascript", "const half = (n) => n >> 1;", "console.log(half(4)); console.log(half(5), half(6));"),
        (
            "java",
            "public static int half(int n) {\n    return n / 2;\n}",
            "System.out.println(half(4) + 12);",
        ),
        ("ruby", "def half(n)\n  n / 2\nend", "puts half(4)\nputs half(5)\nputs half(6), half(7)"),
        (
            "go",
            "func half(n int) int {\n\treturn n / 2\n}",
            "fmt.Println(half(4), half(5), half(6), half(7))",
        ),
        ("haskell", "half :: Int -> Int\nhalf n = n `div` 2", "```"),
    ],
)
def test_the_block_that_defines_is_found_in_other_languages(language: str, program: str, usage: str) -> None:
    answer = f"```{language}\n{program}\n```\nLike this:\n```{language}\n{usage}\n{usage}\n```"
    assert extract_code(answer if usage != "```" else f"```{language}\n{program}\n```", language) == program


def test_what_has_to_be_defined_decides_between_definitions() -> None:
    answer = (
        f"```python\n{PROGRAM}\n```\nAnd for lists:\n```python\ndef add_all(xs):\n    return sum(xs)\n```"
    )
    assert read_code(answer, "python", "add").code == PROGRAM
    assert read_code(answer, "python", "add_all").code.startswith("def add_all")


def test_a_format_may_take_the_first_or_the_last_block() -> None:
    answer = "```python\na = 1\n```\n```python\ndef f():\n    pass\n```\n```python\nb = 2\n```\n```\nc\n```"
    assert read_code(answer, "python", choice="first").code == "a = 1"
    assert read_code(answer, "python", choice="last").code == "b = 2"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"```python\n{PROGRAM}", PROGRAM),
        (f"<think>It adds.\n```python\n{PROGRAM}\n```", ""),
        ("Sure:\n```java\nint f() {", ""),
    ],
)
def test_an_answer_that_was_cut_off_says_so(answer: str, code: str) -> None:
    assert read_code(answer, "python") == CodeAnswer(code, cut=True)
    assert not read_code(f"```python\n{PROGRAM}\n```", "python").cut


def test_reasoning_is_no_part_of_an_instruction_or_of_inputs() -> None:
    said = "The user wants a task. [9] would do.\n</think>\n\n"
    assert extract_instruction(said + "Return the mean of a list.") == "Return the mean of a list."
    assert inputs("[7]\n" + said + "[1]\n[2]", "(int) -> int") == ([(1,), (2,)], 0)
