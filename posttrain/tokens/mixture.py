"""Which rows of several data sets are trained on, when each has a weight.

Place in the flow: `selection` -> here. Pure. The one rule: the choice depends on the sizes, the weights and
the seed alone, so a resumed training has the rows of the one that was interrupted.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from synth.ids import derive_seed

if TYPE_CHECKING:
    import numpy

Stopping = Literal["first_exhausted", "all_exhausted"]


def rows_of_each(sizes: Sequence[int], weights: Sequence[float], stopping: Stopping) -> list[int]:
    """How many rows of each set are trained on. `first_exhausted`: as many as can be had in these shares
    without a row twice; `all_exhausted`: so many that every row is there at least once."""
    total = sum(weights)
    fullest = [size * total / weight for size, weight in zip(sizes, weights, strict=True)]
    rows = min(fullest) if stopping == "first_exhausted" else max(fullest)
    return [max(1, round(rows * weight / total)) for weight in weights]


def mix(sizes: Sequence[int], weights: Sequence[float], stopping: Stopping, seed: int) -> "numpy.ndarray":
    """Row numbers, int64, of the sets laid one behind the other. Rows of a set that are wanted more than once
    are all there equally often, but for a drawn rest."""
    import numpy

    chosen, begin = [], 0
    for place, (size, count) in enumerate(zip(sizes, rows_of_each(sizes, weights, stopping), strict=True)):
        random = numpy.random.default_rng(derive_seed(seed, "mixture", place))
        passes, rest = divmod(count, size)
        drawn = numpy.sort(random.choice(size, rest, replace=False))
        chosen.append(begin + numpy.concatenate([numpy.tile(numpy.arange(size), passes), drawn]))
        begin += size
    return numpy.concatenate(chosen)
