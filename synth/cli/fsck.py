"""`codemill fsck RUN`: check every file of a run, and with `--repair` reopen what is damaged.

The one rule: exit code 1 says that something is damaged and was not repaired.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import AsJson
from synth.cli.printing import print_json, print_table, print_text
from synth.cli.run_options import RunName, RunsDir, find_run

if TYPE_CHECKING:
    from synth.store.fsck import FsckReport

_RUNS = Path("runs")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fsck)


def fsck(
    run: RunName = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Set damaged files aside, so that the same command makes them again."),
    ] = False,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
) -> None:
    """Check the checksums of every file of a run. Changes nothing without --repair, and needs no engine."""
    from synth.store.fsck import check_run
    from synth.store.repair import repair_run

    named = runs_dir / run if run else None
    folder = named if named is not None and named.is_dir() else find_run(runs_dir, run)
    report = check_run(folder)
    done = repair_run(folder, report.damaged) if repair and report.damaged else []
    if as_json:
        print_json(
            {
                "run": folder.name,
                "files": report.counts,
                "unsealed": report.unsealed,
                "damaged": report.damaged,
                "done": done,
            }
        )
    else:
        _print_report(folder, report, done)
    if report.damaged and not done:
        raise typer.Exit(1)


def _print_report(folder: Path, report: "FsckReport", done: list[str]) -> None:
    whole = ", ".join(f"{count} {kind}" for kind, count in report.counts.items() if count)
    print_text(f"{folder.name}: whole: {whole or 'no files'}")
    if report.unsealed:
        print_text(
            f"{report.unsealed} of them have no checksum, since an older version wrote them: they can be "
            "read, but a wrong bit in them would not be seen"
        )
    if not report.damaged:
        print_text("nothing is damaged")
        return
    rows = [[one.kind, one.path, one.problem] for one in report.damaged]
    print_table(["kind", "damaged file", "what is wrong"], rows)
    if not done:
        print_text("fix: the same command with --repair sets these aside, so that they can be made again")
        return
    for line in done:
        print_text(line)
    print_text("Damaged files lie in damaged/. Rerun the command that made the run to make the rest again.")
