"""`codemill audit`: a data set in, findings about its references, tests and rows out.

The one rule: the command ends with 0 only if no defect was found. After an interruption, the same command
resumes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import AsJson
from synth.cli.execution_options import ExecutionOptions, MayRaiseLimits, Workers, with_execution_options
from synth.cli.rows_done import RowsDone
from synth.errors import Problem, StoreError, UserError

if TYPE_CHECKING:
    from synth.audit.findings import AuditReport


def audit(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A data set with tests: JSON Lines (also .gz), JSON, Parquet or Arrow."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The report, in JSON; a page stands beside it. Default: FILE.audit.json."
        ),
    ] = None,
    benchmarks: Annotated[
        list[Path] | None,
        typer.Option(
            "--against", metavar="FILE", help="A benchmark, in JSON Lines, that rows may not overlap with."
        ),
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="Language of rows that do not name one.")] = None,
    workers: Workers = 0,
    row_limits: MayRaiseLimits = False,
    as_json: AsJson = False,
    *,
    execution: ExecutionOptions,
) -> None:
    """Find defects of a data set: wrong references, tests that accept anything, repeated rows."""
    import asyncio

    from synth.audit.audit import AuditOptions
    from synth.audit.audit import audit as run_audit
    from synth.audit.page import render_page

    out = out or file.with_name(f"{file.name}.audit.json")
    page, unfinished = out.with_suffix(".md"), out.with_name(f"{out.name}.unfinished")
    _refuse_same(file, out, page)
    limits = execution.limits()
    sandbox, _ = execution.sandbox(workers)
    options = AuditOptions(limits, row_limits, lang or "", tuple(benchmarks or ()))
    report = asyncio.run(run_audit(file, sandbox, options, unfinished, RowsDone()))
    text = report.model_dump_json(indent=1) + "\n"
    try:
        out.write_text(text, encoding="utf-8")
        page.write_text(render_page(report), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            Problem(f"-o {out}", f"cannot be written: {error.strerror}", "give -o another name")
        ) from None
    unfinished.unlink(missing_ok=True)
    print(text, end="") if as_json else _show(report, out, page)
    if any(finding.found for finding in report.findings if finding.severity == "defect"):
        raise typer.Exit(1)


def _refuse_same(file: Path, *outputs: Path) -> None:
    for out in outputs:
        if out.exists() and file.exists() and out.samefile(file):
            raise UserError(Problem(f"-o {out}", "must not be the data itself", "give -o another name"))


def _show(report: "AuditReport", out: Path, page: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report.data.rows} rows, read as {report.data.shape}", title_justify="left")
    for name in ("finding", "rows", "of", "95% interval"):
        table.add_column(name, justify="left" if name == "finding" else "right")
    for finding in report.findings:
        low, high = finding.interval
        interval = f"{100 * low:.1f} to {100 * high:.1f}%" if finding.tried else "not tried"
        words = "" if finding.severity == "defect" else " (exposure)"
        table.add_row(finding.title + words, str(finding.found), str(finding.tried), interval)
    console = Console()
    console.print(table)
    left = sum(one.count for one in report.untried)
    if left:
        console.print(f"{left} times something could not be tried; the page says why")
    console.print(f"{out}\n{page}", soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_execution_options(audit))
