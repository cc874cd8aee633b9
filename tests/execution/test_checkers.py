"""Checkers: programs that decide which outputs are right, and what becomes of those that fail themselves."""

from pathlib import Path

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.records import Limits, Outcome
from synth.verify.answers import VerifyResult
from synth.verify.verify import verify
from tests.execution.checker_programs import PROGRAMS
from tests.languages.toolchains import need

SUM = """import sys
n = int(open(sys.argv[1]).read())
a, b = map(int, open(sys.argv[2]).read().split())
print("sum", a + b, file=sys.stderr)
sys.exit(0 if a + b == n else 1)
"""
SUM_IN_C = """#include <stdio.h>
int main(int count, char **names) {
    long n, a, b;
    if (count != 4 || fscanf(fopen(names[1], "r"), "%ld", &n) != 1) return 3;
    if (fscanf(fopen(names[2], "r"), "%ld %ld", &a, &b) != 2) return 1;
    return a + b != n;
}
"""
RIGHT, WRONG = "n = int(input())\nprint(2, n - 2)", "n = int(input())\nprint(2, n)"


def answer_to(sandbox: LocalSandbox, row: dict[str, object], cache: Path | None = None) -> VerifyResult:
    (answer,) = verify([row], sandbox=sandbox, cache=cache)
    return answer


def checked_row(code: str, checker: str, language: str = "python") -> dict[str, object]:
    cases = [{"stdin": "4\n", "stdout": "1 3\n"}, {"stdin": "9\n", "stdout": "1 8\n"}]
    rule = {"kind": "checker", "language": language, "code": checker}
    tests = {"kind": "stdio", "cases": cases, "compare": rule}
    return {"id": "r", "language": "python", "code": code, "tests": tests}


@pytest.mark.parametrize(("language", "checker"), [("python", SUM), ("c", SUM_IN_C)])
def test_a_checker_accepts_any_right_output_and_refuses_the_others(
    local_sandbox: LocalSandbox, language: str, checker: str
) -> None:
    right = answer_to(local_sandbox, checked_row(RIGHT, checker, language))
    assert (right.verdict, right.passed, right.reason) == (Outcome.PASS, 2, "")
    wrong = answer_to(local_sandbox, checked_row(WRONG, checker, language))
    assert (wrong.verdict, wrong.passed) == (Outcome.WRONG_ANSWER, 0)
    assert "the checker refused" in wrong.reason


def test_each_case_is_checked_by_itself_and_the_words_of_the_refusal_are_shown(
    local_sandbox: LocalSandbox,
) -> None:
    answer = answer_to(local_sandbox, checked_row("n = int(input())\nprint(2, 2)", SUM))
    assert (answer.verdict, answer.passed, answer.total) == (Outcome.WRONG_ANSWER, 1, 2)
    assert [case.passed for case in answer.cases] == [True, False]
    assert answer.reason == "case 1: the checker refused the output. sum 4"


@pytest.mark.parametrize(
    ("checker", "words"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit(2)", "exit code 2"),
        ("while True: pass", "cpu limit"),
        ("x = bytearray(10**10)", "memory"),
        ("def (", "does not parse"),
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
    ],
)
def test_a_checker_that_fails_is_at_fault_itself(
    local_sandbox: LocalSandbox, checker: str, words: str
) -> None:
    (answer,) = verify([checked_row(WRONG, checker)], sandbox=local_sandbox, limits=Limits(cpu_s=1))
    assert answer.verdict is Outcome.INFRASTRUCTURE
    assert "checker" in answer.reason
    assert words.lower() in answer.reason.lower()


def test_the_programs_own_end_is_told_whatever_the_checker_does(local_sandbox: LocalSandbox) -> None:
    crashed = answer_to(local_sandbox, checked_row("print(1)\n1 / 0", "1 / 0"))
    assert crashed.verdict is Outcome.RUNTIME_ERROR
    unparsed = answer_to(local_sandbox, checked_row("def (", "1 / 0"))
    assert unparsed.verdict is Outcome.PARSE_ERROR


def test_the_outputs_are_data_and_nothing_of_the_program_is_there(local_sandbox: LocalSandbox) -> None:
    look = """import sys
given, found, expected = (open(name, newline="").read() for name in sys.argv[1:])
assert (given, expected) == ("4\\n", "1 3\\n") or given == "9\\n", (given, expected)
assert found == "$(touch /tmp/x)'; \\u00e9\\r\\n\\0 0 0\\n", found
assert sys.stdin.read() == ""
import os
assert not os.path.exists("/tmp/left"), os.listdir("/tmp")
"""
    leave = "open('/tmp/left', 'w').write('x')\nprint(\"$(touch /tmp/x)'; \\u00e9\\r\\n\\0 0 0\")"
    answer = answer_to(local_sandbox, checked_row(leave, look))
    assert answer.verdict is Outcome.PASS, answer.reason


def test_output_that_is_no_text_is_wrong_without_asking(local_sandbox: LocalSandbox) -> None:
    bytes_only = "import sys\nsys.stdout.buffer.write(b'\\xff')"
    answer = answer_to(local_sandbox, checked_row(bytes_only, "import sys; sys.exit(0)"))
    assert answer.verdict is Outcome.WRONG_ANSWER


def test_a_kept_result_is_judged_by_the_rule_of_its_own_row(
    local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    cases = [{"stdin": "", "stdout": "2\n"}]
    verdicts = {
        str(rule): answer_to(
            local_sandbox,
            {
                "id": "r",
                "language": "python",
                "code": "print('2.0')",
                "tests": {"kind": "stdio", "cases": cases, **rule},
            },
            tmp_path,
        ).verdict
        for rule in (
            {},
            {"compare": {"kind": "tokens", "rel": 0.1}},
            {"compare": {"kind": "checker", "language": "python", "code": "import sys; sys.exit(0)"}},
            {"compare": {"kind": "checker", "language": "python", "code": "import sys; sys.exit(1)"}},
        )
    }
    wanted = [Outcome.WRONG_ANSWER, Outcome.PASS, Outcome.PASS, Outcome.WRONG_ANSWER]
    assert list(verdicts.values()) == wanted


def test_controls_are_judged_by_the_checker(local_sandbox: LocalSandbox) -> None:
    row = checked_row(RIGHT, "import sys; sys.exit(0)")
    (answer,) = verify([row], sandbox=local_sandbox, controls=True)
    assert answer.verdict is Outcome.PASS
    assert answer.accepts


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_crash_of_a_checker_is_no_refusal_in_any_language(
    local_sandbox: LocalSandbox, language: str
) -> None:
    need(language)
    crashing, refusing = PROGRAMS[language]
    rows = [{**checked_row(RIGHT, code, language), "id": code} for code in (crashing, refusing)]
    found = {a.id: a for a in verify(rows, sandbox=local_sandbox, limits=Limits(cpu_s=20, wall_s=200))}
    assert found[crashing].verdict is Outcome.INFRASTRUCTURE, found[crashing]
    assert "the checker ended with" in found[crashing].reason
    assert found[refusing].verdict is Outcome.WRONG_ANSWER, found[refusing]


@pytest.mark.parametrize(
    ("code", "refuses"), [(1, True), (2, True), (3, False), (4, True), (7, False), (8, True)]
)
def test_in_the_languages_of_testlib_its_exit_codes_count(
    local_sandbox: LocalSandbox, code: int, refuses: bool
) -> None:
    answer = answer_to(local_sandbox, checked_row(RIGHT, f"int main(void) {{ return {code}; }}", "c"))
    wanted = Outcome.WRONG_ANSWER if refuses else Outcome.INFRASTRUCTURE
    assert answer.verdict is wanted, answer.reason
