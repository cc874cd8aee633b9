"""A program that raises where the suite expects an error passes, in the usual way of each language."""

from typing import Any

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.verdict import judge
from synth.records import Case, EvidenceRank, ExecutionRequest, FunctionContract, Outcome, TestSuite
from tests.builders import Run
from tests.languages.toolchains import need

HALVES = {
    "python": "def half(n):\n    if n < 0:\n        raise ValueError('negative')\n    return n // 2",
    "javascript": "function half(n) {\n  if (n < 0) throw new RangeError('negative')\n"
    "  return Math.floor(n / 2)\n}",
    "typescript": "function half(n: number): number {\n  if (n < 0) throw new RangeError('negative')\n"
    "  return Math.floor(n / 2)\n}",
    "java": "static long half(long n) {\n"
    '    if (n < 0) throw new IllegalArgumentException("negative");\n    return n / 2;\n}',
    "cpp": "#include <stdexcept>\nlong long half(long long n) {\n"
    '    if (n < 0) throw std::invalid_argument("negative");\n    return n / 2;\n}',
    "go": 'func half(n int) int {\n\tif n < 0 {\n\t\tpanic("negative")\n\t}\n\treturn n / 2\n}',
    "rust": 'fn half(n: i64) -> i64 {\n    if n < 0 {\n        panic!("negative");\n    }\n    n / 2\n}',
    "ruby": "def half(n)\n  raise ArgumentError, 'negative' if n < 0\n  n / 2\nend",
    "php": "function half($n) {\n"
    "    if ($n < 0) throw new InvalidArgumentException('negative');\n    return intdiv($n, 2);\n}",
    "kotlin": 'fun half(n: Long): Long {\n    require(n >= 0) { "negative" }\n    return n / 2\n}',
    "csharp": "static long half(long n) {\n"
    '    if (n < 0) throw new System.ArgumentException("negative");\n    return n / 2;\n}',
}
SUITE = TestSuite(
    task_id="t",
    contract=FunctionContract(entry_point="half", signature="(int) -> int"),
    cases=(
        Case(arguments=("i7",), expected="i3"),
        Case(arguments=("i-1",), raises="ValueError"),
        Case(arguments=("i0",), expected="i0"),
    ),
    rank=EvidenceRank.REFERENCE,
)


@pytest.mark.parametrize("language", HALVES)
def test_an_error_is_the_right_answer_and_the_next_call_is_made(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    request = ExecutionRequest(id="r", language=language, code=HALVES[language], call=SUITE.call())
    verdict = judge(run(local_sandbox.execute([request]))[0], SUITE, "s")
    assert (verdict.outcome, verdict.passed) == (Outcome.PASS, 3), verdict.first_failure
