"""docs/faults.md: what happens in each pair of fault and moment, as the laboratory saw it.

The one rule: the page is written by `python -m benchmarks.faults --write` alone, and a test holds it to the
catalogue.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.faults.catalogue import MOMENTS, PAIRS
from tests.faults.laboratory import Played

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "faults.md"

_HEAD: Final = """# What happens when something goes wrong

Written by `python -m benchmarks.faults --write`, which injects each fault at each moment into a small run and
then gives the same command again. The tests play a sample of these pairs, with a printed seed.

In every row below, the same command then ended with exit code 0, its products were the bytes of a run without
the fault, its books balanced, and no process was left behind. Where a file was damaged and the command
refused it, `codemill fsck RUN --repair`, as its message says, came in between.

| moment | when |
|---|---|
"""


def write_page(played: Sequence[Played]) -> None:
    """Write the page anew. What was not played now keeps its row."""
    moments = "".join(f"| {name} | {moment.about} |\n" for name, moment in MOMENTS.items())
    rows = _rows() | {
        tuple(found.pair): f"| {found.pair.fault} | {found.pair.moment} | {found.code} | {_cell(found)} |\n"
        for found in played
    }
    listed = "".join(rows[pair] for pair in map(tuple, PAIRS) if pair in rows)
    heads = "\n| fault | moment | exit code | the command says |\n|---|---|---|---|\n"
    PAGE.write_text(_HEAD + moments + heads + listed, encoding="utf-8")


def listed_pairs() -> list[tuple[str, ...]]:
    """The pairs that the page has."""
    return list(_rows())


def _rows() -> dict[tuple[str, ...], str]:
    """The lines of the page's table, by fault and moment."""
    if not PAGE.is_file():
        return {}
    table = PAGE.read_text("utf-8").partition("| fault |")[2].splitlines(keepends=True)[2:]
    return {
        tuple(cell.strip() for cell in line.split("|")[1:3]): line for line in table if line.startswith("|")
    }


def _cell(found: Played) -> str:
    if found.faults:
        return "**not as it must be**"
    if found.code < 0:
        return "nothing: it is dead"
    if found.code == 0:
        return "nothing: it goes on" if "codemill" in found.says else found.says
    return found.says.replace("|", "\\|")
