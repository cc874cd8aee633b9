"""TRL's SFT over packed rows.

Place in the flow: `sft` builds it where a recipe says `packing`. Importing this module loads torch and TRL.
The one rule: packs are lists of row numbers, so the data set stays as it is; the rows of a batch lie one
behind the other in one sequence, with the places where they begin.
"""

from collections.abc import Sequence
from typing import Any

from torch.utils.data import Dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from posttrain.core.packing import PackOrder
from posttrain.core.steps import Row
from posttrain.core.trl_trainers import DeterministicSftTrainer


class PackedRows(Dataset[Any]):  # type: ignore[misc]
    """The rows of packs, of a data set that knows them by their numbers."""

    def __init__(self, rows: Any) -> None:  # noqa: ANN401
        self._rows = rows

    def __getitems__(self, packs: Sequence[Row]) -> list[Any]:
        numbers = [row for pack in packs for row in (pack if isinstance(pack, list) else [pack])]
        found: list[Any] = self._rows.__getitems__(numbers)
        return found


class PackedSftTrainer(DeterministicSftTrainer):
    """SFT over rows of `input_ids` and `labels`, packed into sequences of `capacity` tokens. Its steps and
    batches are counted in packs."""

    def __init__(self, *, capacity: int, **arguments: Any) -> None:  # noqa: ANN401
        self._capacity = capacity
        padding = arguments["processing_class"].pad_token_id
        collate = DataCollatorForLanguageModeling(pad_token_id=padding, padding_free=True)
        super().__init__(data_collator=collate, **arguments)

    def _get_train_sampler(self, train_dataset: Any = None) -> PackOrder:  # noqa: ANN401
        return PackOrder(self.count_rows(), self._capacity, self.args.seed)

    def _training_rows(self) -> PackedRows:
        return PackedRows(super()._training_rows())
