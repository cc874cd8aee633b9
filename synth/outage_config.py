"""The section `outage` of a recipe: how long a failing engine or sandbox is waited for. The one rule: none of
its keys changes a result."""

from pydantic import Field

from synth.config_base import Config


class OutageConfig(Config):
    """How an outage of an engine or the sandbox is sat out. These keys change no result, so a run that is
    resumed may have others."""

    failures: int = Field(
        8, ge=1, description="Failures in a row, each after all its retries, at which asking pauses."
    )
    share: float = Field(
        0.5, gt=0, le=1, description="Share of the last 50 requests that fail, at which asking pauses."
    )
    first_pause_s: float = Field(2, gt=0, description="First pause, in seconds. Each further one is doubled.")
    longest_pause_s: float = Field(60, gt=0, description="Longest pause, in seconds.")
    patience_s: float = Field(
        900, ge=0, description="Seconds after which the run ends as `interrupted`. 0: at the first pause."
    )
