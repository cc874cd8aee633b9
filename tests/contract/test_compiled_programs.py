"""Compiled programs on each sandbox that runs programs: input and output through files, and checkers."""

from typing import Any

import pytest

from synth.execution.protocol import Sandbox
from synth.records import Limits, Outcome
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.checkers import run_checkers
from synth.verify.rows import prepare, read_row
from tests.builders import Run
from tests.contract.test_script_suites import cached_sandbox, e2b_sandbox, running_sandbox
from tests.languages.toolchains import need

__all__ = ["cached_sandbox", "e2b_sandbox", "running_sandbox"]

FILES = {
    "c": (
        "#include <stdio.h>\nint main(void) {\n  int a, b;\n"
        '  FILE *in = fopen("sum.in", "r"), *out = fopen("sum.out", "w");\n'
        '  if (!in || !out || fscanf(in, "%d %d", &a, &b) != 2) return 1;\n'
        '  fprintf(out, "%d\\n", a + b);\n  puts("noise");\n  return 0;\n}\n'
    ),
    "cpp": (
        "#include <fstream>\n#include <iostream>\nint main() {\n"
        '  std::ifstream in("sum.in");\n  std::ofstream out("sum.out");\n'
        '  int a, b;\n  in >> a >> b;\n  out << a + b << "\\n";\n  std::cout << "noise\\n";\n}\n'
    ),
    "go": (
        'package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tvar a, b int\n'
        '\tin, _ := os.Open("sum.in")\n\tfmt.Fscan(in, &a, &b)\n\tout, _ := os.Create("sum.out")\n'
        '\tfmt.Fprintln(out, a + b)\n\tfmt.Println("noise")\n}\n'
    ),
    "rust": (
        'use std::fs;\nfn main() {\n    let text = fs::read_to_string("sum.in").unwrap();\n'
        "    let found: i64 = text.split_whitespace().map(|w| w.parse::<i64>().unwrap()).sum();\n"
        '    fs::write("sum.out", format!("{}\\n", found)).unwrap();\n    println!("noise");\n}\n'
    ),
}
CHECKER = """#include <stdio.h>
int main(int count, char **names) {
    int a, b, found;
    if (count != 4 || fscanf(fopen(names[1], "r"), "%d %d", &a, &b) != 2) return 3;
    if (fscanf(fopen(names[2], "r"), "%d", &found) != 1) return 2;
    return found != a + b;
}
"""


async def judged(row: dict[str, object], sandbox: Sandbox) -> VerifyResult:
    prepared = prepare(read_row(row, "row"), "row", Limits(cpu_s=20, wall_s=200))
    await sandbox.start()
    observations = await sandbox.execute([prepared.request])
    (checked,) = await run_checkers(sandbox, [prepared], observations)
    return make_answer(prepared, observations[0], checked)


def row(language: str, code: str, expected: str, **more: object) -> dict[str, object]:
    cases = [{"stdin": "1 2\n", "stdout": "3\n"}, {"stdin": "20 22\n", "stdout": expected}]
    return {"id": "x", "language": language, "code": code, "tests": {"kind": "stdio", "cases": cases, **more}}


@pytest.mark.parametrize("language", FILES)
def test_a_compiled_program_reads_and_writes_its_files_in_every_sandbox(
    language: str, running_sandbox: Sandbox, run: Run[Any]
) -> None:
    need(language)
    names = {"input_file": "sum.in", "output_file": "sum.out"}
    right = run(judged(row(language, FILES[language], "42\n", **names), running_sandbox))
    if right.verdict is Outcome.TOOLCHAIN_MISSING:
        pytest.skip(f"a remote machine looks for tools elsewhere: {right.reason}")
    assert (right.verdict, right.passed) == (Outcome.PASS, 2), right.reason
    wrong = run(judged(row(language, FILES[language], "41\n", **names), running_sandbox))
    assert (wrong.verdict, wrong.passed) == (Outcome.WRONG_ANSWER, 1)


def test_a_compiled_checker_decides_in_every_sandbox(running_sandbox: Sandbox, run: Run[Any]) -> None:
    need("c")
    rule = {"kind": "checker", "language": "c", "code": CHECKER}
    found = {
        code: run(judged(row("python", code, "not compared", compare=rule), running_sandbox)).verdict
        for code in ("print(sum(map(int, input().split())))", "print(3)", "print('three')")
    }
    assert list(found.values()) == [Outcome.PASS, Outcome.WRONG_ANSWER, Outcome.WRONG_ANSWER]
