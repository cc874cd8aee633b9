"""Packing: rows put together into sequences of `max_length` tokens, so that nothing is padded.

Place in the flow: lengths of the rows -> packs, lists of row numbers -> batches of this process -> one long
sequence for the model, which keeps the rows apart (`attention`). No data set is rewritten. The one rule: the
packs of epoch n depend on seed and epoch alone, each row is in one of them, and neither the number of steps
nor what a step learns depends on how many processes there are.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy
from torch.utils.data import Sampler

from synth.ids import derive_seed
from synth.launch_config import step_shape

_JITTERS = (0.5, 0.2, 0.05, 0.0)
"""Lengths are varied by up to this share before rows are sorted, so that packs differ between epochs and long
rows share them with short ones; by less where that would need too many packs."""
_SPARE = 0.01
"""All epochs have the same number of packs: as many as varied lengths need, but at most this share more than
exact lengths do."""

Packs = list[list[int]]
T = TypeVar("T")


class StepShare(NamedTuple):
    """What one process gets of each step."""

    batch_size: int
    """Packs that go through the model at once, at most."""
    step_packs: int
    """Packs of one step, over all processes."""
    process: int = 0
    processes: int = 1


def best_fit(lengths: Sequence[int], order: Sequence[int], capacity: int) -> Packs:
    """Put the rows, in this order, each into the fullest pack that still has room for it. In descending order
    of length that is best-fit decreasing (Johnson 1973).

    Packs with the same room left are on one stack, and which rooms there are is the bits of one number, so a
    row costs a shift. Raises ValueError for a row that is longer than a pack.
    """
    packs: Packs = []
    by_room: dict[int, list[int]] = {}
    rooms, shortest = 0, min(lengths, default=0)
    for row in order:
        length = lengths[row]
        if length > capacity:
            raise ValueError(f"row {row} has {length} tokens, a pack has room for {capacity}")
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            stack = by_room[room]
            pack = stack.pop()
            packs[pack].append(row)
            if not stack:
                rooms ^= 1 << room
        else:
            room, pack = capacity, len(packs)
            packs.append([row])
        left = room - length
        if left >= shortest:
            by_room.setdefault(left, []).append(pack)
            rooms |= 1 << left
    return packs


def fill(lengths: Sequence[int], packs: Packs, capacity: int) -> float:
    """Share of the packs' room that holds tokens."""
    return sum(lengths[row] for pack in packs for row in pack) / (capacity * len(packs))


class PackedBatches(Sampler[list[int]]):  # type: ignore[misc]
    """The batches of one process: each is the rows of up to `batch_size` packs. All processes get the same
    number of batches; in the last step a process for which no pack is left gets an empty one."""

    def __init__(
        self, lengths: "Sequence[int] | numpy.ndarray", capacity: int, seed: int, share: StepShare
    ) -> None:
        self._lengths = numpy.asarray(lengths, dtype=numpy.int64)
        self._capacity = capacity
        self._seed = seed
        self._share = share
        self._epoch = 0
        exact, varied = (len(self._shuffled(jitter, self._random("count"))) for jitter in (0, _JITTERS[0]))
        self._count = max(exact, min(varied, exact + math.ceil(exact * _SPARE)))

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return sum(self._batches_of(len(step)) for step in self._steps(range(self._count)))

    def packs(self) -> Packs:
        """All packs of the epoch, in random order."""
        random = self._random("packs", self._epoch)
        for jitter in _JITTERS:
            packs = self._shuffled(jitter, random)
            if len(packs) <= self._count:
                break
        while len(packs) < self._count:
            packs.append([max(packs, key=len).pop()])
        return [packs[index] for index in random.permutation(len(packs))]

    def __iter__(self) -> Iterator[list[int]]:
        share = self._share
        for step in self._steps(self.packs()):
            parts = self._batches_of(len(step)) * share.processes
            for part in range(share.process, parts, share.processes):
                yield [row for pack in step[part::parts] for row in pack]

    def _random(self, *purpose: str | int) -> numpy.random.Generator:
        return numpy.random.default_rng(derive_seed(self._seed, *purpose))

    def _shuffled(self, jitter: float, random: numpy.random.Generator) -> Packs:
        """The rows packed in descending order of their varied lengths; equal ones in random order."""
        rows = random.permutation(len(self._lengths))
        varied = self._lengths[rows] * random.uniform(1 - jitter, 1 + jitter, len(rows))
        order = rows[numpy.argsort(-varied, kind="stable")]
        return best_fit(self._lengths.tolist(), order.tolist(), self._capacity)

    def _steps(self, packs: Sequence[T]) -> list[Sequence[T]]:
        """The packs of each optimizer step, of all processes together."""
        size = self._share.step_packs
        return [packs[start : start + size] for start in range(0, len(packs), size)]

    def _batches_of(self, packs: int) -> int:
        """Batches in which each process goes through its share of so many packs."""
        return step_shape(packs, self._share.processes, self._share.batch_size).accumulation
