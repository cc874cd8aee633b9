"""Controls: each one runs and fails on a suite that means something, and a suite that accepts one is named."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import pytest

from synth.execution.controls import MUTANTS, accepted_of, control_programs, mutants
from synth.execution.local import LocalSandbox
from synth.execution.verify import verify
from synth.execution.verify_rows import Prepared, prepare, read_row
from synth.languages.registry import all_languages, get_language
from synth.records import Limits, Outcome, Phase
from tests.languages.test_scripts import SHEETS
from tests.languages.toolchains import need

Run = Callable[[Coroutine[Any, Any, Any]], Any]

STATED: Final = [language.name for language in all_languages() if language.controls]
DRIVEN: Final = [name for name in STATED if get_language(name).driver]
SUITES: Final = {
    "an int": ("(int) -> int", [{"input": [3], "output": 16}, {"input": [0], "output": 7}]),
    "a list": ("(list[int]) -> list[int]", [{"input": [[1, 2]], "output": [2, 1]}]),
    "a text": ("(str) -> str", [{"input": ["ab"], "output": "ba"}]),
}


def row(language: str, tests: dict[str, object], code: str = "") -> Prepared:
    return prepare(read_row({"id": "x", "language": language, "code": code, "tests": tests}, "a test"), "a test", Limits(cpu_s=5), 1, 7)


def function_row(language: str, suite: str) -> Prepared:
    signature, cases = SUITES[suite]
    return row(language, {"kind": "function", "entry_point": "solve", "signature": signature, "cases": cases})


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("language", DRIVEN)
def test_every_control_of_a_function_compiles_and_none_is_accepted(
    language: str, suite: str, local_sandbox: LocalSandbox, run: Run
) -> None:
    need(language)
    prepared = function_row(language, suite)
    programs = control_programs(get_language(language), prepared.request.call)
    assert len(programs) >= 4
    assert run(accepted_of(prepared, programs, local_sandbox)) == ()
    requests = [prepared.request.model_copy(update={"id": name, "code": code}) for name, code in programs.items() if code]
    seen = run(local_sandbox.execute(requests))
    assert [(one.request_id, one.stderr.head) for one in seen if one.phase is not Phase.RUN or one.infrastructure] == []


@pytest.mark.parametrize("language", STATED)
def test_controls_of_programs_run_and_are_not_accepted(language: str, local_sandbox: LocalSandbox, run: Run) -> None:
    need(language)
    prepared = row(language, {"kind": "stdio", "cases": [{"stdin": "1\n", "stdout": "2\n"}]})
    assert run(accepted_of(prepared, control_programs(get_language(language), prepared.request.call), local_sandbox)) == ()


@pytest.mark.parametrize("language", [name for name in STATED if name in SHEETS])
def test_controls_of_scripts_are_not_accepted(language: str, local_sandbox: LocalSandbox, run: Run) -> None:
    need(language)
    prepared = row(language, {"kind": "script", "script": SHEETS[language].script})
    assert run(accepted_of(prepared, control_programs(get_language(language), prepared.request.call), local_sandbox)) == ()


def test_a_suite_that_a_stub_passes_is_named_and_a_good_one_is_not(local_sandbox: LocalSandbox) -> None:
    case = {"kind": "function", "entry_point": "f", "signature": "(int) -> int"}
    code = "def f(x):\n    return x * 2\n"
    rows = [
        {"id": "weak", "language": "python", "code": code, "tests": {**case, "cases": [{"input": [0], "output": 0}]}},
        {"id": "good", "language": "python", "code": code, "tests": {**case, "cases": [{"input": [3], "output": 6}]}},
    ]
    accepts = {answer.id: answer.accepts for answer in verify(rows, controls=True)}
    assert {"a stub", "its own argument"} <= set(accepts["weak"])
    assert accepts["good"] == ()


def test_a_suite_that_accepts_each_mutant_of_a_right_program_is_named() -> None:
    tests = {"kind": "function", "entry_point": "f", "signature": "(int, int) -> int", "cases": [{"input": [2, 2], "output": 4}]}
    (answer,) = verify([{"id": "x", "language": "python", "code": "def f(a, b):\n    return a * b\n", "tests": tests}], controls=True)
    assert (answer.verdict, answer.accepts) == (Outcome.PASS, (MUTANTS,))


def test_mutants_change_one_operator_each() -> None:
    assert mutants("def f(a, b):\n    return a + b * 2\n", "python") == [
        "def f(a, b):\n    return a - b * 2\n",
        "def f(a, b):\n    return a + b + 2\n",
    ]
    assert mutants("def f(): pass\n", "python") == []
