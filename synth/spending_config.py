"""The sections of a recipe that say what a run may cost. They change no result, so a run goes on under
others."""

from pydantic import Field

from synth.config_base import Config


class PriceConfig(Config):
    """What an engine's tokens cost, in US dollars per million."""

    input: float = Field(ge=0, description="Price of a prompt's tokens.")
    output: float = Field(ge=0, description="Price of an answer's tokens, its reasoning among them.")
    cached_input: float | None = Field(
        None, ge=0, description="Price of prompt tokens that the endpoint had cached. If unset, `input`."
    )


class PricesConfig(Config):
    """The prices that you pay, for the figures of a run and for its budget. They change no result."""

    engine: PriceConfig | None = Field(None, description="Prices of `engine`.")
    teacher: PriceConfig | None = Field(None, description="Prices of `teacher`.")
    tester: PriceConfig | None = Field(None, description="Prices of `tester`.")
    judge: PriceConfig | None = Field(None, description="Prices of `judge`.")

    def of_role(self, role: str) -> PriceConfig | None:
        """The prices of an engine by its role."""
        price: PriceConfig | None = getattr(self, role, None)
        return price


class BudgetConfig(Config):
    """What a run may spend in all, over all its processes. A run that reaches a limit finishes the requests
    that are open, stores them, and ends as interrupted; with a larger budget, the same command goes on."""

    usd: float | None = Field(None, gt=0, description="Most US dollars, by `prices`.")
    tokens: int | None = Field(None, ge=1, description="Most tokens of prompts and answers, of all engines.")
    hours: float | None = Field(None, gt=0, description="Most hours.")
