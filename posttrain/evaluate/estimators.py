"""pass@k and its uncertainty: pure functions of counts, independent of models and tasks.

Place in the flow: the evaluation counts how many of a task's n samples pass -> here -> the result table. The
one rule: the task is the unit of every interval, since samples of one task are not independent.
"""

from collections.abc import Sequence
from math import fsum, prod, sqrt
from random import Random
from statistics import NormalDist

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


def task_interval(per_task_values: Sequence[float]) -> Interval:
    """Wilson's interval of the mean of shares, one from each task, with as many trials as their variance is
    worth: where each task passes or fails as a whole its tasks, else more.

    One more task that passes or fails as a whole is added to the variance, which is often too small over few
    tasks. Where all tasks have one value, each is one trial. Raises ValueError if there are no values.
    """
    count = len(per_task_values)
    if not count:
        raise ValueError("an interval needs at least one task")
    mean = min(1.0, fsum(per_task_values) / count)
    squares = fsum((value - mean) ** 2 for value in per_task_values)
    most = mean * (1 - mean)
    if squares <= 1e-12 or most <= 0:
        return wilson_interval(mean, count)
    return wilson_interval(mean, count * most * (count + 1) / (squares + most))


def paired_interval(per_task_differences: Sequence[float], step: float, confidence: float = 0.95) -> Interval:
    """Interval of the mean difference of two policies over the same tasks; `step` is the smallest difference
    that a task can show, 1 / n for n samples.

    The normal interval over the differences and two more tasks: one where they are alike, and one of which
    one half says +step and the other -step. For greedy answers that is the interval of Agresti and Min (2005)
    for paired shares. It has a width where no task differs. Raises ValueError if there are no differences.
    """
    count = len(per_task_differences) + 2
    if count < 3:
        raise ValueError("an interval needs at least one task")
    total = fsum(per_task_differences)
    mean, centre = total / (count - 2), total / count
    squares = fsum(one * one for one in per_task_differences) + step * step
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    half = z * sqrt(max(0.0, squares / count - centre**2) / count)
    return Interval(max(-1.0, min(centre - half, mean)), min(1.0, max(centre + half, mean)))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile at this share, interpolated between the two nearest values."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
