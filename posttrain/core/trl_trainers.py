"""TRL's trainers with three additions: ready-made token rows, a repeatable order, and adapters that resume.

Place in the flow: `sft` and `dpo` build one of these, `fit` runs it. Importing this module loads torch and
TRL. The one rule: rows are tokenized beforehand (`tokens.Encoder`), so TRL neither tokenizes, truncates
nor drops them.
"""

from typing import Any

import numpy
from datasets import Dataset
from peft import PeftModel
from trl import DPOTrainer, SFTTrainer

from posttrain.core.adapters import complete_adapter
from posttrain.core.ordering import LengthGroupedOrder
from posttrain.core.preference_losses import LossTerm, weights_for

_COUNTED_ROWS = 10_000
"""Rows that are counted at a time."""


class _Deterministic:
    """The parts that both trainers share. It must precede TRL's class in the list of bases."""

    args: Any
    model: Any
    train_dataset: Any
    lengths: numpy.ndarray | None = None
    """Tokens of each row, where the store knows them; else they are counted."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **named)
        complete_adapter(self.model)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> LengthGroupedOrder:
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return LengthGroupedOrder(self.count_rows(), batch, self.args.seed)

    def count_rows(self) -> numpy.ndarray:
        """Tokens of each row, int32."""
        return row_lengths(self.train_dataset) if self.lengths is None else self.lengths

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:  # noqa: ANN401
        """With a frozen `ref` adapter beside the trained one, transformers would restore only `ref`, not
        the trained one."""
        if isinstance(self.model, PeftModel):
            self.model.load_adapter(resume_from_checkpoint, "default", is_trainable=True)
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]


class DeterministicSftTrainer(_Deterministic, SFTTrainer):  # type: ignore[misc]
    """SFT over rows of `input_ids` and `labels`."""


class DeterministicDpoTrainer(_Deterministic, DPOTrainer):  # type: ignore[misc]
    """DPO over rows of `prompt_ids`, `chosen_ids` and `rejected_ids`, with a sum of losses that may depend on
    the batch."""

    def __init__(self, *arguments: Any, terms: list[LossTerm], **named: Any) -> None:  # noqa: ANN401
        """`terms`: the losses of `args.loss_type`, with their weights."""
        self._terms = terms
        super().__init__(*arguments, **named)

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:  # noqa: ANN401
        self.loss_weights = weights_for(self._terms, inputs["completion_mask"])
        return super()._compute_loss(model, inputs, return_outputs)

    def _prepare_dataset(self, dataset: Dataset, *_: object) -> Dataset:
        return dataset


def row_lengths(dataset: Dataset) -> numpy.ndarray:
    """Tokens in each row, int32: all columns of ids (in preference data: prompt and both answers)."""
    import pyarrow.compute as compute

    columns = [name for name in dataset.column_names if name.endswith("_ids") and name != "position_ids"]
    counted = [
        sum(compute.list_value_length(batch[name]).to_numpy() for name in columns)
        for batch in dataset.with_format("arrow").iter(_COUNTED_ROWS)
    ]
    lengths: numpy.ndarray = numpy.concatenate(counted).astype(numpy.int32)
    return lengths
