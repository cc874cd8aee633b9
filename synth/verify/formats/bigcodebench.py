"""BigCodeBench: `code_prompt`, `complete_prompt`, `test` (a unittest class `TestCases`) and `entry_point`;
Python. Samples are whole programs (`solution`), or continue the complete prompt.

Its tests need many packages (`libs` names them). The one rule is that of its own evaluation: the code prompt
with an empty body stands before a whole program, and every test of the class has to pass.
"""

from typing import Final

from synth.verify.formats.python_prompts import placed_after
from synth.verify.formats.spec import (
    BenchmarkSample,
    Fields,
    Format,
    RowParts,
    completed,
    need,
    read_sample,
)

_GIVEN: Final = "import os, sys; from os import environ"
_RUN: Final = """
def _codemill_run_tests():
    import unittest

    result = unittest.TestResult()
    unittest.TestLoader().loadTestsFromTestCase(TestCases).run(result)
    issues = [*result.failures, *result.errors]
    assert result.testsRun, "TestCases has no tests"
    assert not issues, f"{issues[0][0]}: {issues[0][1].strip()[-400:]}"


_codemill_run_tests()
"""


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The tests of the class, run as the harness runs them."""
    name = need(problem, "entry_point")
    read = read_sample(sample, "python", name)
    if read.whole:
        code = placed_after(f"{need(problem, 'code_prompt')}\n    pass", read.code)
    else:
        code = completed(need(problem, "complete_prompt"), read)
    script = f"{need(problem, 'test')}\n{_RUN}"
    tests = {"kind": "script", "script": script}
    return RowParts("python", placed_after(_GIVEN, code), tests, note=read.note)


FORMAT = Format(
    name="bigcodebench",
    title="BigCodeBench",
    aliases=("bcb", "bigcodebench-hard"),
    packages="bigcodebench",
    convert=convert,
)
