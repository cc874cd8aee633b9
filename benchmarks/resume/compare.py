"""Finds the decisions in which two runs of one recipe differ, as a clue when their products differ."""

from pathlib import Path

import duckdb

SHOWN = 12
_DECISIONS = (
    "select round, stage, unit_id, language, decision, reason, evidence from "
    "read_parquet('{run}/index/*/*.parquet')"
)


def other_decisions(run: Path, other: Path) -> list[str]:
    """Units that entered only one run, or got a different decision, reason or evidence: one line for each of
    the first `SHOWN`.

    Sizes in evidence may differ even if nothing else does, since CPU seconds are part of it.
    """
    left, right = (
        {row[:4]: row[4:] for row in duckdb.execute(_DECISIONS.format(run=folder)).fetchall()}
        for folder in (run, other)
    )
    units = sorted(
        unit for unit in left.keys() | right.keys() if left.get(unit, ())[:2] != right.get(unit, ())[:2]
    )
    shown = [
        f"{unit}: {left.get(unit, 'not there')} | {right.get(unit, 'not there')}" for unit in units[:SHOWN]
    ]
    return [*shown, f"{len(units)} decisions differ"]
