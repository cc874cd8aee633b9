"""TRL's trainers with four additions: ready-made token rows, a repeatable order, steps that do not depend on
the number of processes, and adapters that resume.

Place in the flow: `sft` and `dpo` build one of these, `fit` runs it. Importing this module loads torch and
TRL. The one rule: rows are tokenized beforehand (`tokens.Encoder`), so TRL neither tokenizes, truncates
nor drops them.
"""

from dataclasses import dataclass
from typing import Any

import numpy
from datasets import Dataset
from peft import PeftModel
from torch import Tensor
from torch.utils.data import DataLoader
from trl import DPOTrainer, KTOTrainer, SFTTrainer
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference

from posttrain.core.adapters import complete_adapter
from posttrain.core.gathering import gather_rows
from posttrain.core.ordering import LengthGroupedOrder
from posttrain.core.preference_losses import LossTerm, weights_for
from posttrain.core.sharding import shard
from posttrain.core.steps import Order, RowsOfSteps, StepBatches, StepPart, WithShare
from posttrain.watch.guards import WatchedSteps

_COUNTED_ROWS = 10_000
"""Rows that are counted at a time."""


class _Deterministic(WatchedSteps):
    """The parts that both trainers share. It must precede TRL's class in the list of bases."""

    args: Any
    accelerator: Any
    current_gradient_accumulation_steps: int = 1
    data_collator: Any
    is_fsdp_enabled: bool
    model: Any
    _remove_unused_columns: Any
    train_dataset: Any
    lengths: numpy.ndarray | None = None
    """Tokens of each row, where the store knows them; else they are counted."""
    _share: StepPart | None = None

    def __init__(self, *arguments: Any, rows_per_step: int, **named: Any) -> None:  # noqa: ANN401
        """`rows_per_step`: rows of one step over all processes; the rest is TRL's."""
        self._rows_per_step = rows_per_step
        super().__init__(*arguments, **named)
        complete_adapter(self.model)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Order:
        return LengthGroupedOrder(self.count_rows(), self._rows_per_step, self.args.seed)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """This process's rows. Accelerate's way to share them out trains some twice."""
        args = self.args
        batches = StepBatches(
            self._get_train_sampler(),
            self._rows_per_step,
            args.per_device_train_batch_size,
            args.world_size,
            args.process_index,
        )
        return DataLoader(
            RowsOfSteps(self._training_rows()),
            batch_sampler=batches,
            collate_fn=WithShare(self.data_collator),
            num_workers=args.dataloader_num_workers,
            pin_memory=args.dataloader_pin_memory,
        )

    def _training_rows(self) -> Any:  # noqa: ANN401
        """What the order's numbers are numbers of."""
        return self._remove_unused_columns(self.train_dataset, description="training")

    def create_accelerator_and_postprocess(self) -> None:
        """Metrics are gathered by rows."""
        super().create_accelerator_and_postprocess()  # type: ignore[misc]
        shard(self)
        plain = self.accelerator.gather
        self.accelerator.gather = lambda value: gather_rows(plain, value, self._share)

    def compute_loss(
        self,
        model: Any,  # noqa: ANN401
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """The loss of a micro-batch as its part of the step's loss. Where tokens are counted over the step
        (`num_items_in_batch`) it is that already; else it is a mean over rows, and weighs as its rows do."""
        share = self._share = inputs.pop("share", None)
        try:
            loss_of = super().compute_loss  # type: ignore[misc]
            found = loss_of(model, inputs, return_outputs, num_items_in_batch)
        finally:
            self._share = None
        if share is None or num_items_in_batch is not None:
            return found
        parts = len(share.sizes) * self.current_gradient_accumulation_steps  # means over both are taken later
        weight = share.rows * parts / share.step_rows
        return found * weight if isinstance(found, Tensor) else (found[0] * weight, found[1])

    def count_rows(self) -> numpy.ndarray:
        """Tokens of each row, int32."""
        return row_lengths(self.train_dataset) if self.lengths is None else self.lengths

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:  # noqa: ANN401
        """With a frozen `ref` adapter beside the trained one, transformers would restore only `ref`, not
        the trained one."""
        if isinstance(self.model, PeftModel) and not self.is_fsdp_enabled:
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


class DeterministicKtoTrainer(_Deterministic, KTOTrainer):  # type: ignore[misc]
    """KTO over rows of `prompt_ids`, `completion_ids` and `label`. Its estimate of the divergence takes each
    prompt with the answer of the row before it in the batch, as TRL pairs them, whatever the order."""

    def _prepare_dataset(self, dataset: Dataset, *_: object) -> Dataset:
        return dataset


@dataclass
class NeighbourPairs(DataCollatorForUnpairedPreference):  # type: ignore[misc]
    """TRL's batch of labelled answers, with the answers of the rows before as `KL_completion_ids`."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Prompts, answers and labels, padded."""
        answers = [example["completion_ids"] for example in examples]
        return super().torch_call(  # type: ignore[no-any-return]
            [{**example, "KL_completion_ids": answers[place - 1]} for place, example in enumerate(examples)]
        )


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
