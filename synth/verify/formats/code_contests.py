"""CodeContests: `public_tests`, `private_tests` and `generated_tests`, each with `input` and `output`.

Samples are whole programs of any language, Python if none is said.
"""

from typing import Final

from synth.verify.formats.contests import language_of, stdio
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts

_TOKENS: Final = {"kind": "tokens", "abs": 1e-5, "ignore_case": True}
"""The rule of `OutputsMatch` in the published harness. There numbers are doubles, so that two integers beyond
2^53 may be taken for one; here they are not."""
_GROUPS = ("public_tests", "private_tests", "generated_tests")


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """All groups together; problems that need a judge of their own are compared as text like the others."""
    inputs, outputs = list[object](), list[object]()
    for group in _GROUPS:
        tests = problem.get(group)
        if isinstance(tests, dict):
            inputs += tests.get("input") or ()
            outputs += tests.get("output") or ()
        elif isinstance(tests, list):
            inputs += [test["input"] for test in tests]
            outputs += [test["output"] for test in tests]
    return RowParts(language_of(sample), sample.text, {**stdio(inputs, outputs), "compare": _TOKENS})


FORMAT = Format(
    name="code-contests",
    title="CodeContests",
    aliases=("codecontests", "code_contests"),
    key_fields=("name",),
    convert=convert,
)
