"""MBPP: `test_list` of assertions, after `test_setup_code` or `test_imports`; Python. Samples are whole
programs by any name, also between the `[BEGIN]` and `[DONE]` of the usual few-shot prompt."""

import re
from typing import Final

from synth.verify.formats.spec import (
    BenchmarkSample,
    Fields,
    Format,
    RowParts,
    read_sample,
    refuse,
    texts,
)

_BEGIN: Final = re.compile(r"\A\s*\[BEGIN\][ \t]*\n?")
_DONE: Final = re.compile(r"^[ \t]*\[DONE\].*", re.MULTILINE | re.DOTALL)
_CALLED: Final = re.compile(r"(\w+)\s*\(")
_WRAPPERS: Final = frozenset(
    {"set", "sorted", "list", "tuple", "len", "round", "abs", "isclose", "dict", "str"}
)


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The assertions, one after the other."""
    tests = texts(problem, "test_list")
    if not tests:
        raise refuse("field test_list", "has no assertions")
    lines = [str(problem.get("test_setup_code") or ""), *texts(problem, "test_imports"), *tests]
    read = read_sample(sample._replace(text=without_marks(sample.text)), "python", called_function(tests[0]))
    tests_part = {"kind": "script", "script": "\n".join(lines) + "\n"}
    return RowParts("python", read.code, tests_part, note=read.note)


def without_marks(text: str) -> str:
    """What stands between the marks of the few-shot prompt; all of it where there are none."""
    return _DONE.sub("", _BEGIN.sub("", text))


def called_function(test: str) -> str:
    """The function that an assertion calls."""
    names = (found[1] for found in _CALLED.finditer(test))
    return next((name for name in names if name not in _WRAPPERS and name != "assert"), "")


FORMAT = Format(name="mbpp", title="MBPP", prefix="Mbpp/", convert=convert)
