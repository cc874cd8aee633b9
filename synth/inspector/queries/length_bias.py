"""Length over all pairs of a run: what a model may learn from them in place of what is right.

The one rule: the lengths are those of the answers that rows train on, in characters; counting stops when its
time is up, and then nothing is said.
"""

from typing import Final

from synth.inspector.database import OutOfTime
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.products import Pair
from synth.wire_record import Record

LENGTHS_S: Final = 0.5
"""How long lengths are counted for a page."""
LEAST_SHARE: Final = 0.65
"""From this share of pairs with one side longer on, the lengths say which side is right."""
LEAST_PAIRS: Final = 30
"""Of fewer pairs a share says little."""


class LengthBias(Record):
    """The lengths of the answers of `pairs` pairs."""

    pairs: int
    chosen_longer: int
    rejected_longer: int
    median_factor: float
    """The length of the chosen answer by that of the rejected one."""

    @property
    def is_bias(self) -> bool:
        """Whether who always chose by length would often be right."""
        most = max(self.chosen_longer, self.rejected_longer)
        return self.pairs >= LEAST_PAIRS and most / self.pairs >= LEAST_SHARE

    @property
    def longer(self) -> str:
        """The side that is longer more often."""
        return "chosen" if self.chosen_longer >= self.rejected_longer else "rejected"


def length_bias(library: Library, run: OpenedRun, seconds: float = LENGTHS_S) -> LengthBias | None:
    """Over all pairs of the run; None where there are none, or where time was up."""
    files = run.body_files(Pair.kind)
    if not files:
        return None
    key = ("lengths", tuple(files))
    rows = run.remembered.get(key)
    if rows is None:
        try:
            rows = library.query(_LENGTHS, [files], seconds)
        except OutOfTime:
            return None
        run.remembered.put(key, rows)
    return LengthBias.model_validate(rows[0]) if rows[0]["pairs"] else None


_LENGTHS: Final = """
    WITH lengths AS (
        SELECT key, any_value(length(json_extract_string(body, '$.chosen[#-1].content'))) AS chosen,
            any_value(length(json_extract_string(body, '$.rejected[#-1].content'))) AS rejected
        FROM read_parquet(?) GROUP BY key
    )
    SELECT count(*) AS pairs, count(*) FILTER (chosen > rejected) AS chosen_longer,
        count(*) FILTER (rejected > chosen) AS rejected_longer,
        coalesce(median(chosen / greatest(rejected, 1)), 1) AS median_factor
    FROM lengths WHERE chosen IS NOT NULL AND rejected IS NOT NULL
"""
