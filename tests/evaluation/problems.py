"""Small problems of our own in the format of HumanEval+, and answers to them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

Problem = dict[str, Any]

BODIES: Final = {"add": "return a + b", "times": "return a * b", "larger": "return max(a, b)"}
_DOCS: Final = {"add": "The sum.", "times": "The product.", "larger": "The larger one."}
_WANTED: Final = {"add": (5, -1), "times": (6, -6), "larger": (3, 2)}


def problem(number: int, name: str, tests: str = "") -> Problem:
    """A problem named `HumanEval/<number>`; `tests` replaces its assertions."""
    first, second = _WANTED[name]
    usual = f"    assert candidate(2, 3) == {first}\n    assert candidate(2, -3) == {second}\n"
    return {
        "task_id": f"HumanEval/{number}",
        "prompt": f'def {name}(a: int, b: int) -> int:\n    """{_DOCS[name]}"""\n',
        "canonical_solution": f"    {BODIES[name]}\n",
        "entry_point": name,
        "test": f"def check(candidate):\n{tests or usual}",
    }


def problems(count: int = 3) -> list[Problem]:
    """So many problems, in turn one of the three."""
    names = list(BODIES)
    return [problem(number, names[number % len(names)]) for number in range(count)]


def write_problems(path: Path, rows: Sequence[Problem]) -> Path:
    """A JSON Lines file of them."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def asked_function(prompt: str) -> str:
    """The function that a prompt asks for."""
    return next(name for name in BODIES if f"def {name}(" in prompt)


def program(name: str, body: str = "") -> str:
    """A program that defines it; the right one unless `body` says otherwise."""
    return f"def {name}(a, b):\n    {body or BODIES[name]}\n"


def answer(name: str, body: str = "") -> str:
    """The same as a chat model gives it."""
    return f"Here it is:\n```python\n{program(name, body)}```\n"
