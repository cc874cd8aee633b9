"""A model's text becomes a sample as the benchmark makes one of it, and the verdict of the sample is right.
The problems and answers here are our own, in the public shapes."""

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.protocols.registry import PROTOCOLS, find_protocol
from synth.records import Limits, Outcome
from synth.verify.answers import make_answer
from synth.verify.formats.samples import sample_entries
from synth.verify.rows import VerifyRow, prepare
from tests.builders import Run
from tests.languages.toolchains import need

Row = dict[str, Any]
Style = Literal["complete", "chat"]

UP, DOWN = "    return word.upper()", "    return word.lower()"
SHOUT = 'def shout(word: str) -> str:\n    """In capitals."""\n'
HUMANEVAL: Row = {
    "task_id": "HumanEval/900",
    "prompt": f"from typing import List\n\n\n{SHOUT}",
    "entry_point": "shout",
    "test": "def check(candidate):\n    assert candidate('ab') == 'AB'\n",
}
PLUS: Row = {
    "task_id": "HumanEval/901",
    "prompt": HUMANEVAL["prompt"],
    "entry_point": "shout",
    "canonical_solution": f"{UP}\n",
    "base_input": [["ab"]],
    "plus_input": [["cD"]],
    "atol": 0,
}
CIPHER: Row = {
    "task_id": "HumanEval/902",
    "prompt": 'def encode(s):\n    return s[::-1]\n\n\ndef decode(s):\n    """Undo encode."""\n',
    "entry_point": "decode",
    "test": "def check(candidate):\n    assert candidate(encode('abc')) == 'abc'\n",
}
MBPP: Row = {
    "task_id": 900,
    "text": "Add one.",
    "test_list": ["assert inc(1) == 2", "assert inc(5) == 6"],
    "test_setup_code": "",
}
MBPP_PLUS: Row = {
    "task_id": "Mbpp/900",
    "prompt": '"""\nAdd one.\nassert inc(1) == 2\n"""\n',
    "entry_point": "inc",
    "canonical_solution": "\ndef inc(x):\n    return x + 1\n",
    "base_input": [[1]],
    "plus_input": [[5]],
    "atol": 0,
}
BIG: Row = {
    "task_id": "BigCodeBench/900",
    "code_prompt": "import re\ndef task_func(text):\n",
    "complete_prompt": 'import re\ndef task_func(text):\n    """Words."""\n',
    "instruct_prompt": "Words of a text.",
    "entry_point": "task_func",
    "test": (
        "import unittest\nclass TestCases(unittest.TestCase):\n    def test_two(self):\n"
        "        self.assertEqual(task_func('a b'), ['a', 'b'])\n"
    ),
}
WORDS, LETTERS = r"    return re.findall(r'\w+', text)", "    return list(text)"
STDIN: Row = {
    "question_id": "q900",
    "question_content": "The square of a number.",
    "starter_code": "",
    "public_test_cases": json.dumps([{"input": "5\n", "output": "25\n", "testtype": "stdin"}]),
    "private_test_cases": "[]",
    "metadata": "{}",
}
SQUARE, CUBE = "print(int(input()) ** 2)", "print(int(input()) ** 3)"
CRUX: Row = {"id": "sample_0", "code": "def f(x):\n    return x % 3", "input": "7", "output": "1"}
CPP: Row = {
    "name": "HumanEval_900_inc",
    "language": "cpp",
    "prompt": "#include<assert.h>\n// Add one.\nlong inc(long x) {\n",
    "tests": "}\nint main() {\n    auto candidate = inc;\n    assert(candidate((1)) == (2));\n}\n",
    "stop_tokens": ["\n}"],
}
PACK: Row = {
    "task_id": "Python/900",
    "prompt": SHOUT,
    "declaration": "def shout(word: str) -> str:\n",
    "buggy_solution": f"{DOWN}\n",
    "instruction": "Write a Python function `shout`.",
    "test": "def check(shout):\n    assert shout('ab') == 'AB'\n\ncheck(shout)\n",
    "test_setup": "",
    "entry_point": "shout",
}
MCEVAL: Row = {
    "task_id": "JavaScript/900",
    "prompt": "…",
    "instruction": "Write a JavaScript function `twice`.",
    "test": "if (twice(2) !== 4) { throw new Error('assertion failed') }",
}
MDEVAL: Row = {
    "question_id": "Python/900",
    "instruction": "Fix it.",
    "test": "def check():\n    assert shout('ab') == 'AB'\n\ncheck()\n",
}
DS: Row = {
    "metadata": {"problem_id": 7, "library": "Pandas"},
    "prompt": "Problem:\nAdd up xs.\nA:\n<code>\nxs = [1, 2]\n</code>\nresult = ...\n<code>\n",
    "code_context": (
        "CONTEXT = 'xs = [1, 2]\\n[insert]\\n'\ndef test_execution(solution):\n    names = {}\n"
        "    exec(CONTEXT.replace('[insert]', solution), names)\n    assert names['result'] == 3\n"
    ),
}


class Told(NamedTuple):
    """What a model says, and whether that solves the problem."""

    suite: str
    problem: Row
    style: Style
    text: str
    solves: bool


def fenced(code: str, tag: str = "python") -> str:
    return f"```{tag}\n{code}\n```"


def shout(body: str) -> str:
    return f"def shout(word):\n{body}"


CHATTED = f"def shout(word: str) -> str:\n{UP}\n"
THOUGHT = "<think>\nMaybe this:\n```python\ndef shout(word):\n    return word\n```\n</think>\n"
TOLD = [
    Told("humaneval", HUMANEVAL, "complete", f"{UP}\n\n\n", True),
    Told("humaneval", HUMANEVAL, "complete", f"{DOWN}\n", False),
    Told("humaneval", HUMANEVAL, "chat", CHATTED, True),
    Told("humaneval", HUMANEVAL, "chat", shout(DOWN), False),
    Told(
        "humaneval+",
        PLUS,
        "complete",
        "    return help(word)\n\n\ndef help(w):\n    return w.upper()\n",
        True,
    ),
    Told("humaneval", CIPHER, "complete", "    return s[::-1]\n", True),
    Told("humaneval", CIPHER, "chat", "def decode(s):\n    return s[::-1]\n", True),
    Told("humaneval", CIPHER, "chat", "def decode(s):\n    return s\n", False),
    Told("humaneval+", PLUS, "complete", "    return 'AB'\n", False),
    Told("humaneval+", PLUS, "chat", f"{CHATTED}```", True),
    Told("humaneval+", PLUS, "chat", f"\tx = 1\n{CHATTED}", True),
    Told("humaneval+", PLUS, "chat", f"{CHATTED}\nshout(input())\n```\nIt reads", True),
    Told("humaneval+", PLUS, "chat", f"{THOUGHT}Sure:\n{fenced(CHATTED)}", True),
    Told("humaneval+", PLUS, "chat", "def shout(word):\n    return 'AB'\n", False),
    Told("humaneval+", PLUS, "chat", "def shout(word: str) -> str:\n    return word.upp", False),
    Told("humaneval+", PLUS, "chat", "I cannot do that.", False),
    Told("mbpp", MBPP, "complete", "def inc(x):\n    return x + 1\n\nassert inc(1) == 3", True),
    Told("mbpp", MBPP, "chat", "def inc(x):\n    return 2\n", False),
    Told("mbpp+", MBPP_PLUS, "complete", "\ndef inc(x):\n    return x + 1\n", True),
    Told("mbpp+", MBPP_PLUS, "complete", "\ndef inc(x):\n    return 2\n", False),
    Told(
        "mbpp+",
        MBPP_PLUS,
        "chat",
        "def add(x, y):\n    return x + y\n\ndef inc(x):\n    return add(x, 1)",
        True,
    ),
    Told("bigcodebench", BIG, "complete", f"{WORDS}\n", True),
    Told("bigcodebench", BIG, "complete", f"{LETTERS}\n", False),
    Told(
        "bigcodebench",
        BIG,
        "chat",
        f"import re\ndef task_func(text):\n{WORDS}\n\nprint(task_func('x'))",
        True,
    ),
    Told("bigcodebench", BIG, "chat", f"def task_func(text):\n{LETTERS}", False),
    Told("bigcodebench-complete", BIG, "chat", f"The body:\n{fenced(WORDS)}\nDone.", True),
    Told("bigcodebench-complete", BIG, "chat", fenced(LETTERS), False),
    Told("bigcodebench-hard", BIG, "chat", f"import re\ndef task_func(text):\n{WORDS}\n", True),
    Told(
        "livecodebench",
        STDIN,
        "chat",
        f"First:\n{fenced(CUBE)}\nNo, better:\n{fenced(SQUARE)}\nIt reads.",
        True,
    ),
    Told("livecodebench", STDIN, "chat", f"{fenced(SQUARE)}\nFor 5 it prints:\n{fenced('25', '')}", False),
    Told("livecodebench", STDIN, "chat", SQUARE, False),
    Told("livecodebench", STDIN, "chat", f"Here:\n```python\n{SQUARE}", False),
    Told(
        "livecodebench-generic", STDIN, "chat", f"<think>\n{fenced(CUBE)}\n</think>\n{fenced(SQUARE)}", True
    ),
    Told("livecodebench-generic", STDIN, "chat", fenced(CUBE), False),
    Told(
        "cruxeval-output", CRUX, "complete", "7 = 2 * 3 + 1.\n[/THOUGHT]\n[ANSWER]\nassert f(7) == 1\n", True
    ),
    Told("cruxeval-output", CRUX, "complete", "[/THOUGHT]\n[ANSWER]\nassert f(7) == 2\n", False),
    Told("cruxeval-output", CRUX, "chat", "[ANSWER]\n1\n[/ANSWER] or [ANSWER]2", True),
    Told("cruxeval-output", CRUX, "chat", "[ANSWER]\nassert f(7) == f(7)\n", False),
    Told("cruxeval-output", CRUX, "chat", "It goes on and", False),
    Told("cruxeval-output-direct", CRUX, "complete", "assert f(7) == 1\n", True),
    Told("cruxeval-output-direct", CRUX, "chat", "assert f(7) == 2\n", False),
    Told("cruxeval-input", CRUX, "chat", "4 % 3 == 1, so:\n[ANSWER]\nassert f(4) == 1\n", True),
    Told("cruxeval-input", CRUX, "complete", "[ANSWER]\nassert f(5) == 1\n", False),
    Told("cruxeval-input-direct", CRUX, "complete", "assert f(10) == 1\n", True),
    Told("cruxeval-input-direct", CRUX, "chat", "assert 1 == 1\n", False),
    Told("bigcodebench-complete", BIG, "complete", f"{WORDS}\n", True),
    Told("livecodebench-generic", STDIN, "chat", f"{fenced(SQUARE)}\n{fenced(CUBE)}", False),
    Told("mbpp+", MBPP_PLUS, "chat", "def inc(x):\n    return 2\n", False),
    Told("humanevalpack-fix", PACK, "complete", f"\n{UP}\n\n# done", True),
    Told("multipl-e", CPP, "complete", "    return x + 1;\n}\nlong other(long x) {\n    return 0;\n", True),
    Told("multipl-e", CPP, "complete", "    return x;", False),
    Told("multipl-e", CPP, "chat", fenced("long inc(long x) {\n    return x + 1;\n}", "cpp"), True),
    Told("multipl-e", CPP, "chat", fenced("long inc(long x) {\n    return x;\n}", "cpp"), False),
    Told("humanevalpack", PACK, "complete", f"\n{UP}\n\nprint(shout('x'))", True),
    Told("humanevalpack", PACK, "complete", f"\n{DOWN}", False),
    Told("humanevalpack", PACK, "chat", f"\n{UP}\n```\nIt does.", True),
    Told("humanevalpack-fix", PACK, "chat", f"\n{UP}", True),
    Told("humanevalpack-fix", PACK, "complete", f"\n{DOWN}", False),
    Told(
        "mceval",
        MCEVAL,
        "chat",
        f"{fenced('function twice(x) { return 2 * x }', 'js')}\n{fenced('console.log(twice(1))', 'js')}",
        True,
    ),
    Told("mceval", MCEVAL, "chat", fenced("function twice(x) { return x }", "javascript"), False),
    Told("mdeval", MDEVAL, "chat", f"Fixed:\n{fenced(shout(UP))}\nBefore:\n{fenced(shout(DOWN))}", True),
    Told("mdeval", MDEVAL, "chat", fenced(shout(DOWN)), False),
    Told("ds1000", DS, "complete", "result = sum(xs)\n", True),
    Told("ds1000", DS, "chat", f"{fenced('result = sum(xs)')}\nIt adds.", True),
    Told("ds1000", DS, "chat", "<code>\nresult = max(xs)\n", False),
]


def sampled(told: Told) -> Row:
    protocol = find_protocol(told.suite)
    ask = protocol.complete if told.style == "complete" else protocol.chat
    assert ask is not None
    return dict(protocol.sample(told.problem, ask(told.problem), told.text))


def row_of(told: Told, folder: Path) -> VerifyRow:
    """The row that the suite's format makes of the sample, read from files as they would be written."""
    (folder / "problems.jsonl").write_text(json.dumps(told.problem) + "\n")
    (folder / "samples.jsonl").write_text(json.dumps(sampled(told)) + "\n")
    form = find_protocol(told.suite).format
    (entry,) = sample_entries(folder / "samples.jsonl", form, folder / "problems.jsonl", None, "")
    return entry.read()


def test_every_way_of_asking_has_an_answer_here() -> None:
    """`bigcodebench-hard` differs from `bigcodebench` in its problems alone."""
    asked = {(name, "complete") for name, one in PROTOCOLS.items() if one.complete}
    asked |= {(name, "chat") for name, one in PROTOCOLS.items() if one.chat}
    asked = {(suite, style) for suite, style in asked if suite != "bigcodebench-hard"}
    assert asked <= {(told.suite, told.style) for told in TOLD}
    for solves in (True, False):
        assert {suite for suite, _ in asked} <= {told.suite for told in TOLD if told.solves is solves}


def test_problems_of_one_name_in_two_languages_are_told_apart(tmp_path: Path) -> None:
    other = {**CPP, "language": "lua", "prompt": "local function inc(x)\n", "tests": "-- lua\n"}
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps(other) + "\n" + json.dumps(CPP) + "\n")
    for problem in (CPP, other):
        told = Told("multipl-e", problem, "complete", "    return x + 1;", True)
        (tmp_path / "samples.jsonl").write_text(json.dumps(sampled(told)) + "\n")
        (entry,) = sample_entries(tmp_path / "samples.jsonl", "multipl-e", problems, None, "")
        assert entry.read().language == problem["language"]


@pytest.mark.parametrize("suite", PROTOCOLS)
def test_the_verdict_of_an_answer_is_whether_it_solves(
    suite: str, tmp_path: Path, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    answers = [told for told in TOLD if told.suite == suite]
    need(find_protocol(suite).language(answers[0].problem))
    rows = [prepare(row_of(told, tmp_path), "row", Limits(cpu_s=10)) for told in answers]
    seen = run(local_sandbox.execute([row.request for row in rows]))
    judged = [make_answer(row, one) for row, one in zip(rows, seen, strict=True)]
    passed = [(told.text, one.verdict is Outcome.PASS) for told, one in zip(answers, judged, strict=True)]
    assert passed == [(told.text, told.solves) for told in answers], judged
