"""Packing: rows put together into sequences of `max_length` tokens, so that nothing is padded.

Place in the flow: lengths of the rows -> packs -> `steps`, which shares them out as it does single rows ->
one long sequence for the model, which keeps the rows apart (`attention`). No data set is rewritten. The one
rule: the packs of epoch n depend on seed and epoch alone, and each row is in one of them.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy
from torch.utils.data import Sampler

from synth.ids import derive_seed

_JITTERS = (0.5, 0.2, 0.05, 0.0)
"""Lengths are varied by up to this share before rows are sorted, so that packs differ between epochs and long
rows share them with short ones; by less where that would need too many packs."""
_SPARE = 0.01
"""All epochs have the same number of packs: as many as varied lengths need, but at most this share more than
exact lengths do."""


def best_fit(lengths: Sequence[int], capacity: int) -> "array[int]":
    """The pack of each row, in the rows' order: the fullest one that still has room for it. In descending
    order of length that is best-fit decreasing (Johnson 1973).

    Packs with the same room left are on one stack, and which rooms there are is the bits of one number, so a
    row costs a shift. Raises ValueError for a row that is longer than a pack.
    """
    packs = array("l")
    by_room: dict[int, list[int]] = {}
    rooms, count, shortest = 0, 0, min(lengths, default=0)
    for length in lengths:
        if length > capacity:
            raise ValueError(f"a row has {length} tokens, a pack has room for {capacity}")
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            stack = by_room[room]
            pack = stack.pop()
            if not stack:
                rooms ^= 1 << room
        else:
            room, pack, count = capacity, count, count + 1
        packs.append(pack)
        left = room - length
        if left >= shortest:
            by_room.setdefault(left, []).append(pack)
            rooms |= 1 << left
    return packs


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows, and the pack of each."""

    rows: numpy.ndarray
    packs: numpy.ndarray

    @property
    def count(self) -> int:
        return int(self.packs.max()) + 1

    def split(self, missing: int) -> "Packed":
        """So many packs more, at most: the packs with most rows give away their last one."""
        sizes = numpy.bincount(self.packs)
        largest = numpy.argsort(-sizes, kind="stable")[:missing]
        largest = largest[sizes[largest] > 1]
        last = numpy.zeros_like(sizes)
        last[self.packs] = numpy.arange(len(self.packs))
        packs = self.packs.copy()
        packs[last[largest]] = len(sizes) + numpy.arange(len(largest))
        return Packed(self.rows, packs)

    def shuffled(self, random: numpy.random.Generator) -> Iterator[list[int]]:
        """The rows of each pack, packs in random order."""
        rows = self.rows[numpy.argsort(self.packs, kind="stable")]
        ends = numpy.cumsum(numpy.bincount(self.packs)).tolist()
        starts = [0, *ends]
        for pack in random.permutation(len(ends)):
            yield rows[starts[pack] : ends[pack]].tolist()


class PackOrder(Sampler[list[int]]):  # type: ignore[misc]
    """The packs of an epoch in random order, each as the numbers of its rows."""

    def __init__(self, lengths: numpy.ndarray, capacity: int, seed: int) -> None:
        self._lengths = numpy.asarray(lengths)
        self._capacity = capacity
        self._seed = seed
        self._epoch = 0
        exact, varied = (self._pack(jitter, self._random("count")).count for jitter in (0, _JITTERS[0]))
        self._count = max(exact, min(varied, exact + math.ceil(exact * _SPARE)))

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[list[int]]:
        random = self._random("packs", self._epoch)
        for jitter in _JITTERS:
            packed = self._pack(jitter, random)
            if packed.count <= self._count:
                break
        while missing := self._count - packed.count:
            packed = packed.split(missing)
        return packed.shuffled(random)

    def _random(self, *purpose: str | int) -> numpy.random.Generator:
        return numpy.random.default_rng(derive_seed(self._seed, *purpose))

    def _pack(self, jitter: float, random: numpy.random.Generator) -> Packed:
        """The rows in descending order of their varied lengths, equal ones in random order, by best fit."""
        rows = random.permutation(len(self._lengths))
        varied = self._lengths[rows] * random.uniform(1 - jitter, 1 + jitter, len(rows))
        rows = rows[numpy.argsort(-varied, kind="stable")]
        return Packed(rows, numpy.array(best_fit(self._lengths[rows].tolist(), self._capacity)))
