"""pass@k and its uncertainty: pure functions of counts, independent of models and tasks.

Place in the flow: the evaluation counts how many of a task's n samples pass -> here -> the result table. The
one rule: the task is the unit of every interval, since samples of one task are not independent.
"""

from collections.abc import Sequence
from math import fsum, prod
from random import Random

from synth.proportions import Interval as Interval
from synth.proportions import wilson_interval as wilson_interval


def pass_at_k(n: int, c: int, k: int) -> float:
    """Probability that at least one of k samples drawn from n without replacement passes, if c of the n pass.

    The unbiased estimator 1 - C(n-c, k) / C(n, k) of Chen and others 2021 (arXiv 2107.03374, section 2.1), as
    a product that does not overflow. Raises ValueError unless 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n, found n={n}, c={c}, k={k}")
    if n - c < k:
        return 1.0
    return 1.0 - prod(1.0 - k / total for total in range(n - c + 1, n + 1))


def bootstrap_interval(
    per_task_values: Sequence[float], resamples: int, seed: int, confidence: float = 0.95
) -> Interval:
    """Percentile interval of the mean over `resamples` draws of the tasks with replacement (Efron 1979).

    Raises ValueError if there are no values.
    """
    if not per_task_values:
        raise ValueError("an interval needs at least one task")
    random, count = Random(seed), len(per_task_values)
    means = sorted(fsum(random.choices(per_task_values, k=count)) / count for _ in range(resamples))
    tail = (1 - confidence) / 2
    return Interval(_quantile(means, tail), _quantile(means, 1 - tail))


def task_interval(per_task_values: Sequence[float], resamples: int, seed: int) -> Interval:
    """The bootstrap's interval; Wilson's where all tasks have one value, of which every resample is a copy.
    Raises ValueError if there are no values."""
    if len(set(per_task_values)) == 1:
        return wilson_interval(per_task_values[0], len(per_task_values))
    return bootstrap_interval(per_task_values, resamples, seed)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile at this share, interpolated between the two nearest values."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
