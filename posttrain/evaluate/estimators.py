"""pass@k and its uncertainty: pure functions over counts, nothing of models or tasks.

Place in the flow: the evaluation counts how many of a task's n samples pass -> here -> the result table. The
one rule: the unit of chance is the task. Samples of one task are not independent, so intervals resample
tasks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy


class Interval(NamedTuple):
    """Lower and upper bound, both inside."""

    low: float
    high: float


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that at least one of k samples drawn from n without replacement passes, when c of the n pass.

    The unbiased estimator 1 - C(n-c, k) / C(n, k) of Chen and others 2021 (arXiv 2107.03374, section 2.1), as
    a product that does not overflow. Raises ValueError unless 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n, found n={n}, c={c}, k={k}")
    if n - c < k:
        return 1.0
    return float(1.0 - numpy.prod(1.0 - k / numpy.arange(n - c + 1, n + 1)))


def bootstrap_interval(
    per_task_values: Sequence[float], resamples: int, seed: int, confidence: float = 0.95
) -> Interval:
    """Percentile interval of the mean when the tasks are drawn again, `resamples` times with replacement
    (Efron 1979).

    Raises ValueError without values.
    """
    values = numpy.asarray(per_task_values, dtype=numpy.float64)
    if values.size == 0:
        raise ValueError("an interval needs at least one task")
    random = numpy.random.default_rng(seed)
    counts = random.multinomial(values.size, numpy.full(values.size, 1 / values.size), size=resamples)
    tail = (1 - confidence) / 2
    low, high = numpy.quantile(counts @ values / values.size, (tail, 1 - tail))
    return Interval(float(low), float(high))
