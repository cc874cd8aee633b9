"""Thresholds: the numbers by which filters and stages decide, stated beside the rule itself.

Place in the flow: a module of `synth.filters` or `synth.stages` that compares a number states `THRESHOLDS`;
the inspector reads them and tells from stored evidence which units another value would have kept. The one
rule: what is compared stands in the evidence of the decision, for kept units too wherever that is cheap.
"""

from math import log
from typing import Literal

from synth.wire_record import Record

Keeps = Literal["<", "<=", ">", ">="]


class Threshold(Record):
    """A unit passes if the number in its evidence compares so with the limit. A unit is kept if it passes all
    thresholds that share one of its reasons."""

    stage: str
    reasons: tuple[str, ...]
    """What a unit that does not pass is rejected for."""
    measure: str
    """The field of the evidence."""
    over: str = ""
    """If stated, the measure is divided by this field."""
    keeps: Keeps
    key: str = ""
    """The recipe's key with the limit; empty if the code fixes it."""
    fixed: float | None = None
    """The limit, where there is no key."""
    is_ratio: bool = False
    """Whether the recipe states a ratio, whose logarithm is compared."""
    sentence: str
    """When a unit passes, with `{limit}`."""
    caveat: str = ""
    """What the answer for another value does not say."""
    is_cut_off: bool = False
    """Whether the measuring ended at the limit: of units beyond it, a more generous one says nothing."""
    alone: bool = False
    """Whether the measure counts only what falls short in nothing else: no other threshold is asked."""
    before_model: bool = False
    """Whether the same filter also stands before the model, as the stage `seed_<stage>`."""

    @property
    def name(self) -> str:
        """The measure in words: `passed / total`."""
        return f"{self.measure} / {self.over}" if self.over else self.measure

    def compared(self, limit: float) -> float:
        """What the measure is compared with, for a limit as the recipe states it."""
        return log(limit) if self.is_ratio else limit

    def stated(self, compared: float) -> str:
        """The sentence with a limit as the recipe states it."""
        return self.sentence.format(limit=f"{compared:g}")
