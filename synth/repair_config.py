"""The sections of a recipe that make rows from programs that failed: repair turns, repair tasks, reviews.

The one rule: each is off by default, and a recipe without it makes what it made before.
"""

from typing import Literal

from pydantic import Field

from synth.config_base import Config, SamplingConfig


class RepairConfig(Config):
    """Repair turns: a candidate that failed is shown to the model again, with what went wrong."""

    turns: int = Field(2, ge=2, le=5, description="Most answers in a dialogue; the first is the candidate.")
    per_task: int = Field(
        2, ge=1, description="Distinct failing candidates of each task and language that get another turn."
    )
    feedback: Literal["analysis", "failure", "none"] = Field(
        "analysis",
        description="What the model is told: the analysis of the result, the first failing test alone, or "
        "only that the program is wrong.",
    )
    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=0.7, max_tokens=1024), description="Sampling of the answers."
    )


class RepairTasksConfig(Config):
    """Tasks to repair a given wrong program."""

    per_task: int = Field(1, ge=1, description="Wrong programs of each task and language.")
    mutants: bool = Field(
        False, description="Where a task has fewer failing candidates, mutants of a verified program fill up."
    )
    show_failure: bool = Field(True, description="Whether the task says what went wrong.")
    most_changed: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of the tokens of the wrong program and its fix that may differ; an answer above "
        "it is a new program and no repair.",
    )
    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=0.7, max_tokens=1024), description="Sampling of the answers."
    )


class ReviewConfig(Config):
    """Tasks to review a given program: state the fault by an example and mend it, or say that it is right."""

    per_task: int = Field(1, ge=1, description="Programs of each task and language.")
    right_share: float = Field(
        0.25, ge=0, le=1, description="Share of the tasks and languages whose program is a right one."
    )
    sampling: SamplingConfig = Field(
        SamplingConfig(temperature=0.7, max_tokens=1024), description="Sampling of the answers."
    )
