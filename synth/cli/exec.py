"""`codemill exec`: runs one program in the sandbox, with an input or with tests, and prints the result.

The one rule: the program's own output goes to stdout unchanged (escaped if stdout is a terminal), everything
of ours to stderr. Exit code 0: it passed its tests, or without tests ended well. 1: it did not. 2: the
command cannot be carried out.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import AsJson
from synth.cli.comparison_option import ComparisonOption, read_comparison
from synth.cli.execution_options import ExecutionOptions, Packages, Proof, with_execution_options
from synth.cli.printing import one_line, print_json, print_table
from synth.cli.program_files import find_language, read_text
from synth.errors import Problem, UserError
from synth.plain_text import plain

if TYPE_CHECKING:
    from synth.comparison_rules import Comparison
    from synth.execution.protocol import Sandbox
    from synth.records import Limits, Observation
    from synth.verify.answers import VerifyResult
    from synth.verify.checkers import CheckerAnswer
    from synth.verify.rows import Prepared

_SEE = "docs/architecture/verify.md"


def _tests(path: Path) -> dict[str, object]:
    from synth.verify.row_files import read_object

    fix = 'write tests such as {"kind": "stdio", "cases": [{"stdin": "1 2", "stdout": "3"}]}'
    return read_object(read_text(path, "tests").encode(), f"tests {path}", fix)


async def _observe(
    prepared: "Prepared", sandbox: "Sandbox", judged: bool, proof: bool
) -> tuple["Observation", "VerifyResult"]:
    from synth.verify.checkers import run_checkers
    from synth.verify.negative_controls import SuiteControls

    try:
        await sandbox.start()
        observations = await sandbox.execute([prepared.request])
        checked = (await run_checkers(sandbox, [prepared], observations))[0]
        controls = SuiteControls(sandbox, proof=proof)
        controls.expect(prepared)
        answer = _answer(prepared, observations[0], checked, judged)
        return observations[0], await controls.judge(prepared, answer)
    finally:
        await sandbox.close()


def prepare_program(
    file: Path,
    language: str,
    stdin: str,
    tests: Path | None,
    limits: "Limits",
    comparison: "Comparison | None" = None,
) -> "Prepared":
    """The program as a row. Without tests: one run whose output is not compared. Raises UserError."""
    from synth.verify.rows import prepare, read_row

    given: dict[str, object] = (
        {"kind": "stdio", "cases": [{"stdin": stdin, "stdout": ""}]} if tests is None else _tests(tests)
    )
    row = {"id": file.name, "language": language, "code": read_text(file, "program"), "tests": given}
    where = str(tests or file)
    return prepare(read_row(row, where), where, limits, comparison=comparison)


def _answer(
    prepared: "Prepared", observation: "Observation", checked: "CheckerAnswer | None", judged: bool
) -> "VerifyResult":
    """Without tests, the actual output counts as expected, so the verdict says how the program ended."""
    from synth.verify.answers import make_answer

    if not judged and observation.cases:
        expected = observation.cases[0].output or ""
        cases = (prepared.suite.cases[0].model_copy(update={"expected": expected}),)
        prepared = prepared._replace(suite=prepared.suite.model_copy(update={"cases": cases}))
    return make_answer(prepared, observation, checked)


def _print_output(observation: "Observation", whole: str | None) -> None:
    """The program's own stdout and stderr: whole where it is at hand, else head and tail."""
    for stream, captured, text in (
        (sys.stdout, observation.stdout, whole),
        (sys.stderr, observation.stderr, None),
    ):
        cut = captured.head + (
            f"\n[… {captured.length} bytes in all …]\n{captured.tail}" if captured.tail else ""
        )
        shown = cut if text is None else text
        stream.write(plain(shown) if stream.isatty() else shown.encode("utf-8", "replace").decode("utf-8"))
        stream.flush()
        if stream.isatty() and shown and not shown.endswith("\n"):
            print(file=sys.stderr)


def _print_verdict(answer: "VerifyResult", judged: bool) -> None:
    if judged:
        rows = [
            (case.index, "pass" if case.passed else case.status, one_line(case.found), one_line(case.error))
            for case in answer.cases
        ]
        print_table(("case", "status", "found", "error"), rows)
    counted = f" {answer.passed} of {answer.total}" if judged else ""
    cost = (
        f"{answer.cpu_s:.3f} s CPU, {answer.peak_memory_mb:.0f} MiB, level {answer.level or '-'}, "
        f"{answer.toolchain or '-'}"
    )
    print(f"{answer.verdict}{counted}: {cost}", file=sys.stderr)
    if answer.reason:
        print(plain(answer.reason), file=sys.stderr)


def exec_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The program.")],
    lang: Annotated[
        str | None,
        typer.Option("--lang", help="Language of the program. Default: from the file's extension."),
    ] = None,
    stdin: Annotated[
        Path | None,
        typer.Option("--stdin", metavar="F", help="File to pass on stdin; - for the command's own stdin."),
    ] = None,
    tests: Annotated[
        Path | None,
        typer.Option("--tests", metavar="F", help="JSON file with tests of kind function, stdio or script."),
    ] = None,
    as_json: AsJson = False,
    packages: Packages = None,
    proof: Proof = True,
    comparison: ComparisonOption = None,
    *,
    execution: ExecutionOptions,
) -> None:
    """Run one program in the sandbox, with an input or with tests."""
    from synth.interruptible import run_interruptibly
    from synth.records import Outcome

    if stdin is not None and tests is not None:
        raise UserError(
            Problem("--stdin and --tests", "exclude each other: tests have their own input", "omit one", _SEE)
        )
    if comparison is not None and tests is None:
        raise UserError(
            Problem("--comparison", "needs tests, whose results it compares", "add --tests F", _SEE)
        )
    limits = execution.limits()
    given = "" if stdin is None else read_text(stdin, "stdin")
    language = find_language(file, lang)
    prepared = prepare_program(file, language, given, tests, limits, read_comparison(comparison))
    sandbox = execution.sandbox(1, packages=packages).sandbox
    observation, answer = run_interruptibly(
        lambda: _observe(prepared, sandbox, judged=tests is not None, proof=proof)
    )
    if as_json:
        print_json(
            {
                **answer.model_dump(mode="json"),
                "stdout": observation.stdout.model_dump(),
                "stderr": observation.stderr.model_dump(),
            }
        )
    else:
        whole = observation.cases[0].output if tests is None and observation.cases else None
        _print_output(observation, whole)
        _print_verdict(answer, judged=tests is not None)
    if answer.verdict is not Outcome.PASS:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("exec")(with_execution_options(exec_))
