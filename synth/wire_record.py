"""The base of all wire types.

Place in the flow: `records.py` and the modules that it is made of build on it. The one rule: frozen, and
unknown keys are errors.
"""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of all wire types: frozen; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
