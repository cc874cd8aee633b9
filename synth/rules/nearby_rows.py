"""Inputs near those on which a seed returned, for seeds that refuse most of what is drawn or always say the
same.

Place in the flow: reference execution tries them last (`reference_rules.py`). They are small edits of rows
that returned, with words of the program itself: its literals, and texts that its patterns ask for. The one
rule: what is tried here is only asked; the rows on which the seed returns are then run and judged like any
others.
"""

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

from synth.records import Observation
from synth.rules.canonical import canonical_outputs
from synth.rules.code_words import CodeWords
from synth.rules.deliberate_errors import deliberate_errors
from synth.rules.input_edits import InputEditor
from synth.rules.reference_plans import ReferencePlan, Rows, SignatureProbe
from synth.rules.reference_rows import by_variety
from synth.values import Signature

ROUNDS: Final = 2
"""Times that rows near the known ones are asked: the second time near those that the first one found."""
NEARBY: Final = 60
"""Rows that are asked, in one program."""
_ATTEMPTS: Final = 8
_FEW: Final = 8


class ReturnedRows(NamedTuple):
    """Rows of one signature, as far as a seed returned on them."""

    probe: SignatureProbe
    rank: int
    """The number of the signature in its probe."""
    rows: Rows

    @property
    def signature(self) -> Signature:
        """The signature of the rows."""
        return self.probe.signatures[self.rank]


def find_returned(probe: SignatureProbe, plan: ReferencePlan | None, seen: Observation) -> ReturnedRows:
    """The rows that returned: of the plan, else of the signature on which most did."""
    outputs = canonical_outputs(seen)
    if plan is not None:
        rows = tuple(plan.rows[at] for at in sorted(outputs) if at < len(plan.rows))
        return ReturnedRows(probe, probe.signatures.index(plan.signature), rows)
    found, start = list[ReturnedRows](), 0
    for rank, group in enumerate(probe.rows):
        there = tuple(row for at, row in enumerate(group, start) if at in outputs)
        found.append(ReturnedRows(probe, rank, there))
        start += len(group)
    return max(found, key=lambda one: len(one.rows))


def draw_nearby(known: ReturnedRows, words: CodeWords, random: Random) -> Rows:
    """Rows near the known ones, each once; they may break what the function asks."""
    editor = InputEditor(known.signature, words, random)
    rows = dict.fromkeys(known.rows)
    for _ in range(_ATTEMPTS * NEARBY):
        if len(rows) >= NEARBY:
            break
        whole = list(rows)
        rows.setdefault(editor.edit(random.choice(whole), random.choice(whole)))
    return tuple(rows)


def choose_returned(probe: SignatureProbe, seen: Observation, count: int) -> Rows:
    """Up to `count` of the rows on which the seed returned, each answer once before one repeats; and a few on
    which it raised an error of its own."""
    rows = probe.rows[0]
    outputs = {at: output for at, output in canonical_outputs(seen).items() if at < len(rows)}
    raised = [at for at in deliberate_errors(seen, probe.code) if at < len(rows)]
    return tuple(rows[at] for at in [*by_variety(outputs)[:count], *raised[: count // _FEW]])


def longest(known: Sequence[ReturnedRows]) -> ReturnedRows | None:
    """The one with the most rows, or what was asked first if none returned; None if nothing was asked."""
    found = max(known, key=lambda one: len(one.rows), default=None)
    if found is None or found.rows:
        return found
    first = known[0]
    return first._replace(rows=first.probe.rows[first.rank]) if first.probe.rows[first.rank] else None
