"""The order in which rows are trained: batches of similar length, shuffled in an order that depends only on
seed and epoch.

Place in the flow: the trainers' sampler. The one rule: the order of epoch n can be computed without running
the earlier epochs, so a resumed training sees the rows that an uninterrupted one would have seen.
"""

from collections.abc import Iterator

import numpy
from torch.utils.data import Sampler

from synth.ids import derive_seed

_JITTER = 0.1
"""Lengths are varied by up to this share before sorting, so that batches differ between epochs."""
_POOL_BATCHES = 50
"""Rows are sorted within pools of this many batches, as in transformers' own length grouping."""


class LengthGroupedOrder(Sampler[int]):  # type: ignore[misc]
    """Indices of all rows, each once; neighbours have similar lengths, so there is little padding."""

    def __init__(self, lengths: numpy.ndarray, batch_size: int, seed: int) -> None:
        self._lengths = numpy.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        random = numpy.random.default_rng(derive_seed(self._seed, "order", self._epoch))
        rows = random.permutation(len(self._lengths))
        noisy = self._lengths * random.uniform(1 - _JITTER, 1 + _JITTER, len(self._lengths))
        for start in range(0, len(rows), pool := self._batch_size * _POOL_BATCHES):
            part = rows[start : start + pool]
            rows[start : start + pool] = part[numpy.argsort(noisy[part], kind="stable")]
        whole = len(rows) - len(rows) % self._batch_size  # a short batch must stay at the end
        batches = rows[:whole].reshape(-1, self._batch_size)
        shuffled = batches[random.permutation(len(batches))].ravel()
        return map(int, numpy.concatenate([shuffled, rows[whole:]]))
