"""The data sets of a training, as a recipe names them: where they are, and how much of each is trained on."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from synth.config_base import Config

ROUND: Final = "round"
"""The source that stands for the rows that a round made itself."""
HUB: Final = "hub:"
"""Begins a source that is read as `datasets` reads it."""

RowColumn = Literal[
    "messages",
    "conversations",
    "prompt",
    "completion",
    "text",
    "instruction",
    "input",
    "output",
    "system",
    "history",
    "chosen",
    "rejected",
    "label",
    "tools",
]
"""The columns of a training row that a data set may have under another name."""


class TrainingSetConfig(Config):
    """A data set to train on. A path or hub id alone may stand for it."""

    source: str = Field(
        description=(
            "A JSON Lines or Parquet file, a folder of them or of `datasets`, `hub:OWNER/NAME`, or `round`: "
            "what the round made itself."
        )
    )
    columns: dict[RowColumn, str] = Field(
        {},
        description=(
            "Its columns, by our names for them: `{instruction: question, output: answer}`. Columns of other "
            "forms are then not looked at."
        ),
    )
    weight: float | None = Field(
        None,
        gt=0,
        description="Its share of the rows, beside the weights of the others: all sets have one, or none. "
        "Without weights, all rows of all sets are trained on.",
    )
    subset: str | None = Field(None, description="Configuration of a hub data set.")
    split: str = Field("train", description="Split of a hub data set.")
    revision: str | None = Field(None, description="Commit, tag or branch of a hub data set.")
    data_files: tuple[str, ...] = Field((), description="Files of a hub data set, as glob patterns.")

    @property
    def is_loaded(self) -> bool:
        """Whether the `datasets` library finds the rows; else its files are read as they are."""
        chosen = (self.subset, self.revision, self.data_files or None)
        return self.source.startswith(HUB) or self.split != "train" or chosen != (None, None, None)

    @property
    def place(self) -> str:
        """The source without `hub:`."""
        return self.source.removeprefix(HUB)


def _as_list(value: object) -> object:
    """One data set, or a list of them; a path alone is a data set."""
    if value is None:
        return ()
    items = value if isinstance(value, list | tuple) else [value]
    return [{"source": item} if isinstance(item, str) else _plain(item) for item in items]


def _plain(item: object) -> object:
    return dict(item) if isinstance(item, Mapping) else item


TrainingSets = Annotated[tuple[TrainingSetConfig, ...], BeforeValidator(_as_list)]
"""Read from a path, a mapping, or a list of both."""
