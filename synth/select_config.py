"""The sections of a recipe that choose among what was verified: samples, the fine set, labelled answers and
pairs by speed.

The one rule: each part is off by default, and a recipe without it makes what it made before.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from synth.config_base import Config
from synth.records import EvidenceRank

MOST_TRIES = 10


class BalanceConfig(Config):
    """Shares of the fine set by difficulty, which is the pass rate of a task."""

    edges: tuple[float, ...] = Field(
        (0.25, 0.5, 0.75),
        min_length=1,
        description="Pass rates at which a new bin begins, rising, between 0 and 1. The lowest bin holds the "
        "hardest tasks.",
    )
    shares: tuple[float, ...] = Field(
        (),
        description="Target share of each bin, the hardest first; they count in proportion. Empty: all bins "
        "have the same.",
    )
    keep: float = Field(
        0.5,
        ge=0,
        le=1,
        description="At least this share of the rows that the fine set could have stays. Where the target "
        "shares would leave less, bins may go further above theirs.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(not 0 < edge < 1 for edge in self.edges) or list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges: must rise from one to the next, each above 0 and below 1")
        if self.shares and len(self.shares) != len(self.edges) + 1:
            raise ValueError(f"shares: must be {len(self.edges) + 1}, one for each bin between the edges")
        if self.shares and (min(self.shares) < 0 or not any(self.shares)):
            raise ValueError("shares: must not be negative, and not all 0")
        return self


class ClustersConfig(Config):
    """Diversity of the fine set: alike tasks form a cluster, and so many rows of each are taken."""

    per_cluster: int = Field(4, ge=1, description="Maximum number of tasks of one cluster in the fine set.")
    similarity: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Cosine similarity to the first task of a cluster from which a task belongs to it.",
    )
    vectors: Literal["ngrams", "model"] = Field(
        "ngrams",
        description="What tasks are compared by: words and pairs of words of their instruction, weighed by "
        "how rare they are, or the vectors of a static embedding model in `model`.",
    )
    model: str = Field(
        "",
        description="Folder of a model2vec model (`pip install model2vec`), for `vectors: model`.",
    )

    @model_validator(mode="after")
    def _has_model(self) -> Self:
        if (self.vectors == "model") != bool(self.model):
            raise ValueError("model: must name a folder with `vectors: model`, and only then")
        return self


class SelectConfig(Config):
    """Which of the passing solutions become samples, and which samples the fine set has."""

    per_task: int = Field(1, ge=1, description="Maximum number of samples per task and language.")
    ranks: tuple[EvidenceRank, ...] = Field(
        tuple(EvidenceRank), description="Ranks of evidence whose solutions become samples."
    )
    order: Literal["quality", "shortest", "common"] = Field(
        "quality",
        description="Which program of a task is the best: the one that is best to learn from, the shortest, "
        "or the one that was written most often.",
    )
    min_distance: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Programs of one task must differ by this much in their structure: the share of short "
        "runs of tokens, names left out, that they do not have in common. 0: in more than layout.",
    )
    reasoning: Literal["drop", "keep", "train"] = Field(
        "drop",
        description="What a model thought before its answer. `keep`: in the column `reasoning` of a sample. "
        "`train`: also before the code in its completion, between the marks.",
    )
    reasoning_marks: tuple[str, str] = Field(
        ("<think>\n", "\n</think>\n\n"),
        description="With `reasoning: train`: the marks of the model that is trained.",
    )
    unsolved: bool = Field(
        False,
        description="Write the tasks that were not solved as a data set, `unsolved`; nothing is trained on "
        "it.",
    )
    balance: BalanceConfig | None = Field(
        None, description="Difficulty of the fine set. If unset, it has the best sample of each task."
    )
    clusters: ClustersConfig | None = Field(
        None, description="Diversity of the fine set. If unset, alike tasks are not counted."
    )

    @property
    def chooses_fine(self) -> bool:
        """Whether some of the best samples stay out of the fine set."""
        return self.balance is not None or self.clusters is not None


class LabelsConfig(Config):
    """Good and bad answers one by one, for KTO."""

    in_pairs: bool = Field(
        False, description="Also those that stand in a pair. They would teach the same thing twice."
    )


class SpeedConfig(Config):
    """Preference pairs of two right programs, a fast and a slow one, by the CPU time that they use."""

    per_prompt: int = Field(1, ge=1, description="Maximum number of such pairs per task and language.")
    ratio: float = Field(
        2.0,
        ge=1.1,
        description="In every repeat the slow program needs at least so many times the fast one's.",
    )
    repeats: int = Field(3, ge=2, le=20, description="Runs of each program, in both orders in turn.")
    rows: int = Field(
        4, ge=1, le=64, description="The suite's largest inputs that are made larger and measured on."
    )
    least_ms: float = Field(
        20.0,
        gt=0,
        description="CPU milliseconds that the slow program must need beyond its start, so that noise "
        "decides nothing.",
    )
    programs: int = Field(6, ge=2, le=64, description="Distinct right programs of a task that are measured.")
