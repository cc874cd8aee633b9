"""What contest formats share: cases over stdin and stdout, calls with values, and the imports that graders
give to Python programs."""

import re
from collections.abc import Sequence
from typing import Final

from synth.languages.python.future_imports import put_before
from synth.verify.formats.spec import BenchmarkSample, Fields, Reading, read_sample, refuse

_STAR: Final = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools operator "
    "io sys json builtins typing"
)
_PLAIN: Final = (
    "string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, "
    "functools, operator, io, sys, json"
)
_PRELUDE: Final = f"{'; '.join(f'from {name} import *' for name in _STAR.split())}; import {_PLAIN}"


def with_imports(sample: BenchmarkSample, language: str, after: str = "") -> str:
    """A Python program behind one line of imports, and of what else its grader does `after` them; others as
    they are."""
    if language != "python":
        return sample.text
    return put_before(sample.text, f"{_PRELUDE}; {after}" if after else _PRELUDE)


def with_method(program: str, language: str, name: str) -> str:
    """A method of `Solution` under its own name, so that an imported function of that name is not
    taken for it."""
    own = language == "python" and re.search(r"^class Solution\b", program, re.MULTILINE)
    return f"{program}\n{name} = Solution().{name}\n" if own else program


def contestant(sample: BenchmarkSample, language: str) -> tuple[BenchmarkSample, Reading]:
    """The sample with the program that was read from it. The last block of an answer counts."""
    read = read_sample(sample, language, choice="last")
    return sample._replace(text=read.code), read


def language_of(sample: BenchmarkSample) -> str:
    """The language of the sample or the command; Python by default."""
    return (sample.language or "python").lower()


def stdio(inputs: Sequence[object], outputs: Sequence[object]) -> Fields:
    """Tests over stdin and stdout. Raises RowError where there are none."""
    if not inputs or len(inputs) != len(outputs):
        raise refuse(
            f"{len(inputs)} inputs and {len(outputs)} outputs",
            "must be equal in number, with at least one of each",
        )
    return {
        "kind": "stdio",
        "cases": [{"stdin": _text(i), "stdout": _text(o)} for i, o in zip(inputs, outputs, strict=True)],
    }


_PYTHON: Final = {"kind": "values", "rel": 0, "abs": 0, "equality": "python"}
"""The harnesses compare with `==`."""


def calls(
    entry_point: str,
    inputs: Sequence[object],
    outputs: Sequence[object],
    also: Sequence[Sequence[object]] = (),
) -> Fields:
    """Tests by calls; the format states no types, so values are compared as Python compares them, tuples
    being lists. `also` has the other right outputs of each call. Raises RowError."""
    rows = [list(row) if isinstance(row, list | tuple) else [row] for row in inputs]
    if not rows or len(rows) != len(outputs) or len({len(row) for row in rows}) != 1:
        raise refuse(
            f"{len(inputs)} inputs and {len(outputs)} outputs",
            "must be equal in number, with at least one of each, and every call must have as many arguments",
        )
    signature = f"({', '.join(['any'] * len(rows[0]))}) -> any"
    others = also or [()] * len(rows)
    cases = [
        {"input": row, "output": output, **({"also": other} if other else {})}
        for row, output, other in zip(rows, outputs, others, strict=True)
    ]
    return {
        "kind": "function",
        "entry_point": entry_point,
        "signature": signature,
        "cases": cases,
        "compare": _PYTHON,
    }


def _text(value: object) -> str:
    """Some editions hold lines where others hold the text."""
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
