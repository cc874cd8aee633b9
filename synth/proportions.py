"""What a share found in a few trials says about the true one."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """Lower and upper bound, both inclusive."""

    low: float
    high: float


def wilson_interval(share: float, trials: float, confidence: float = 0.95) -> Interval:
    """Interval of a share of so many trials (Wilson 1927). It has a width at 0 and at 1 too. Trials that hang
    together may count as a part of one.

    Raises ValueError without trials.
    """
    if trials < 1:
        raise ValueError("an interval needs at least one trial")
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    centre = share + z2 / (2 * trials)
    half = sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2)))
    low, high = ((centre + side * half) / (1 + z2 / trials) for side in (-1, 1))
    return Interval(max(0.0, min(low, share)), min(1.0, max(high, share)))
