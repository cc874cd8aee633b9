"""Function tasks in six languages, drawn from a seed: a loop with a condition and two expressions, with tests
that tell it from its mutants.

Place in the flow: `plants.py` makes rows with and without defects from them. The one rule: what a task should
return is computed here, by a reading of the same parts, and never by a program of the row.
"""

import random
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

LANGUAGES: Final = ("python", "javascript", "java", "cpp", "go", "ruby")
_WORDS: Final = (
    "harbour ledger copper meadow signal lantern orchard granite ferry willow compass archive beacon cellar "
    "dialect engine falcon glacier hollow island journal kettle lattice marble needle octave parcel quarry "
    "ribbon saddle timber umbrella vessel winter yarrow zephyr anchor basket candle dragon ember fountain "
    "garden hammer insect jacket kernel ladder mirror number oxygen planet quiver rocket shadow tunnel"
).split()


class Condition(NamedTuple):
    text: str
    holds: Callable[[int, int], bool]


class Term(NamedTuple):
    text: str
    value: Callable[[int, int], int]


CONDITIONS: Final = (
    Condition("x > K", lambda x, k: x > k),
    Condition("x < K", lambda x, k: x < k),
    Condition("x * x > K + 20", lambda x, k: x * x > k + 20),
    Condition("x + K > 3", lambda x, k: x + k > 3),
    Condition("x - K < 2", lambda x, k: x - k < 2),
)
TERMS: Final = (
    Term("x * K", lambda x, k: x * k),
    Term("x + K", lambda x, k: x + k),
    Term("x - K", lambda x, k: x - k),
    Term("x * x + K", lambda x, k: x * x + k),
    Term("K - x", lambda x, k: k - x),
    Term("x * 3 - K", lambda x, k: x * 3 - k),
)


class Task(NamedTuple):
    """One function `(list of int) -> int`."""

    name: str
    prompt: str
    condition: tuple[Condition, int]
    then: tuple[Term, int]
    otherwise: tuple[Term, int]
    start: int
    inputs: tuple[tuple[int, ...], ...]

    def answer(self, xs: tuple[int, ...]) -> int:
        """What the function should return."""
        total = self.start
        for x in xs:
            holds = self.condition[0].holds(x, self.condition[1])
            term, k = self.then if holds else self.otherwise
            total += term.value(x, k)
        return total


def draw_task(number: int, seed: int = 0) -> Task:
    """The task of that number."""
    rng = random.Random(f"{seed} {number}")
    then, otherwise = rng.sample(TERMS, 2)
    return Task(
        name="_".join(rng.sample(_WORDS, 3)),
        prompt=f"Task {number}: {' '.join(rng.choices(_WORDS, k=60))}.",
        condition=(rng.choice(CONDITIONS), rng.randint(1, 9)),
        then=(then, rng.randint(2, 40)),
        otherwise=(otherwise, rng.randint(2, 40)),
        start=rng.randint(1, 60),
        inputs=tuple(tuple(rng.randint(-12, 12) for _ in range(rng.randint(3, 9))) for _ in range(8)),
    )


_PROGRAMS: Final[Mapping[str, str]] = {
    "python": (
        "def NAME(xs):\n    total = START\n    for x in xs:\n        if COND:\n            total += THEN\n"
        "        else:\n            total += ELSE\n    return total\n"
    ),
    "javascript": (
        "function NAME(xs) {\n  let total = START;\n  for (const x of xs) {\n    if (COND) {\n"
        "      total += THEN;\n    } else {\n      total += ELSE;\n    }\n  }\n  return total;\n}\n"
    ),
    "java": (
        "import java.util.*;\n\nclass Solution {\n  static int NAME(int[] xs) {\n    int total = START;\n"
        "    for (int x : xs) {\n      if (COND) {\n        total += THEN;\n      } else {\n"
        "        total += ELSE;\n      }\n    }\n    return total;\n  }\n}\n"
    ),
    "cpp": (
        "#include <vector>\nusing namespace std;\n\nint NAME(vector<int> xs) {\n  int total = START;\n"
        "  for (int x : xs) {\n    if (COND) {\n      total += THEN;\n    } else {\n      total += ELSE;\n"
        "    }\n  }\n  return total;\n}\n"
    ),
    "go": (
        "package main\n\nfunc NAME(xs []int) int {\n\ttotal := START\n\tfor _, x := range xs {\n"
        "\t\tif COND {\n\t\t\ttotal += THEN\n\t\t} else {\n\t\t\ttotal += ELSE\n\t\t}\n\t}\n"
        "\treturn total\n}\n"
    ),
    "ruby": (
        "def NAME(xs)\n  total = START\n  xs.each do |x|\n    if COND\n      total += THEN\n    else\n"
        "      total += ELSE\n    end\n  end\n  return total\nend\n"
    ),
}


def program(task: Task, language: str) -> str:
    """The right program."""
    parts: dict[str, tuple[Condition | Term, int]] = {
        "COND": task.condition,
        "THEN": task.then,
        "ELSE": task.otherwise,
    }
    code = _PROGRAMS[language].replace("NAME", task.name).replace("START", str(task.start))
    for word, (part, k) in parts.items():
        code = code.replace(word, part.text.replace("K", str(k)))
    return code


def _list(xs: tuple[int, ...], opening: str, closing: str) -> str:
    return opening + ", ".join(map(str, xs)) + closing


_CALLS: Final[Mapping[str, tuple[str, str, str]]] = {
    "python": ("NAME(LIST)", "[", "]"),
    "javascript": ("NAME(LIST)", "[", "]"),
    "java": ("Solution.NAME(LIST)", "new int[]{", "}"),
    "cpp": ("NAME(LIST)", "{", "}"),
    "go": ("NAME(LIST)", "[]int{", "}"),
    "ruby": ("NAME(LIST)", "[", "]"),
}
_CHECKS: Final[Mapping[str, str]] = {
    "python": "assert CALL == WANTED\n",
    "javascript": "assert.strictEqual(CALL, WANTED);\n",
    "java": "    if (CALL != WANTED) throw new AssertionError();\n",
    "cpp": "  assert(CALL == WANTED);\n",
    "go": '\tif CALL != WANTED {\n\t\tpanic("assertion failed")\n\t}\n',
    "ruby": "raise 'assertion' unless CALL == WANTED\n",
}
_FRAMES: Final[Mapping[str, tuple[str, str]]] = {
    "python": ("", ""),
    "javascript": ("const assert = require('assert');\n", ""),
    "java": ("public class Main {\n  public static void main(String[] words) {\n", "  }\n}\n"),
    "cpp": ("#include <cassert>\nint main() {\n", "}\n"),
    "go": ("func main() {\n", "}\n"),
    "ruby": ("", ""),
}


def checks(task: Task, language: str, inputs: tuple[tuple[int, ...], ...], wrong: int = 0) -> str:
    """One line of tests for each input. `wrong` is added to what the last one expects."""
    call, opening, closing = _CALLS[language]
    lines = []
    for at, xs in enumerate(inputs):
        wanted = task.answer(xs) + (wrong if at == len(inputs) - 1 else 0)
        text = call.replace("NAME", task.name).replace("LIST", _list(xs, opening, closing))
        lines.append(_CHECKS[language].replace("CALL", text).replace("WANTED", str(wanted)))
    return "".join(lines)


def framed(language: str, lines: str) -> str:
    """A test script that runs these lines."""
    before, after = _FRAMES[language]
    return before + lines + after
