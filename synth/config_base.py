"""The base of all recipe models, which the modules of recipe sections share. The one rule: a recipe never
changes after it was read, and a key that is unknown is an error."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Base of all recipe models: frozen; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
