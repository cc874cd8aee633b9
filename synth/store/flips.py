"""How often the tests that selection sees are wrong, by those that it does not: the flip rate of a run.

Place in the flow: half of a suite is hidden from selection, and after each round the verdicts tell which
programs pass the open half alone. The one rule: only verdicts on suites with a hidden half count, and such a
program is never in the data, since a solution must pass both halves.
"""

import json
from pathlib import Path
from typing import NamedTuple

from synth.products import Pair
from synth.store.atomic import write_bytes
from synth.store.query import Shards, stream_query
from synth.store.seals import seal_json
from synth.store.shards import StageCommit

_JUDGED = """
    SELECT unit_id, evidence FROM read_parquet(?)
    WHERE stage LIKE '%execute' AND evidence LIKE '%"hidden_total"%'
"""


class FlipRate(NamedTuple):
    """Verdicts of a run on suites with a hidden half."""

    accepted: int
    """Solutions that pass every open test."""
    flipped: int
    """Those of them that fail a hidden one."""
    pairs: int
    """Pairs whose rejected program met hidden tests."""
    confirmed: int
    """Those of them whose rejected program fails a hidden test too."""

    @property
    def rate(self) -> float:
        return self.flipped / self.accepted if self.accepted else 0.0


def flip_file(run: Path) -> Path:
    """Where a run keeps its flip rate."""
    return run / "eval" / "flip_rate.json"


def measure_flips(run: Path) -> FlipRate | None:
    """The flip rate of all rounds so far; None if no suite has a hidden half."""
    rejected = [pair.rejected_id for pair in StageCommit(run).iter_bodies(Pair) if pair.by == "tests"]
    wanted, met, confirmed = set(rejected), set[str](), set[str]()
    files, judged, accepted, flipped = Shards(run).index_files(), 0, 0, 0
    for row in stream_query(_JUDGED, [files]) if files else ():
        found = json.loads(row["evidence"])
        judged += 1
        fails_hidden = found["hidden_passed"] < found["hidden_total"]
        if found["passed"] == found["total"]:
            accepted += 1
            flipped += fails_hidden
        if row["unit_id"] in wanted:
            met.add(row["unit_id"])
            confirmed |= {row["unit_id"]} if fails_hidden else set()
    if not judged:
        return None
    pairs = sum(one in met for one in rejected)
    return FlipRate(accepted, flipped, pairs, sum(one in confirmed for one in rejected))


def write_flips(run: Path) -> FlipRate | None:
    """Measure, and keep the figures for the card."""
    found = measure_flips(run)
    if found is not None:
        figures = {"flip_rate": round(found.rate, 6), **found._asdict()}
        flip_file(run).parent.mkdir(exist_ok=True)
        write_bytes(flip_file(run), seal_json(json.dumps(figures, indent=1)))
    return found
