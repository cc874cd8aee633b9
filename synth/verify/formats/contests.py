"""What contest formats share: cases over stdin and stdout, calls with values, and the imports that graders
give to Python programs."""

import re
from collections.abc import Sequence
from typing import Final

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


def with_imports(sample: BenchmarkSample, language: str) -> str:
    """A Python program behind one line of imports; others as they are."""
    plain = language != "python" or sample.text.lstrip().startswith("from __future__")
    return sample.text if plain else f"{_PRELUDE}\n{sample.text}"


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


def calls(entry_point: str, inputs: Sequence[object], outputs: Sequence[object]) -> Fields:
    """Tests by calls; the format states no types, so values are compared as JSON compares
    them. Raises RowError."""
    rows = [list(row) if isinstance(row, list | tuple) else [row] for row in inputs]
    if not rows or len(rows) != len(outputs) or len({len(row) for row in rows}) != 1:
        raise refuse(
            f"{len(inputs)} inputs and {len(outputs)} outputs",
            "must be equal in number, with at least one of each, and every call must have as many arguments",
        )
    signature = f"({', '.join(['any'] * len(rows[0]))}) -> any"
    cases = [{"input": row, "output": output} for row, output in zip(rows, outputs, strict=True)]
    return {"kind": "function", "entry_point": entry_point, "signature": signature, "cases": cases}


def _text(value: object) -> str:
    """Some editions hold lines where others hold the text."""
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
