"""The references of a run by kind of contract.

The one rule: each reference is of one of the first kinds; the last two are marks beside it, so a function
with a case that raises counts twice.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from synth.records import FunctionContract, Reference
from synth.store.query import Shards
from synth.store.shards import StageCommit

KINDS: Final = {
    "function": "typed arguments and a result",
    "changed argument": "a function whose result is the argument that it changes",
    "class": "an object and a sequence of calls",
    "program": "text on stdin, text on stdout",
    "error": "besides: an error is the right answer of a case",
    "callback": "besides: a named function is passed on",
}
WANTED: Final = 200
"""References that a kind should have."""
ENOUGH: Final = 4
"""Kinds that should have so many."""
_EVIDENCE: Final = """
    SELECT unit_id, evidence FROM read_parquet(?) WHERE stage = 'reference' AND decision = 'kept'
"""


def read_kinds(run: Path) -> dict[str, Counter[str]]:
    """The references of each kind, by language."""
    shards = Shards(run)
    evidence = {
        row["unit_id"]: json.loads(row["evidence"] or "{}")
        for row in shards.query(_EVIDENCE, shards.index_files())
    }
    found: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for reference in StageCommit(run).iter_bodies(Reference):
        marks = evidence.get(reference.seed_id, {})
        for kind in _kinds_of(reference, marks):
            found[kind][reference.language] += 1
    return found


def has_enough_kinds(kinds: Mapping[str, Counter[str]]) -> bool:
    """Whether enough kinds have the references that are wanted."""
    return sum(counts.total() >= WANTED for counts in kinds.values()) >= ENOUGH


def _kinds_of(reference: Reference, marks: Mapping[str, object]) -> list[str]:
    if isinstance(reference.contract, FunctionContract):
        kinds = ["changed argument" if "changes_argument" in marks else "function"]
    else:
        kinds = ["class" if reference.contract.kind == "class" else "program"]
    kinds += ["error"] if any(case.raises for case in reference.cases) else []
    return [*kinds, *(["callback"] if "takes_function" in marks else [])]
