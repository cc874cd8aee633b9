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
