"""`python -m benchmarks.executor`: the executor's cost compared with the bare toolchains, and its endurance.

`--only speed` or another part runs only that part. Exit code 1 if a count that must be 0 is not; a ratio
that misses its aim is marked in the output. Compare ratios from one run on a quiet machine, never seconds
from different runs.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.executor.endurance import hold_out, killed_supervisor
from benchmarks.executor.launcher import launcher_rows
from benchmarks.executor.row import Row
from benchmarks.executor.speed import MODES, speed_rows
from benchmarks.executor.verdicts import verdict_rows

PARTS = ("launcher", "speed", "verdicts", "endurance", "killed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts one after another and print a table for each."""
    options = _parser().parse_args(arguments)
    right = True
    for part in options.only or PARTS:
        rows = _run(part, options)
        _print(part, rows)
        right &= all(row.is_right for row in rows if row.must)
    return 0 if right else 1


def _run(part: str, options: argparse.Namespace) -> list[Row]:
    match part:
        case "launcher":
            return launcher_rows()
        case "speed":
            return asyncio.run(speed_rows(options.language, options.mode))
        case "verdicts":
            return asyncio.run(verdict_rows())
        case "endurance":
            return asyncio.run(hold_out(options.programs))
        case _:
            return killed_supervisor()


def _print(part: str, rows: Sequence[Row]) -> None:
    table = Table("figure", "measured", "aim", "", title=part, title_justify="left")
    for row in rows:
        table.add_row(row.name, row.text, row.aim, "" if row.is_right else "missed")
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.executor", description="The executor beside the bare toolchains."
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part; may be given again")
    parser.add_argument(
        "--language", action="append", help="in `speed`: this language only; may be given again"
    )
    parser.add_argument(
        "--mode", action="append", choices=MODES, help="in `speed`: this mode only; may be given again"
    )
    parser.add_argument(
        "--programs", type=int, default=100_000, help="in `endurance`: so many programs in one go"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
