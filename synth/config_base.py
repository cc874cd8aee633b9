"""The base of all recipe models, which the modules of recipe sections share. The one rule: a recipe never
changes after it was read, and a key that is unknown is an error."""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """Base of all recipe models: frozen; unknown keys are errors, and so are numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SamplingConfig(Config):
    """How answers are sampled."""

    temperature: float = Field(1.0, ge=0, le=5, description="Sampling temperature. 0 is greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus sampling: probability mass to sample from.")
    max_tokens: int = Field(256, ge=1, description="Maximum length of one answer, in tokens.")


class Package(NamedTuple):
    """A package that a part of a recipe needs, and how to install it."""

    module: str
    """The module that Python imports."""
    display_name: str
    install: str
    """The command that installs it."""
    install_gpu: str = ""
    """The command for a machine with a GPU, if that one differs."""
    distributions: tuple[str, ...] = ()
    """Names of its distributions, the GPU build first. If empty, the module's name."""
