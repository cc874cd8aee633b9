"""The base of all recipe models."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Base of all recipe models: frozen; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
