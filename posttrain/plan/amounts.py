"""Figures of a plan: each with the word for how sure it is.

Place in the flow: `trainings` and `calls` make them, `page` prints them. Pure. The one rule: a figure without
a word for how it is known cannot be made.
"""

from typing import Literal

from synth.records import Record

Sureness = Literal["exact", "at most", "estimate", "unknown"]


class Amount(Record):
    """A number, and how it is known."""

    value: float | None = None
    """None where it is not known."""
    sureness: Sureness = "unknown"
    basis: str = ""
    """What an estimate rests on, or why there is none; one sentence without a full stop."""


def exact(value: float) -> Amount:
    """What follows from the recipe and the data alone."""
    return Amount(value=value, sureness="exact")


def at_most(value: float, basis: str = "") -> Amount:
    """A bound that the recipe sets."""
    return Amount(value=value, sureness="at most", basis=basis)


def estimate(value: float, basis: str) -> Amount:
    """What was measured elsewhere, applied here."""
    return Amount(value=value, sureness="estimate", basis=basis)


def unknown(basis: str) -> Amount:
    """Nothing speaks for a figure."""
    return Amount(basis=basis)


def scaled(amount: Amount, factor: float) -> Amount:
    """The amount times a number that is certain."""
    value = None if amount.value is None else amount.value * factor
    return amount.model_copy(update={"value": value})
