"""`codemill verify`: programs and tests in, verdicts out.

The one rule: the whole file of rows is checked before anything runs, so that bad rows are reported at once.
After an interruption, the same command resumes.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from synth.cli.app import AsJson
from synth.cli.comparison_option import ComparisonOption, read_comparison
from synth.cli.execution_options import (
    Cache,
    ExecutionOptions,
    MayRaiseLimits,
    Packages,
    Proof,
    Workers,
    read_packages,
    with_execution_options,
)
from synth.errors import Problem, UserError

if TYPE_CHECKING:
    from synth.comparison_rules import Comparison
    from synth.records import Limits
    from synth.verify.answer_file import AnswerFile
    from synth.verify.row_files import Entry
    from synth.verify.rows import RowError

_PLAIN_INTERVAL_S = 10.0


class EntrySource(Protocol):
    """Each call gives the entries from the beginning."""

    def __call__(self) -> "Iterator[Entry]": ...


def _source(file: Path, form: str | None, problems: Path | None, lang: str | None, salt: str) -> EntrySource:
    from synth.verify.row_files import file_entries

    if form is None and problems is None:
        return lambda: file_entries(file, salt)
    if form is None or problems is None:
        fix = "codemill verify samples.jsonl --format humaneval --problems problems.jsonl -o out.jsonl"
        raise UserError(
            Problem("--format and --problems", "must be given together: samples need their problems", fix)
        )
    from synth.verify.formats.samples import sample_entries

    return lambda: sample_entries(file, form, problems, lang, salt)


class _Progress:
    """A progress bar in a terminal, otherwise a line every ten seconds; on stderr."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done, self.before, self.passed = total, done, done, 0
        self._started = self._last = time.monotonic()

    @contextmanager
    def shown(self) -> "Iterator[None]":
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        console = Console(file=sys.stderr)
        self._bar: Progress | None = None
        if not console.is_terminal:
            yield
            return
        columns = (TextColumn("verify"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
        with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as self._bar:
            self._task = self._bar.add_task("verify", total=self.total, completed=self.done, note="")
            yield

    def step(self, passed: bool) -> None:
        self.done += 1
        self.passed += passed
        now = time.monotonic()
        note = f"{self.passed} passed, {self.rate(now):.0f}/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, note=note)
        elif now - self._last >= _PLAIN_INTERVAL_S:
            self._last = now
            print(f"{self.done} of {self.total} done, {note}", file=sys.stderr)

    def rate(self, now: float) -> float:
        return (self.done - self.before) / max(now - self._started, 1e-3)


def _check(
    source: EntrySource, limits: "Limits", skip_bad: bool, row_limits: bool, rule: "Comparison | None"
) -> int:
    """Read all rows once and count them. Raises RowError with all problems, unless bad rows are skipped."""
    from synth.verify.verify import check_entries, raise_all

    count, errors = check_entries(source(), limits, row_limits, rule)
    if not skip_bad:
        raise_all(errors)
    return count


def _usual_packages(form: str | None, kind: str, asked: list[str] | None) -> list[str]:
    """The ready-made set of the format, which is used where nothing else was asked for. Says what of it has
    not been built. Raises UserError."""
    from synth.packages.store import words_of_missing
    from synth.verify.formats.registry import get_format

    named = get_format(form).packages if form is not None and kind == "local" and not asked else ""
    usual = [named] if named else []
    for missing in filter(None, map(words_of_missing, usual)):
        print(missing, file=sys.stderr)
    return usual


def _refuse_same(file: Path, out: Path) -> None:
    if out.exists() and file.exists() and out.samefile(file):
        raise UserError(Problem(f"-o {out}", "must not be the file of rows itself", "give -o another name"))


class _LeftOut:
    """Reports each skipped row, and counts them."""

    count = 0

    def __call__(self, error: "RowError") -> None:
        self.count += 1
        print(f"skipped: {error}", file=sys.stderr)


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Rows, one JSON object per line; with --format, samples of a benchmark."
        ),
    ],
    out: Annotated[Path, typer.Option("--output", "-o", help="File to append the answers to.")],
    form: Annotated[
        str | None, typer.Option("--format", help="Benchmark whose samples FILE contains.")
    ] = None,
    problems: Annotated[
        Path | None,
        typer.Option(
            "--problems", help="The benchmark's problems: a JSON Lines, Parquet or Arrow file, or a folder."
        ),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", help="Language of samples that do not name one.")
    ] = None,
    workers: Workers = 0,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Skip and report rows that cannot be judged.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over: discard the answers in the output file.")
    ] = False,
    controls: Annotated[
        bool, typer.Option("--controls", help="Report rows whose tests accept a program that solves nothing.")
    ] = False,
    proof: Proof = True,
    row_limits: MayRaiseLimits = False,
    cache: Cache = None,
    as_json: AsJson = False,
    packages: Packages = None,
    comparison: ComparisonOption = None,
    *,
    execution: ExecutionOptions,
) -> None:
    """Judge many programs: rows in, verdicts out. Rerun the same command to resume."""
    from synth.cli.verify_summary import Ended, Summary
    from synth.records import Outcome
    from synth.verify.answer_file import AnswerFile
    from synth.verify.verify import settings, verify_entries

    limits = execution.limits()
    usual = _usual_packages(form, execution.kind, packages)
    sandbox, batch = execution.sandbox(workers, cache, packages, usual=usual)
    _refuse_same(file, out)
    rule = read_comparison(comparison)
    salt = settings(limits, controls, read_packages(packages), proof, rule)
    source = _source(file, form, problems, lang, salt)
    total = _check(source, limits, skip_bad, row_limits, rule)
    answers, bad, started = AnswerFile(out, fresh), _LeftOut(), time.monotonic()
    try:
        _say_what_is_done(answers, total)
        progress, summary = _Progress(total, answers.count), Summary()
        with progress.shown():
            for answer in verify_entries(
                source(), sandbox, limits, answers, bad, batch, controls, row_limits, proof, rule
            ):
                summary.add(answer)
                progress.step(answer.verdict is Outcome.PASS)
    finally:
        answers.close()
    found = Ended(
        rows=total,
        before=progress.before,
        left_out=bad.count,
        cached=getattr(sandbox, "found", 0),
        wall_s=time.monotonic() - started,
    )
    summary.show_json(answers.verdicts, found) if as_json else summary.show(answers.verdicts, found)
    if summary.needs_a_person:
        raise typer.Exit(1)


def _say_what_is_done(answers: "AnswerFile", total: int) -> None:
    if answers.count:
        print(f"{answers.count} of {total} rows already have an answer", file=sys.stderr)
    if answers.again:
        print(f"{answers.again} rows are tried again: they could not be run last time", file=sys.stderr)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_execution_options(verify))
