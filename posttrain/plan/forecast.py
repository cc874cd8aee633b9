"""A plan as a record: its phases in the order in which they run.

Place in the flow: `trainings` and `calls` -> here -> `page`, or JSON. Pure. The one rule: a figure that a
phase does not have, such as the steps of an evaluation, is None; one that nobody knows is an `Amount` that
says so.
"""

from posttrain.plan.amounts import Amount
from synth.records import Record


class PlannedPhase(Record):
    """One phase of a run. Bytes, seconds, US dollars."""

    name: str
    round: int = 0
    """0: outside of rounds."""
    rows: Amount | None = None
    """Rows that are trained on; questions of an evaluation; seeds of a data stage."""
    held_out: Amount | None = None
    steps: Amount | None = None
    calls: Amount | None = None
    """Requests to an engine."""
    prompt_tokens: Amount | None = None
    completion_tokens: Amount | None = None
    trained_tokens: Amount | None = None
    """That the model reads in all epochs, padding excluded."""
    memory: Amount | None = None
    """Of one device, or of the process on a CPU."""
    disk: Amount | None = None
    """Of weights, which stay."""
    states: Amount | None = None
    """States of the trainer that are saved by steps; they are deleted in the end."""
    disk_while: Amount | None = None
    """Of the states that lie there at once."""
    seconds: Amount | None = None
    usd: Amount | None = None
    """By the recipe's own prices; None without them."""


class Forecast(Record):
    """The plan of one recipe."""

    recipe: str
    phases: tuple[PlannedPhase, ...]
    notes: tuple[str, ...] = ()
