"""What is kept of a model's text is what EvalPlus' and BigCodeBench's own step keeps: the expected texts are
its answers."""

import pytest

from synth.grammar.trees import ParseError, native_error
from synth.protocols.sanitise import longest_code, sanitise_bigcodebench, sanitise_evalplus

F = "def f(x):\n    return x + 1"
HELPED = (
    "import math\n\ndef g(x):\n    return h(x)\n\ndef h(x):\n    return math.floor(x)\n\ndef unused():\n"
    "    return 1\n\ndef f(x):\n    return g(x)\n"
)
CLASSED = "LIMIT = 3\nOTHER = 4\n\nclass Node:\n    def size(self):\n        return LIMIT\n\ndef f(x):\n"

# the text, what EvalPlus keeps, and what BigCodeBench keeps where it differs
KEPT: dict[str, tuple[str, str] | tuple[str, str, str]] = {
    "a program alone": (f"{F}\n", F),
    "prose around a fence": (f"Here is the function:\n\n```python\n{F}\n```\n\nIt adds one to x.", F),
    "prose without a fence": (f"The answer is simple.\n{F}\nIt adds one, as you can see.", F),
    "a usage example after": (f"{F}\n\nprint(f(1))\nassert f(1) == 3\nvalue = f(2)\n", F),
    "a guarded example": (f"{F}\n\nif __name__ == '__main__':\n    print(f(int(input())))\n", F),
    "the longest of several fences": (
        f"```python\n{F}\n```\nBetter:\n```python\ndef f(x):\n    y = x\n    return y + 1\n```",
        "def f(x):\n    y = x\n    return y + 1",
    ),
    "an example longer than the program": (
        f"```python\n{F}\n```\n```python\nfor i in range(3):\n    y = i\n    print(f(y))\n```",
        "for i in range(3):\n    y = i\n    print(f(y))",
    ),
    "helpers, and what nobody needs": (
        HELPED,
        "import math\ndef g(x):\n    return h(x)\ndef h(x):\n    return math.floor(x)\n"
        "def f(x):\n    return g(x)",
    ),
    "constants and classes": (
        f"{CLASSED}    return Node().size()\n",
        "LIMIT = 3\nclass Node:\n    def size(self):\n        return LIMIT\n"
        "def f(x):\n    return Node().size()",
    ),
    "two definitions": ("def f(x):\n    return 1\n\ndef f(x):\n    return 2\n", "def f(x):\n    return 1"),
    "a stub, then the function": (
        "def f(x):\n    pass\n\ndef f(x):\n    return 2\n",
        "def f(x):\n    return 2",
        "def f(x):\n    pass",
    ),
    "a helper without a return": (
        "def fill(xs):\n    xs.append(1)\n\ndef f(xs):\n    fill(xs)\n    return xs\n",
        "def f(xs):\n    fill(xs)\n    return xs",
        "def fill(xs):\n    xs.append(1)\ndef f(xs):\n    fill(xs)\n    return xs",
    ),
    "a decorated helper": (
        "import functools\n\n@functools.cache\ndef g(x):\n    return x\n\ndef f(x):\n    return g(x)\n",
        "import functools\ndef f(x):\n    return g(x)",
    ),
    "a future import": (f"from __future__ import annotations\n\n{F}\n", F),
    "a tuple of names": ("a, b = 1, 2\n\ndef f(x):\n    return a\n", "def f(x):\n    return a"),
    "cut off in an expression": (f"{F}\n\ndef g(x):\n    return max(x,", F),
    "cut off in its docstring": ('import os\n\ndef f(x):\n    """Adds\n    one', "import os"),
    "a function of another name": ("def g(x):\n    return x\n", "def g(x):\n    return x"),
    "prose alone": ("I cannot\nsolve this.", "I cannot"),
    "a body alone": ("    return x + 1\n    # done\n", "    # done\n"),
    "one line": ("x = 1", "x = 1"),
    "nothing": ("", ""),
    "a use under the name": (f"{F}\n\nf = f\nresult_f = f(1)\n", F),
    "colours": (f"\x1b[32m{F[:9]}\x1b[0m{F[9:]}\n", F, "\x1b[32mdef f(x):\x1b[0m"),
    "a line that only more lines complete": (
        "Look:\n@wrap\nclass A:\n    x = 1\ny =",
        "@wrap\nclass A:\n    x = 1",
    ),
    "a string over two lines": ("s = 'a\\\nb'\nand so on", "s = 'a\\\nb'"),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_evalplus_keeps(case: str) -> None:
    text, kept = KEPT[case][:2]
    assert sanitise_evalplus(text, "f") == kept


@pytest.mark.parametrize("case", KEPT)
def test_what_bigcodebench_keeps(case: str) -> None:
    text, kept = KEPT[case][0], KEPT[case][-1]
    assert sanitise_bigcodebench(text, "f") == kept


def test_uses_outside_of_blocks_are_cut_off_in_bigcodebench() -> None:
    text = "def task_func(x):\n    return x\n\nCASES = [task_func]\n\ndef other(x):\n    return CASES\n"
    assert sanitise_bigcodebench(text, "task_func") == "def task_func(x):\n    return x"
    used = "def task_func(x):\n    return K\n\nK = 1\nCASES = K or task_func\n"
    assert sanitise_bigcodebench(used, "task_func") == "def task_func(x):\n    return K\nK = 1"


def test_code_after_many_lines_of_prose_is_found() -> None:
    prose = "So we have to look at each of the numbers, one after the other.\n" * 600
    assert longest_code(f"{prose}```python\n{F}\n```\n{prose}") == F


@pytest.mark.parametrize("text", ["(\n" * 3_000, "@a\n" * 3_000])
def test_a_text_that_costs_too_much_ends(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = list[int]()

    def counted(code: str, parser: str) -> ParseError | None:
        sizes.append(len(code))
        return native_error(code, parser)

    monkeypatch.setattr("synth.protocols.sanitise.native_error", counted)
    monkeypatch.setattr("synth.protocols.sanitise._MOST_BYTES", 1 << 16)
    assert longest_code(text) == text[: text.index("\n")]
    assert len(sizes) <= 2000
    assert sum(sizes[:-1]) <= 1 << 16
