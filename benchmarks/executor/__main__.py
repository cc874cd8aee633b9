"""`python -m benchmarks.executor`: what the executor costs beside the bare toolchains, and whether it holds
out.

`--only speed` or another part runs that part alone. Exit code 1 when something that must be 0 is not; a ratio
that misses its aim is printed as such. Ratios of one run on a quiet machine can be compared, seconds of
different runs cannot.
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
from benchmarks.executor.speed import speed_rows
from benchmarks.executor.verdicts import verdict_rows

PARTS = ("launcher", "speed", "verdicts", "endurance", "killed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts one after the other and print a table of each."""
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
            return asyncio.run(speed_rows(options.language))
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
        "--programs", type=int, default=100_000, help="in `endurance`: so many programs in one go"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
