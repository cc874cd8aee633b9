"""The section of a recipe that keeps a run from making the same task twice."""

from pydantic import Field

from synth.config_base import Config


class MemoryConfig(Config):
    """Remember the tasks of this round and of earlier ones, and refuse one that says nearly the same before
    its inputs and candidates are paid for. Each programming language of seeds has a memory of its own."""

    threshold: float = Field(
        0.7,
        gt=0,
        le=1,
        description="Jaccard similarity of the five-word shingles of two instructions from which the later "
        "one is refused.",
    )
