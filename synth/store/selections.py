"""Which policy a round ended with, and what it was chosen by: `eval/selection-<round>.json`.

Place in the flow: the loop writes it after each round, the report and the inspector read it. The one rule:
a candidate's figures stand beside the choice, so that it can be made again.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from synth.records import Record
from synth.store.atomic import write_bytes
from synth.store.seals import read_json, seal_json


class Candidate(Record):
    """A policy that a round could end with. Shares of the development tasks, with 95% intervals."""

    policy: str
    pass_at_1: float | None
    """None if no task could be judged."""
    gain: float | None = None
    """Over the policy that the round began with, on the same tasks; None for that policy."""
    gain_low: float = 0.0
    gain_high: float = 0.0


class Selection(Record):
    """The choice of one round. The first candidate is the policy that the round began with."""

    round: int
    suite: str
    tasks: int
    """Compared one by one."""
    confidence: float
    """Of the one-sided test."""
    candidates: tuple[Candidate, ...]
    chosen: str

    @property
    def start(self) -> str:
        return self.candidates[0].policy


def write_selection(run: Path, selection: Selection) -> None:
    """Store the choice of a round."""
    path = run / "eval" / f"selection-{selection.round}.json"
    write_bytes(path, seal_json(selection.model_dump_json(indent=1)))


def read_selections(run: Path) -> Iterator[Selection]:
    """Those of all rounds, in order. Raises StoreError for a damaged one."""
    found = [
        Selection.model_validate(json.loads(read_json(path)))
        for path in (run / "eval").glob("selection-*.json")
    ]
    yield from sorted(found, key=lambda one: one.round)
