"""The section of a recipe that scores samples point by point.

The one rule: without the section nothing is scored, and samples are what they were.
"""

from pydantic import Field, field_validator

from synth.config_base import Config

MEASURED_POINTS = ("code_exists", "correctness", "difficulty", "naming_and_layout", "comments")
"""Points of the checklist of the Qwen2.5-Coder report (4.1) that can be measured."""


class ChecklistConfig(Config):
    """Score each sample by the points of a checklist that can be measured."""

    weights: dict[str, float] = Field(
        {},
        description=f"Weight of each point: {', '.join(MEASURED_POINTS)}. Points that are not named have "
        "none; empty: all have the same. A program that fails scores 0 whatever they are.",
    )
    min_score: float = Field(
        0.0, ge=0, le=1, description="Samples with a smaller weighted mean of their points are rejected."
    )

    @field_validator("weights")
    @classmethod
    def _known(cls, weights: dict[str, float]) -> dict[str, float]:
        if unknown := sorted(set(weights) - set(MEASURED_POINTS)):
            raise ValueError(f"{unknown[0]!r} is no point: use {', '.join(MEASURED_POINTS)}")
        if any(not 0 <= weight < float("inf") for weight in weights.values()):
            raise ValueError("weights must be 0 or more, and finite")
        if weights and not sum(weights.values()):
            raise ValueError("one weight at least must be above 0")
        return weights
