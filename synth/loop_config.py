"""The section of a recipe about rounds."""

from typing import Literal

from pydantic import Field

from synth.config_base import Config


class LoopConfig(Config):
    """Rounds: generate, verify, train, swap in the new policy, repeat."""

    rounds: int = Field(1, ge=1, description="Number of rounds.")
    evaluate_rounds: Literal["all", "last"] = Field(
        "all", description="`all`: evaluate after each round; `last`: only the base and the last round."
    )
    select: Literal["auto", "best", "last"] = Field(
        "auto",
        description=(
            "The policy that the next round begins with. `best`: of the policies that a round trained, the "
            "best on `evaluation.development`, if it is better there than the policy that the round began"
            " with, else that one; `last`: the one trained last; `auto`: `best` where there is a "
            "development suite."
        ),
    )
    select_confidence: float = Field(
        0.8,
        ge=0.5,
        lt=1,
        description=(
            "With `best`: how sure it must be that the policy is better, by a one-sided paired test over the "
            "development tasks. 0.5 takes whatever has the higher mean."
        ),
    )
    start: Literal["base", "last"] = Field(
        "last",
        description=(
            "What the training of a round begins from: the model of the recipe, or the policy that made the "
            "data of the round."
        ),
    )
    replay: float = Field(
        0.0,
        ge=0,
        le=1,
        description=(
            "Share of the rows of earlier rounds that are trained on again, each task and program once."
        ),
    )
