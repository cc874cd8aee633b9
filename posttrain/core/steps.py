"""Which rows each process trains in which step: a step's rows are shared out evenly, and every row is trained
exactly once in an epoch, whatever the number of processes.

Place in the flow: an order of rows, or of packs of rows -> here -> the trainers' data loader. The one rule:
the rows of a step, and their share in its loss, do not depend on how many processes there are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch.utils.data import Dataset, Sampler

from synth.launch_config import StepShape, step_shape

Row = int | list[int]
"""The number of a row, or with packing those of the rows of a pack, which then counts as one row here."""
_ABSENT: tuple[Row, ...] = (0,)
"""Rows of a micro-batch that is only there because the other processes have one: its loss counts nothing."""


class Order(Protocol):
    """All rows of an epoch, each once."""

    def set_epoch(self, epoch: int) -> None: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> "Iterator[Row]": ...


@dataclass(frozen=True, slots=True)
class StepPart:
    """What part of a step a micro-batch is."""

    rows: int
    sizes: tuple[int, ...]
    """Rows of the micro-batches that run at the same time, by process."""
    step_rows: int
    """Rows of the whole step, over all processes."""

    @property
    def is_even(self) -> bool:
        """Whether all processes have the same number of rows, and any at all."""
        return min(self.sizes) == max(self.sizes) > 0


class MicroBatch(list[Row]):
    """Indices of rows that one process trains at once. Without rows of its own it has one that counts
    nothing."""

    def __init__(self, rows: Sequence[Row], share: StepPart) -> None:
        super().__init__(rows or _ABSENT)
        self.share = share


class StepBatches(Sampler[MicroBatch]):  # type: ignore[misc]
    """The micro-batches of one process in one epoch. Each step has `rows_per_step` rows over all processes,
    the last one what is left."""

    def __init__(
        self, order: Order, rows_per_step: int, largest: int, processes: int = 1, process: int = 0
    ) -> None:
        self._order = order
        self._rows_per_step = rows_per_step
        self._largest = largest
        self._processes = processes
        self._process = process

    @property
    def batch_sampler(self) -> "StepBatches":
        """transformers looks here for the sampler that it tells the epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch."""
        self._order.set_epoch(epoch)

    def __len__(self) -> int:
        whole, rest = divmod(len(self._order), self._rows_per_step)
        count = whole * self._shape(self._rows_per_step).accumulation
        return count + (self._shape(rest).accumulation if rest else 0)

    def __iter__(self) -> Iterator[MicroBatch]:
        step: list[Row] = []
        for row in self._order:
            step.append(row)
            if len(step) == self._rows_per_step:
                yield from self._mine(step)
                step = []
        if step:
            yield from self._mine(step)

    def _shape(self, rows: int) -> StepShape:
        return step_shape(rows, self._processes, self._largest)

    def _mine(self, step: Sequence[Row]) -> Iterator[MicroBatch]:
        sizes = self._shape(len(step)).sizes(len(step))
        ends = [sum(sizes[: slot + 1]) for slot in range(len(sizes))]
        for first in range(0, len(sizes), self._processes):
            slot = first + self._process
            beside = tuple(sizes[first : first + self._processes])
            rows = step[ends[slot] - sizes[slot] : ends[slot]]
            yield MicroBatch(rows, StepPart(len(rows), beside, len(step)))


class RowsOfSteps(Dataset[Any]):  # type: ignore[misc]
    """A data set whose rows come with the share of the step that they are."""

    def __init__(self, rows: Any) -> None:  # noqa: ANN401
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitems__(self, batch: MicroBatch) -> tuple[StepPart, list[Any]]:
        return batch.share, self._rows.__getitems__(list(batch))


class WithShare:
    """A collator whose batches have their `StepPart` as `share`. No token of rows that count nothing is
    trained. A class, so that workers of the data loader can be given it."""

    def __init__(self, collate: Callable[[list[Any]], dict[str, Any]]) -> None:
        self._collate = collate

    def __call__(self, found: tuple[StepPart, list[Any]]) -> dict[str, Any]:
        share, examples = found
        batch = self._collate(examples)
        for name in ("labels", "shift_labels"):
            if not share.rows and name in batch:
                batch[name].fill_(-100)
        return {**batch, "share": share}
