"""Rows with one planted defect each, and sound ones: what an audit has to find, and what it may not.

Place in the flow: `__main__.py` and the tests audit them. The one rule: a plant is as sound as its sound twin
apart from its defect.
"""

import json
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from benchmarks.audit.tasks import LANGUAGES, Task, checks, draw_task, framed, program


class Plant(NamedTuple):
    """A row, and the finding that it has to raise; empty for a sound one."""

    finding: str
    how: str
    row: dict[str, object]


Make = Callable[[Task, str], dict[str, object] | None]
"""(task, language) -> the row, or None where the language has no such defect."""


def script_row(task: Task, language: str, code: str, script: str) -> dict[str, object]:
    return {
        "id": task.name,
        "prompt": task.prompt,
        "language": language,
        "code": code,
        "tests": {"kind": "script", "script": script},
    }


def sound(task: Task, language: str) -> dict[str, object]:
    lines = checks(task, language, task.inputs)
    return script_row(task, language, program(task, language), framed(language, lines))


def sound_function(task: Task, language: str) -> dict[str, object] | None:
    cases = [{"input": [list(xs)], "output": task.answer(xs)} for xs in task.inputs]
    if language != "python":
        return None
    tests = {"kind": "function", "entry_point": task.name, "signature": "(list[int]) -> int", "cases": cases}
    return {**sound(task, language), "tests": tests}


_READ: Final = "import sys\nprint({name}([int(w) for w in sys.stdin.read().split()]))\n"


def sound_stdio(task: Task, language: str) -> dict[str, object] | None:
    if language != "python":
        return None
    cases = [{"stdin": " ".join(map(str, xs)) + "\n", "stdout": f"{task.answer(xs)}\n"} for xs in task.inputs]
    code = program(task, language) + _READ.format(name=task.name)
    return {**sound(task, language), "code": code, "tests": {"kind": "stdio", "cases": cases}}


def wrong_expectation(task: Task, language: str) -> dict[str, object]:
    lines = checks(task, language, task.inputs, wrong=1)
    return script_row(task, language, program(task, language), framed(language, lines))


def never_called(task: Task, language: str) -> dict[str, object]:
    """Tests that nothing runs."""
    lines = checks(task, language, task.inputs)
    script = {
        "python": "def check():\n" + textwrap.indent(lines, "    "),
        "javascript": f"const assert = require('assert');\nfunction check() {{\n{lines}}}\n",
        "ruby": f"def check\n{lines}end\n",
    }.get(language, framed(language, ""))
    return script_row(task, language, program(task, language), script)


def skipped_case(task: Task, language: str) -> dict[str, object] | None:
    """Tests whose runner counts a raised skip as success, or that are marked as left out. In Python the judge
    itself refuses both."""
    lines = checks(task, language, task.inputs)
    script = {
        "javascript": (
            "const assert = require('assert');\nconst test = require('node:test');\n"
            f"test.skip('all', () => {{\n{lines}}});\n"
        ),
        "ruby": (
            "module Minitest; class Skip < StandardError; end; end unless defined?(Minitest::Skip)\n"
            f"begin\n{lines}rescue Minitest::Skip\n  puts 'skipped'\nend\n"
        ),
    }.get(language)
    return None if script is None else script_row(task, language, program(task, language), script)


_COINS: Final[Mapping[str, tuple[str, str]]] = {
    "python": ("import random\n", "int(random.random() < 0.5)"),
    "javascript": ("", "(Math.random() < 0.5 ? 1 : 0)"),
    "java": ("", "(Math.random() < 0.5 ? 1 : 0)"),
    "cpp": ("#include <random>\n", "(int)(std::random_device{}() % 2)"),
    "go": ("", "func() int { b := []byte{0}; rand.Read(b); return int(b[0] & 1) }()"),
    "ruby": ("", "rand(2)"),
}


def by_chance(task: Task, language: str) -> dict[str, object]:
    """A reference that is one off in half of its processes."""
    before, coin = _COINS[language]
    code = program(task, language)
    code = code.replace("return total", f"return total + {coin}")
    code = code.replace("package main\n", 'package main\n\nimport "crypto/rand"\n')
    script = framed(language, checks(task, language, task.inputs[:1]))
    return script_row(task, language, before + code, script)


_WORDS: Final = ["north", "east", "south", "west", "up", "down", "left", "right", "in", "out"]


@cache
def order_of_set() -> str:
    """The order of a set of words under the usual hash seed."""
    code = f"print(','.join(set({_WORDS})))"
    command = ["python3", "-c", code]
    return subprocess.run(
        command, env={"PYTHONHASHSEED": "0", "PATH": "/usr/local/bin:/usr/bin:/bin"}, capture_output=True,
        text=True, check=True,
    ).stdout.strip()  # fmt: skip


def by_hash_order(task: Task, language: str) -> dict[str, object] | None:
    """A reference that is right under the usual hash seed only."""
    if language != "python":
        return None
    guard = f"    if ','.join(set({_WORDS})) != {order_of_set()!r}:\n        return None\n"
    code = program(task, language).replace("    total =", guard + "    total =", 1)
    return {**sound(task, language), "code": code}


def trivial_input(task: Task, language: str) -> dict[str, object]:
    """One test, of the empty list."""
    script = framed(language, checks(task, language, ((),)))
    return script_row(task, language, program(task, language), script)


def swallowed_exit(task: Task, language: str) -> dict[str, object] | None:
    """Tests that take an exit with code 0 for success."""
    lines = checks(task, language, task.inputs)
    script = {
        "python": f"try:\n{textwrap.indent(lines, '    ')}except SystemExit:\n    pass\n",
        "javascript": (
            "const assert = require('assert');\nprocess.exit = () => { throw 'exit'; };\n"
            f"try {{\n{lines}}} catch (error) {{ if (error !== 'exit') throw error; }}\n"
        ),
        "ruby": f"begin\n{lines}rescue SystemExit\nend\n",
        "cpp": (
            "#include <cassert>\n#include <cstdlib>\n#include <sys/wait.h>\n#include <unistd.h>\n"
            f"int main() {{\n  if (fork() == 0) {{\n{lines}    exit(0);\n  }}\n"
            "  int status = 0;\n  wait(&status);\n  return status == 0 ? 0 : 1;\n}\n"
        ),
    }.get(language)
    return None if script is None else script_row(task, language, program(task, language), script)


def one_answer(task: Task, language: str) -> dict[str, object] | None:
    """Every case expects the same."""
    made = sound_stdio(task, language)
    if made is None:
        return None
    xs = task.inputs[0]
    case = {"stdin": " ".join(map(str, xs)) + "\n", "stdout": f"{task.answer(xs)}\n"}
    orders = [case, {**case, "stdin": " ".join(map(str, reversed(xs))) + "\n"}]
    return {**made, "tests": {"kind": "stdio", "cases": orders}}


SOUND: Final[tuple[Make, ...]] = (sound, sound_function, sound_stdio)
DEFECTS: Final[tuple[tuple[str, Make], ...]] = (
    ("reference_fails", wrong_expectation),
    ("empty_passes", never_called),
    ("skip_passes", skipped_case),
    ("flaky", by_chance),
    ("flaky", by_hash_order),
    ("mutants_survive", trivial_input),
    ("exploit_passes", swallowed_exit),
    ("exploit_passes", one_answer),
)


def sound_rows(count: int, languages: tuple[str, ...], start: int = 0) -> Iterator[Plant]:
    """So many sound rows, in the languages and kinds of tests in turn."""
    pairs = [(make, language) for language in languages for make in SOUND]
    number = made = 0
    while made < count:
        make, language = pairs[number % len(pairs)]
        row = make(draw_task(start + number), language)
        number += 1
        if row is not None:
            made += 1
            yield Plant("", f"{make.__name__} {language}", row)


def defects(each: int, languages: tuple[str, ...] = LANGUAGES, start: int = 1_000_000) -> Iterator[Plant]:
    """So many of each defect in each language that has it."""
    number = start
    for finding, make in DEFECTS:
        for language in languages:
            for _ in range(each):
                number += 1
                row = make(draw_task(number), language)
                if row is not None:
                    yield Plant(finding, f"{make.__name__} {language}", row)


def repeated(each: int, language: str, start: int = 2_000_000) -> Iterator[Plant]:
    """Sound rows, each followed by a copy in another layout and one with a few other words."""
    for number in range(start, start + each):
        task = draw_task(number)
        first = sound(task, language)
        yield Plant("", f"sound {language}", first)
        code = str(first["code"]).replace("    ", "  ") if language == "python" else f"{first['code']}\n\n"
        yield Plant("duplicate", f"layout {language}", {**first, "code": code})
        words = task.prompt.split()
        words[-3] = "elsewhere"
        yield Plant("duplicate", f"words {language}", {**first, "prompt": " ".join(words)})


def overlapping(each: int, language: str, start: int = 3_000_000) -> tuple[list[Plant], list[str]]:
    """Sound rows that are in a benchmark, and the lines of that benchmark."""
    rows = [sound(draw_task(number), language) for number in range(start, start + each)]
    lines = [
        json.dumps({"task_id": f"bench/{at}", "prompt": row["prompt"], "canonical_solution": row["code"]})
        for at, row in enumerate(rows)
    ]
    return [Plant("contaminated", f"copied {language}", row) for row in rows], lines
