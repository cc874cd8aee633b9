"""What a model is given for a problem, to the byte: the expected texts are what the benchmarks' own functions
make of these problems, which are our own."""

import hashlib
from typing import Any

import pytest

from synth.errors import UserError
from synth.protocols.protocol import BenchmarkPrompt, Protocol
from synth.protocols.registry import PROTOCOLS, find_protocol
from synth.verify.formats.registry import get_format
from synth.verify.rows import RowError

Row = dict[str, Any]

BEGUN = (
    "Below is a Python script with a self-contained function that solves the problem and passes "
    "corresponding tests:\n```python\n"
)
ASKED = (
    "Please provide a self-contained Python script that solves the following problem in a markdown "
    "code block:\n"
)
ENDS = ("<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint(")
NEXT = ("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert ")

HALF = {"task_id": "HumanEval/900", "entry_point": "half", "prompt": '\n\ndef half(x):\n    """x / 2"""\n'}
INC = {"task_id": "Mbpp/900", "entry_point": "inc", "prompt": '"""\nAdd one.\nassert inc(1) == 2\n"""\n'}
INC_OF_MBPP = {"task_id": 900, "text": "Add one.", "test_list": ["assert inc(1) == 2", "assert inc(2) == 3"]}
INC_OF_THE_HUB = {**INC_OF_MBPP, "prompt": INC_OF_MBPP["text"], "code": "…"}
WORDS = {
    "task_id": "BigCodeBench/900",
    "entry_point": "task_func",
    "complete_prompt": 'import re\ndef task_func(text):\n    """Words."""\n',
    "instruct_prompt": "Words of a text.\nStart with:\n```\nimport re\n```\n",
}
SUM = {"question_id": "q", "question_content": "Add two numbers.\n\nInput\n…", "starter_code": ""}
STARTED = {**SUM, "starter_code": "class Solution:\n    def add(self, a: int, b: int) -> int:\n        "}
TASK = "generate a correct Python program that matches the specification and passes all tests."
STDOUT = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on "
    "the sample inputs). Enclose your code within delimiters as follows. Ensure that when the python program "
    "runs, it reads the inputs, runs the algorithm and writes output to STDOUT.\n"
    "```python\n# YOUR CODE HERE\n```\n\n"
)
STARTER = (
    "You will use the following starter code to write the solution to the problem and enclose your code "
    f"within delimiters.\n```python\n{STARTED['starter_code']}\n```\n\n"
)
CODEQWEN = (
    f"\nYou will be given a question (problem specification) and will {TASK} You will NOT return anything "
    "except for the program.\n\nQuestion: Add two numbers.\n\nInput\n…\n\n"
)
JOIN = {"id": "sample_0", "code": "def f(a, b):\n    return a + b", "input": "'x', 'y'", "output": "'xy'"}
TWICE = {
    "name": "HumanEval_900_twice",
    "language": "cpp",
    "prompt": "#include<assert.h>\n// Twice.\nlong twice(long x) {\n",
    "stop_tokens": ["\n}"],
}
TWICE_PY = {**TWICE, "language": "py", "prompt": "def twice(x: int) -> int:\n", "stop_tokens": ["\ndef"]}
RUST = {
    "task_id": "Rust/900",
    "prompt": "fn main(){}\n\n/*\nTwice.\n*/\nfn twice(x:i32) -> i32{\n",
    "declaration": "\nfn twice(x:i32) -> i32{\n",
    "buggy_solution": "    x\n}\n",
    "test": "#[cfg(test)]\nmod tests {}\n",
    "instruction": "Write a Rust function `twice`.",
    "entry_point": "twice",
}
PYTHON = {**RUST, "task_id": "Python/900", "prompt": "def twice(x):\n", "declaration": "def twice(x):\n"}
PANDAS: Row = {
    "metadata": {"problem_id": 1},
    "prompt": "Problem:\nAdd.\nA:\n<code>\nxs = [1]\n</code>\n<code>\n",
}
SHORT = (
    "Write a short code following the given format and indentation. Place the executable code between <code> "
    "and </code> tags, without any other non-executable things."
)

# suite, problem -> what a base model is given: text and stop words
COMPLETED: list[tuple[str, Row, str, tuple[str, ...]]] = [
    ("humaneval", HALF, 'def half(x):\n    """x / 2"""\n', (*ENDS, *NEXT)),
    ("humaneval+", HALF, 'def half(x):\n    """x / 2"""\n', (*ENDS, *NEXT)),
    ("mbpp+", INC, INC["prompt"], (*ENDS, '\n"""', "\nassert")),
    ("mbpp", INC_OF_MBPP, INC["prompt"], (*ENDS, '\n"""', "\nassert")),
    ("mbpp+", INC_OF_THE_HUB, INC["prompt"], (*ENDS, '\n"""', "\nassert")),
    ("bigcodebench", WORDS, WORDS["complete_prompt"], (*ENDS, *NEXT)),
    ("bigcodebench-hard", WORDS, WORDS["complete_prompt"], (*ENDS, *NEXT)),
    ("multipl-e", TWICE, "#include<assert.h>\n// Twice.\nlong twice(long x) {", ("\n}",)),
    (
        "humanevalpack",
        RUST,
        "Write a Rust function `twice`.\n\nfn main(){}\n\n/*\nTwice.\n*/\nfn twice(x:i32) -> i32{",
        ("<|endoftext|>",),
    ),
    (
        "humanevalpack-fix",
        RUST,
        "fn main(){}\n\nfn twice(x:i32) -> i32{\n    x\n}\n\n#[cfg(test)]\nmod tests {}\n\nFix bugs in twice."
        "\n\nfn main(){}\n\nfn twice(x:i32) -> i32{",
        ("<|endoftext|>",),
    ),
    ("ds1000", PANDAS, PANDAS["prompt"], ("</code>", "# SOLUTION END")),
]

# suite, problem -> what an instruct model is given: system message, user's, start of the answer, stop words
TALKED: list[tuple[str, Row, str, str, str, tuple[str, ...]]] = [
    ("humaneval+", HALF, "", ASKED + '```\ndef half(x):\n    """x / 2"""\n```\n', BEGUN, (*ENDS, "\n```\n")),
    ("mbpp", INC_OF_MBPP, "", f"{ASKED}```\n{INC['prompt']}```\n", BEGUN, (*ENDS, "\n```\n")),
    (
        "bigcodebench",
        WORDS,
        "",
        f"{ASKED}Words of a text.\nStart with:\n```\nimport re\n```\n",
        BEGUN,
        (*ENDS, "\n```\n"),
    ),
    (
        "bigcodebench-complete",
        WORDS,
        "",
        f"{ASKED}```\n{WORDS['complete_prompt']}```\n",
        BEGUN,
        (*ENDS, "\n```\n"),
    ),
    ("livecodebench", SUM, "You are a helpful assistant.", CODEQWEN + STDOUT, "", ("###",)),
    ("livecodebench", STARTED, "You are a helpful assistant.", CODEQWEN + STARTER, "", ("###",)),
    (
        "livecodebench-generic",
        SUM,
        "You are an expert Python programmer. You will be given a question (problem specification) and will "
        + TASK,
        f"### Question:\nAdd two numbers.\n\nInput\n…\n\n### Format: {STDOUT}"
        "### Answer: (use the provided format with backticks)\n\n",
        "",
        ("###",),
    ),
    (
        "multipl-e",
        TWICE,
        "",
        "Please continue to complete the function and return all completed code in a codeblock. Here is the "
        "given code to do completion:\n```cpp\n#include<assert.h>\n// Twice.\nlong twice(long x) {\n```",
        "",
        (),
    ),
    (
        "multipl-e",
        TWICE_PY,
        "",
        "Please continue to complete the function and return all completed code in a codeblock. Here is the "
        "given code to do completion:\n```python\ndef twice(x: int) -> int:\n```",
        "",
        (),
    ),
    (
        "mceval",
        {"task_id": "C/1", "instruction": "Write a C function.\n"},
        "",
        "Write a C function.\n",
        "",
        (),
    ),
    (
        "mdeval",
        {"question_id": "Go/1", "instruction": "Fix it.\n"},
        "You are a helpful assistant",
        "Fix it.\n",
        "",
        (),
    ),
    (
        "humanevalpack",
        PYTHON,
        "",
        "Write a Rust function `twice`.",
        "def twice(x):",
        ("\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\nassert", "<|endoftext|>"),
    ),
    (
        "humanevalpack-fix",
        RUST,
        "",
        "Fix bugs in twice.\nfn main(){}\n\nfn twice(x:i32) -> i32{\n    x\n}\n\n"
        "#[cfg(test)]\nmod tests {}\n",
        "fn main(){}\n\nfn twice(x:i32) -> i32{",
        ("<|endoftext|>",),
    ),
    ("ds1000", PANDAS, SHORT, PANDAS["prompt"], "", ("</code>", "# SOLUTION END")),
]

EXPERT = "You are an expert at Python programming, code execution, test case generation, and fuzzing."
# suite -> end of the prompt, and the digest of what the benchmark's own function makes of the problem
CRUX = {
    "cruxeval-output": (
        "assert f('x', 'y') == ??\n[/PYTHON]\n[THOUGHT]\n",
        "1daa78103ad16a5e1ce45107a2363aa96df5d0fc32c4ef1d5fba99773ca89c57",
    ),
    "cruxeval-output-direct": (
        "assert f('x', 'y') == ??\n[/PYTHON]\n[ANSWER]\n",
        "563b9ab5a0cf9671a9dea5f3e54c5b8dcbdcd402f0c841cef2464943de708bee",
    ),
    "cruxeval-input": (
        "assert f(??) == 'xy'\n[/PYTHON]\n[THOUGHT]\n",
        "e2aead44025a4f54beb506e016e14146a7c28809d01c4d2186059b236000e499",
    ),
    "cruxeval-input-direct": (
        "assert f(??) == 'xy'\n[/PYTHON]\n[ANSWER]\n",
        "2ac0a232d34a46193f6b33a55d93c62050e0d15433704621be73268f6f39bdf2",
    ),
}


def test_every_protocol_has_a_prompt_here() -> None:
    seen = {suite for suite, *_ in COMPLETED} | {suite for suite, *_ in TALKED} | set(CRUX)
    assert seen == set(PROTOCOLS)


@pytest.mark.parametrize(("suite", "problem", "text", "stop"), COMPLETED)
def test_base_models_are_given_the_benchmarks_own_prompt(
    suite: str, problem: Row, text: str, stop: tuple[str, ...]
) -> None:
    complete = find_protocol(suite).complete
    assert complete is not None
    assert complete(problem) == BenchmarkPrompt(prompt=text, stop=stop)


@pytest.mark.parametrize(("suite", "problem", "system", "asked", "begun", "stop"), TALKED)
def test_instruct_models_are_given_the_benchmarks_own_chat(
    suite: str, problem: Row, system: str, asked: str, begun: str, stop: tuple[str, ...]
) -> None:
    chat = find_protocol(suite).chat
    assert chat is not None
    found = chat(problem)
    said = [(message.role, message.content) for message in found.messages]
    assert said == ([("system", system)] if system else []) + [("user", asked)]
    assert (found.prefill, found.prompt, found.stop) == (begun, "", stop)


@pytest.mark.parametrize("suite", CRUX)
def test_the_examples_of_cruxeval_are_its_own(suite: str) -> None:
    protocol, (end, digest) = find_protocol(suite), CRUX[suite]
    assert protocol.complete is not None
    assert protocol.chat is not None
    complete, chat = protocol.complete(JOIN), protocol.chat(JOIN)
    assert complete.prompt.endswith(f"\n\n[PYTHON]\ndef f(a, b):\n    return a + b\n{end}")
    assert hashlib.sha256(complete.prompt.encode()).hexdigest() == digest
    assert [message.content for message in chat.messages] == [EXPERT, complete.prompt]
    assert complete.stop == chat.stop == ("[/ANSWER]",)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_a_protocol_says_what_the_table_needs(protocol: Protocol) -> None:
    assert get_format(protocol.format).name == protocol.format
    assert protocol.complete or protocol.chat
    assert protocol.n == 1 or protocol.temperature > 0
    assert protocol.max_tokens > 0
    assert any(word in protocol.source for word in ("MIT", "Apache-2.0", "CC-BY-SA-4.0", "BSD"))


def test_no_two_suites_share_a_column() -> None:
    columns = [protocol.column for protocol in PROTOCOLS.values()]
    assert len(set(columns)) == len(columns)


@pytest.mark.parametrize(
    ("suite", "problem", "language"),
    [
        ("humaneval", HALF, "python"),
        ("multipl-e", {**TWICE, "language": "go_test.go"}, "go"),
        ("mceval", {"task_id": "Shell/1"}, "bash"),
        ("mdeval", {"question_id": "C#/1"}, "csharp"),
        ("humanevalpack", {"task_id": "C++/1"}, "cpp"),
    ],
)
def test_the_language_of_a_problem_is_the_sandboxs_word(suite: str, problem: Row, language: str) -> None:
    assert find_protocol(suite).language(problem) == language


def test_a_suite_that_nobody_knows_is_refused_with_the_nearest() -> None:
    assert find_protocol(" HumanEval+ ").suite == "humaneval+"
    with pytest.raises(UserError) as caught:
        find_protocol("livecode")
    assert "livecodebench, livecodebench-generic" in str(caught.value)
    assert "--suite livecodebench" in caught.value.problems[0].fix


@pytest.mark.parametrize("suite", [suite for suite, one in PROTOCOLS.items() if one.chat])
def test_a_problem_of_another_format_is_refused_in_words(suite: str) -> None:
    chat = find_protocol(suite).chat
    assert chat is not None
    with pytest.raises(RowError, match="is missing"):
        chat({"unknown": 1})
