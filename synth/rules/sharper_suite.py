"""More inputs for a suite, chosen for real wrong candidates: programs that pass what selection sees of it and
differ from the reference elsewhere.

Place in the flow: `stages/sharpen.py` runs the candidates on the suite and on a pool of other inputs, and
asks here which of the pool to add. The one rule: the reference stays right, but where most of the candidates
that pass the open half differ from it, its answer may be an accident that no instruction tells, and that
input is not added.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from synth.rules.choose_inputs import choose_inputs

MOST_ADDED: Final = 4
"""Inputs that a suite gets beyond those that mutants chose."""


class Added(NamedTuple):
    """The inputs to add, and what they are for."""

    chosen: list[int]
    """Their places in the pool."""
    passing: int
    """Candidates that pass the open half."""
    caught: int
    """Those of them that an added input catches."""


def choose_added(
    open_: Sequence[Sequence[bool]], pool: Sequence[Sequence[bool]], answers: Sequence[str]
) -> Added:
    """Which inputs of the pool to add. `open_` and `pool` say for each candidate where it is wrong: in the
    open half, and in the pool; `answers` are the reference's on the pool."""
    passing = [at for at, wrong in enumerate(open_) if not any(wrong)]
    trusted = [
        place for place in range(len(answers)) if 2 * sum(pool[at][place] for at in passing) <= len(passing)
    ]
    suspects = [[pool[at][place] for place in trusted] for at in passing]
    outputs = [
        [None if wrong else answers[place] for wrong, place in zip(row, trusted, strict=True)]
        for row in suspects
        if any(row)
    ]
    if not outputs:
        return Added([], len(passing), 0)
    found = choose_inputs(outputs, MOST_ADDED, reference=[answers[place] for place in trusted], enough=0)
    caught = sum(any(row[place] for place in found) for row in suspects)
    return Added([trusted[place] for place in found], len(passing), caught)
