"""TRL's SFT over packed rows.

Place in the flow: `sft` builds it where a recipe says `packing`. Importing this module loads torch and TRL.
The one rule: packs are batches of row numbers, so the data set stays as it is; the rows of a batch lie one
behind the other in one sequence, with the places where they begin.
"""

from typing import Any

import torch
from torch.utils.data import DataLoader
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from posttrain.core.packing import PackedBatches, StepShare
from posttrain.core.trl_trainers import DeterministicSftTrainer


class OneSequence:
    """TRL's collator for rows without padding. Of no rows it makes a sequence in which nothing is trained,
    for a process that has to keep step with the others."""

    def __init__(self, filler: int) -> None:
        self._filler = filler
        self._collate = DataCollatorForLanguageModeling(pad_token_id=filler, padding_free=True)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        nothing = {"input_ids": [self._filler] * 2, "labels": [-100] * 2}
        batch: dict[str, Any] = self._collate(rows or [nothing])
        return batch


class PackedLoader(DataLoader[Any]):  # type: ignore[misc]
    """A data loader that tells its packs the epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.batch_sampler.set_epoch(epoch)


class PackedSftTrainer(DeterministicSftTrainer):
    """SFT over rows of `input_ids` and `labels`, packed into sequences of `capacity` tokens."""

    def __init__(self, *, capacity: int, **arguments: Any) -> None:  # noqa: ANN401
        self._capacity = capacity
        filler = arguments["processing_class"].pad_token_id
        super().__init__(data_collator=OneSequence(filler), **arguments)

    def get_train_dataloader(self) -> PackedLoader:
        """The packs of this process; accelerate's own loader would deal them out a second time."""
        args = self.args
        share = StepShare(
            args.per_device_train_batch_size,
            self._rows_per_step,
            args.process_index,
            args.world_size,
        )
        packs = PackedBatches(self.count_rows(), self._capacity, args.seed, share)
        return PackedLoader(
            self.train_dataset.select_columns(["input_ids", "labels"]),
            batch_sampler=packs,
            collate_fn=self.data_collator,
            num_workers=args.dataloader_num_workers,
            pin_memory=args.dataloader_pin_memory and torch.cuda.is_available(),
        )
