"""`python -m benchmarks.audit`: how many planted defects an audit finds, how many sound rows it blames, and
its rate.

Prints recall by kind and by plant, false alarms, and rows a second over sound Python rows alone. Exit code 1
if fewer than 99% of the defects of a kind are found, or more than 0.5% of sound rows are blamed.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.audit.plants import Plant, defects, overlapping, repeated, sound_rows
from benchmarks.audit.tasks import LANGUAGES
from synth.audit.audit import AuditOptions, audit
from synth.audit.findings import AuditReport, wilson
from synth.config import LocalSandboxConfig
from synth.execution.factory import create_sandbox

_LEAST_RECALL, _MOST_ALARMS = 0.99, 0.005
_SHOWN = 12


class Score(NamedTuple):
    """What an audit made of planted rows."""

    recall: dict[str, tuple[int, int]]
    """By finding and plant: found, planted."""
    alarms: list[str]
    """Sound rows that were blamed, with the finding."""
    sound: int
    missed: list[str]


def write_rows(path: Path, plants: Iterable[Plant]) -> None:
    """The rows of a data set, one a line."""
    path.write_text("".join(json.dumps(plant.row) + "\n" for plant in plants), encoding="utf-8")


def run_audit(path: Path, benchmarks: tuple[Path, ...] = (), workers: int = 0) -> AuditReport:
    """The report of a file, on this machine."""
    sandbox = create_sandbox(LocalSandboxConfig(workers=workers), remembered=0)
    return asyncio.run(audit(path, sandbox, AuditOptions(benchmarks=benchmarks)))


def score(plants: Sequence[Plant], report: AuditReport) -> Score:
    """What was found of what was planted. Exposures are no alarm."""
    kinds: defaultdict[int, set[str]] = defaultdict(set)
    details: dict[tuple[int, str], str] = {}
    for finding in report.findings:
        for row in finding.rows if finding.severity == "defect" else ():
            kinds[row.row].add(finding.kind)
            details[row.row, finding.kind] = row.detail
    found, planted = Counter[str](), Counter[str]()
    missed, alarms, sound = list[str](), list[str](), 0
    for number, plant in enumerate(plants, start=1):
        if not plant.finding:
            sound += 1
            alarms += [f"{plant.how}: {kind}: {details[number, kind]}" for kind in kinds[number]]
            continue
        for name in (plant.finding, f"{plant.finding}: {plant.how}"):
            planted[name] += 1
            found[name] += plant.finding in kinds[number]
        if plant.finding not in kinds[number]:
            missed.append(f"row {number}: {plant.finding}: {plant.how}; found {sorted(kinds[number])}")
    return Score({name: (found[name], planted[name]) for name in sorted(planted)}, alarms, sound, missed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant, audit, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.audit", description=__doc__)
    parser.add_argument("--each", type=int, default=20, help="defects of each kind, form and language")
    parser.add_argument("--sound", type=int, default=600, help="sound rows in all languages")
    parser.add_argument("--python", type=int, default=1000, help="sound Python rows for the rate; 0 for none")
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--workers", type=int, default=0)
    chosen = parser.parse_args(arguments)
    languages = tuple(chosen.languages.split(","))
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        good = _planted(console, Path(folder), languages, chosen)
        if chosen.python:
            _rate(console, Path(folder), chosen)
    return 0 if good else 1


def _planted(console: Console, folder: Path, languages: tuple[str, ...], chosen: argparse.Namespace) -> bool:
    copied, lines = overlapping(chosen.each, languages[0])
    plants = [
        *sound_rows(chosen.sound, languages),
        *defects(chosen.each, languages),
        *(plant for language in languages for plant in repeated(chosen.each, language)),
        *copied,
    ]
    rows, benchmark = folder / "rows.jsonl", folder / "benchmark.jsonl"
    write_rows(rows, plants)
    benchmark.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = run_audit(rows, (benchmark,), chosen.workers)
    result = score(plants, report)
    _show(console, result)
    for one in report.untried:
        console.print(f"not tried: {one.count} rows: {one.reason}", markup=False)
    total = {name: pair for name, pair in result.recall.items() if ":" not in name}
    return (
        all(found >= _LEAST_RECALL * planted for found, planted in total.values())
        and len(result.alarms) <= _MOST_ALARMS * result.sound
    )


def _show(console: Console, result: Score) -> None:
    table = Table(title="Planted defects", title_justify="left")
    for name in ("defect", "found", "planted", "95% interval"):
        table.add_column(name, justify="left" if name == "defect" else "right")
    for name, (found, planted) in result.recall.items():
        low, high = wilson(found, planted)
        table.add_row(name, str(found), str(planted), f"{100 * low:.1f} to {100 * high:.1f}%")
    console.print(table)
    low, high = wilson(len(result.alarms), result.sound)
    console.print(
        f"false alarms: {len(result.alarms)} on {result.sound} sound rows "
        f"({100 * low:.2f} to {100 * high:.2f}%)"
    )
    for line in [*result.missed[:_SHOWN], *result.alarms[:_SHOWN]]:
        console.print(line, markup=False)


def _rate(console: Console, folder: Path, chosen: argparse.Namespace) -> None:
    rows = folder / "python.jsonl"
    write_rows(rows, sound_rows(chosen.python, ("python",), start=4_000_000))
    started = time.perf_counter()
    report = run_audit(rows, workers=chosen.workers)
    wall_s = time.perf_counter() - started
    console.print(
        f"{report.data.rows} Python rows in {wall_s:.0f} s: {report.data.rows / wall_s:.1f} rows/s, "
        f"10,000 in {10_000 * wall_s / report.data.rows / 60:.1f} min"
    )


if __name__ == "__main__":
    sys.exit(main())
