"""CodeContests: `public_tests`, `private_tests` and `generated_tests`, each with `input` and `output`; the
problem's own time, memory and file names.

Samples are whole programs of any language, Python if none is said; the data set's own numbers and names of
languages count. Names agree between sources: a sample of such a problem states its `source`.
"""

from collections.abc import Mapping
from typing import Final

from synth.verify.formats.contests import contestant, language_of, stdio
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, refuse

_TOKENS: Final = {"kind": "tokens", "abs": 1e-5, "ignore_case": True}
"""The rule of `OutputsMatch` in the published harness. There numbers are doubles, so that two integers beyond
2^53 may be taken for one; here they are not."""
_GROUPS = ("public_tests", "private_tests", "generated_tests")
_LANGUAGES: Final = {"2": "cpp", "3": "python", "4": "java", "PYTHON3": "python"}
_LEAST_MB: Final = 64


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
    language = _language(sample)
    sample, read = contestant(sample, language)
    names = {field: problem[field] for field in ("input_file", "output_file") if problem.get(field)}
    tests = {**stdio(inputs, outputs), "compare": _TOKENS, **names}
    return RowParts(language, sample.text, tests, limits(problem), read.note)


def _language(sample: BenchmarkSample) -> str:
    if sample.language in ("0", "1", "UNKNOWN_LANGUAGE", "PYTHON"):
        said = "Python 2" if sample.language in ("1", "PYTHON") else "an unknown language"
        raise refuse(f"language = {sample.language}", f"is {said} in CodeContests, which cannot be run")
    return _LANGUAGES.get(sample.language) or language_of(sample)


def limits(problem: Fields) -> Fields:
    """The problem's limits as a row states them. Zero and nothing are no limits."""
    found: dict[str, object] = {}
    time = problem.get("time_limit")
    if isinstance(time, Mapping):
        seconds = float(time.get("seconds") or 0) + float(time.get("nanos") or 0) / 1e9
        if seconds > 0:
            found["cpu_s"] = seconds
    memory = problem.get("memory_limit_bytes")
    if isinstance(memory, int) and memory > 0:
        found["memory_mb"] = max(_LEAST_MB, memory >> 20)
    return found


FORMAT = Format(
    name="code-contests",
    title="CodeContests",
    aliases=("codecontests", "code_contests"),
    key_fields=("name",),
    told_apart=("source",),
    convert=convert,
)
