"""Which part of a model's text is the answer: what the benchmarks' own readers take of these texts, and where
ours differs."""

from typing import Any

import pytest

from synth.protocols.protocol import BenchmarkPrompt, user
from synth.protocols.registry import find_protocol
from synth.verify.formats.cruxeval import Asked, expression
from synth.verify.formats.spec import BenchmarkSample

Row = dict[str, Any]
A, B = "```python\nprint(1)\n```", "```python\nprint(2)\n```"

BETWEEN_THE_LAST_FENCES = {
    "one fence": (A, "print(1)"),
    "prose around it": (f"First.\n{A}\nDone.", "print(1)"),
    "a draft before": (f"{A}\nBetter:\n{B}", "print(2)"),
    "an example after": (f"{A}\nOutput:\n```\n1\n```", "1"),
    "another tag after": (f"{A}\n```text\nx\n```", "x"),
    "an empty fence after": (f"{A}\n```\n```", ""),
    "no fence": ("print(1)", ""),
    "cut off": ("Here:\n```python\nprint(1)", ""),
    "closed on the line of code": ("```python\nprint(1)```", ""),
    "in a list": ("1. Do\n   ```python\n   print(1)\n   ```", "   print(1)"),
    "blank lines": ("```python\n\nprint(1)\n\n```", "\nprint(1)\n"),
    "carriage returns": ("```python\r\nprint(1)\r\n```\r\n", "print(1)\r"),
    "marks before it in a line": (f"Use ```x``` here.\n{A}", "print(1)"),
    "reasoning": (f"<think>\n{B}\n</think>\n{A}", "print(1)"),
    "reasoning that the prompt began": (f"{B}\n</think>\n{A}", "print(1)"),
    # The benchmark takes "so", which is no program either.
    "cut off in a second fence": (f"{A}\nso\n```python\nprint(2)", ""),
    # The benchmark takes nothing of these two.
    "marks after it in a line": (f"{A}\nUse ```x``` here.", "print(1)"),
    "a fence of tildes": ("~~~python\nprint(1)\n~~~", "print(1)"),
}


@pytest.mark.parametrize("suite", ["livecodebench", "livecodebench-generic"])
@pytest.mark.parametrize("case", BETWEEN_THE_LAST_FENCES)
def test_livecodebench_takes_the_last_fence(suite: str, case: str) -> None:
    text, program = BETWEEN_THE_LAST_FENCES[case]
    sample = find_protocol(suite).sample({"question_id": "q"}, BenchmarkPrompt(), text)
    assert sample == {"question_id": "q", "code_list": [program]}


EXPRESSIONS: list[tuple[str, Asked, str, str]] = [
    ("cruxeval-output", "output", "so\n[/THOUGHT]\n[ANSWER]\nassert f(3) == 5\n", "5"),
    ("cruxeval-output", "output", "so\n[ANSWER]\n5", "5"),
    ("cruxeval-output", "output", "[ANSWER]\nassert f(3) == 5\n[/ANSWER]\nor 6", "5"),
    ("cruxeval-output", "output", "[ANSWER]assert f(1) == 2[ANSWER]3", "2"),
    ("cruxeval-output", "output", "assert f(3) == 5", "5"),
    ("cruxeval-output", "output", "[ANSWER]\nassert f('a == b') == 'c'", "b')"),
    ("cruxeval-output", "output", "<think>\n[ANSWER]\n4\n</think>\n[ANSWER]\n5", "5"),
    ("cruxeval-output-direct", "output", "assert f(3) == {'a': 1}  # so", "{'a': 1}  # so"),
    ("cruxeval-output-direct", "output", "5\n", "5"),
    ("cruxeval-output-direct", "output", "[ANSWER]\nassert f(3) == 5", "5"),
    ("cruxeval-output-direct", "output", "```python\nassert f(3) == 5\n```", "5\n```"),
    ("cruxeval-input", "input", "[ANSWER]\nassert f(4) == 1\n", "f(4)"),
    ("cruxeval-input", "input", "[ANSWER]\nf(4)\n", "f(4)"),
    ("cruxeval-input-direct", "input", "assert f(\n    4) == 1", "f(\n    4)"),
    ("cruxeval-input-direct", "input", "[ANSWER]\nassert f(4) == 1", "f(4)"),
]


@pytest.mark.parametrize(("suite", "asked", "text", "found"), EXPRESSIONS)
def test_cruxeval_takes_the_expression_of_its_answer(suite: str, asked: Asked, text: str, found: str) -> None:
    sample = find_protocol(suite).sample({"id": "sample_0"}, BenchmarkPrompt(), text)
    assert expression(BenchmarkSample(str(sample["completion"]), False, ""), asked) == found


BIG: Row = {
    "task_id": "BigCodeBench/900",
    "entry_point": "task_func",
    "complete_prompt": 'import re\ndef task_func(text):\n    """Words."""\n',
    "instruct_prompt": "Words of a text.",
}


def big(style: str, text: str) -> object:
    protocol = find_protocol("bigcodebench")
    ask = protocol.complete if style == "complete" else protocol.chat
    assert ask is not None
    return protocol.sample(BIG, ask(BIG), text)["solution"]


def test_bigcodebench_calibrates_a_block_that_holds_the_body_alone() -> None:
    whole = 'import re\ndef task_func(text):\n    """Words."""\n    return text.split()'
    assert big("complete", "    return text.split()\n\nprint(1)") == whole
    assert big("chat", "The body:\n```python\n    return text.split()\n```") == whole
    # Behind the beginning that the protocol gives, a body alone is no program; it is not one there either.
    assert big("chat", "    return text.split()\n") == "    return text.split()"


def test_evalplus_reads_tabs_as_four_spaces() -> None:
    problem = {"task_id": "HumanEval/900", "entry_point": "f", "prompt": "def f(x):\n"}
    protocol = find_protocol("humaneval+")
    assert protocol.complete is not None
    sample = protocol.sample(problem, protocol.complete(problem), "\tif x:\n\t\treturn 1\n\treturn 2\n")
    assert sample["solution"] == "def f(x):\n    if x:\n        return 1\n    return 2"


def test_what_the_format_reads_is_handed_on_as_it_is() -> None:
    text = f"{A}\n{B}"
    chat = BenchmarkPrompt(messages=user("…"))
    assert find_protocol("mceval").sample({"task_id": "C/1"}, chat, text) == {
        "task_id": "C/1",
        "raw_generation": [text],
    }
    assert find_protocol("mdeval").sample({"question_id": "C/1"}, chat, text)["llm_response"] == text
    assert find_protocol("multipl-e").sample({"name": "n"}, chat, text)["raw_generation"] == text
    assert find_protocol("multipl-e").sample({"name": "n"}, BenchmarkPrompt(prompt="x"), text) == {
        "name": "n",
        "completion": text,
    }
    metadata = {"problem_id": 3}
    assert find_protocol("ds1000").sample({"metadata": metadata}, chat, text) == {
        "metadata": metadata,
        "code": text,
    }
