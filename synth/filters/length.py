"""The length filter: a text of too few or too many estimated tokens is rejected, never cut.

The one rule: the number that decided is in the evidence.
"""

from dataclasses import dataclass
from typing import Final

from synth.filters.protocol import FilterInput, FilterSetting, Keep, Reject
from synth.thresholds import Threshold
from synth.token_estimate import estimate_tokens

COST = 10
FOR_SEEDS = False
THRESHOLDS: Final = (
    Threshold(
        stage="length",
        reasons=("too_long",),
        measure="tokens",
        keeps="<=",
        key="data.filters.max_tokens",
        sentence="Prompt and code together have at most {limit} estimated tokens.",
    ),
)


@dataclass(frozen=True, slots=True)
class LengthFilter:
    """Bounds on the estimated tokens of prompt and code together."""

    max_tokens: int
    min_tokens: int = 1
    stage: str = "length"
    remembers: bool = False

    def check(self, unit: FilterInput) -> Keep | Reject:
        tokens = estimate_tokens(unit.prompt) + estimate_tokens(unit.code)
        if tokens > self.max_tokens:
            return Reject("too_long", {"tokens": tokens, "limit": self.max_tokens})
        if tokens < self.min_tokens:
            return Reject("too_short", {"tokens": tokens, "limit": self.min_tokens})
        return Keep({"tokens": tokens})


def build(setting: FilterSetting) -> LengthFilter:
    return LengthFilter(setting.config.max_tokens)
