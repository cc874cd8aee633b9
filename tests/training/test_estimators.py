"""pass@k against counting all subsets, and the bootstrap against what is known of it."""

from collections.abc import Sequence
from itertools import combinations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posttrain.evaluate.estimators import (
    bootstrap_interval,
    paired_interval,
    pass_at_k,
    task_interval,
    wilson_interval,
)


def by_counting(n: int, c: int, k: int) -> float:
    draws = list(combinations([True] * c + [False] * (n - c), k))
    return sum(any(draw) for draw in draws) / len(draws)


@pytest.mark.parametrize(
    ("n", "c", "k"), [(n, c, k) for n in (1, 2, 5, 8) for c in range(n + 1) for k in range(1, n + 1)]
)
def test_pass_at_k_is_the_share_of_draws_with_a_pass(n: int, c: int, k: int) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(by_counting(n, c, k), abs=1e-12)


def test_pass_at_k_has_its_known_values() -> None:
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)
    assert pass_at_k(200, 10, 100) == pytest.approx(1 - 0.5**10, abs=5e-4)
    assert pass_at_k(4, 0, 4) == 0.0
    assert pass_at_k(4, 1, 4) == 1.0


@pytest.mark.parametrize(("n", "c", "k"), [(0, 0, 1), (4, 5, 1), (4, -1, 1), (4, 2, 5), (4, 2, 0)])
def test_pass_at_k_refuses_impossible_counts(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="pass@k needs"):
        pass_at_k(n, c, k)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 1000))
def test_the_interval_lies_within_the_values_and_around_the_mean(values: list[float], seed: int) -> None:
    low, high = bootstrap_interval(values, 500, seed)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert low - 1e-9 <= sum(values) / len(values) <= high + 1e-9


def test_the_interval_agrees_with_drawing_the_tasks_one_by_one() -> None:
    values = [0.0] * 30 + [0.25] * 20 + [1.0] * 50
    random = numpy.random.default_rng(3)
    means = [numpy.mean(random.choice(values, size=len(values))) for _ in range(8000)]
    low, high = bootstrap_interval(values, 8000, seed=1)
    assert low == pytest.approx(float(numpy.quantile(means, 0.025)), abs=0.01)
    assert high == pytest.approx(float(numpy.quantile(means, 0.975)), abs=0.01)


def test_the_interval_covers_the_truth_about_95_times_in_100() -> None:
    random = numpy.random.default_rng(0)
    intervals = [
        bootstrap_interval(random.binomial(1, 0.4, size=80).tolist(), 400, seed) for seed in range(300)
    ]
    covered = sum(low <= 0.4 <= high for low, high in intervals)
    assert 0.90 <= covered / 300 <= 0.99


def test_the_same_seed_gives_the_same_interval() -> None:
    assert bootstrap_interval([0.0, 0.5, 1.0], 200, 7) == bootstrap_interval([0.0, 0.5, 1.0], 200, 7)


def test_no_tasks_have_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([], 100, 0)


def test_wilsons_interval_has_its_known_values_and_a_width_at_both_ends() -> None:
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson_interval(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    with pytest.raises(ValueError, match="at least one"):
        wilson_interval(0.5, 0)


@given(st.floats(0, 1), st.integers(1, 2000))
def test_wilsons_interval_holds_the_share_and_stays_a_share(share: float, tasks: int) -> None:
    low, high = wilson_interval(share, tasks)
    assert 0.0 <= low <= share <= high <= 1.0
    assert high > low


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_wilsons_interval_covers_the_truth_about_95_times_in_100(share: float) -> None:
    counts = numpy.random.default_rng(1).binomial(164, share, size=2000)
    intervals = [wilson_interval(count / 164, 164) for count in counts.tolist()]
    assert 0.93 <= sum(low <= share <= high for low, high in intervals) / 2000 <= 0.97


def test_tasks_of_one_value_have_an_interval_with_a_width() -> None:
    for value in (0.0, 0.25, 1.0):
        low, high = task_interval([value] * 50)
        assert low <= value <= high
        assert 0.05 < high - low < 0.3


def _covered(intervals: Sequence[tuple[float, float]], truth: float) -> float:
    return sum(low - 1e-9 <= truth <= high + 1e-9 for low, high in intervals) / len(intervals)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize(("tasks", "samples"), [(96, 1), (96, 8), (164, 1), (400, 8)])
def test_the_interval_over_tasks_covers_the_truth_at_both_ends(
    share: float, tasks: int, samples: int
) -> None:
    rates = numpy.random.default_rng(tasks + samples).binomial(samples, share, (2000, tasks)) / samples
    assert 0.93 <= _covered([task_interval(found) for found in rates.tolist()], share) <= 0.97


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_interval_over_tasks_covers_the_truth_where_tasks_differ(share: float) -> None:
    """Half of the spread is between tasks: most are solved nearly always or nearly never."""
    random = numpy.random.default_rng(3)
    rates = random.binomial(8, random.beta(share, 1 - share, (2000, 164))) / 8
    assert 0.93 <= _covered([task_interval(found) for found in rates.tolist()], share) <= 0.97


def test_answers_that_pass_or_fail_as_a_whole_have_wilsons_interval() -> None:
    assert task_interval([1.0] * 30 + [0.0] * 66) == pytest.approx(wilson_interval(30 / 96, 96))
    with pytest.raises(ValueError, match="at least one"):
        task_interval([])


# --- paired differences -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(0.02, 0.06), (0.5, 0.5), (0.5, 0.6), (0.9, 0.96)])
@pytest.mark.parametrize("samples", [1, 8])
def test_the_paired_interval_covers_the_true_difference(before: float, after: float, samples: int) -> None:
    random = numpy.random.default_rng(5)
    one, other = (random.binomial(samples, share, (2000, 164)) / samples for share in (before, after))
    intervals = [paired_interval(found, 1 / samples) for found in (other - one).tolist()]
    assert 0.93 <= _covered(intervals, after - before) <= 0.97


def test_the_paired_interval_is_that_of_agresti_and_min_for_greedy_answers() -> None:
    """Of 100 tasks, 24 only the later policy solves, and 9 only the earlier: each of four cells gets 0.5."""
    low, high = paired_interval([1.0] * 24 + [-1.0] * 9 + [0.0] * 67, 1.0)
    centre = (24.5 - 9.5) / 102
    half = 1.959964 * ((24.5 + 9.5) / 102 - centre**2) ** 0.5 / 102**0.5
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-6)


def test_policies_that_never_differ_have_a_paired_interval_with_a_width() -> None:
    low, high = paired_interval([0.0] * 96, 1.0)
    assert low < 0 < high
    assert high == pytest.approx(0.02, abs=1e-4)
    with pytest.raises(ValueError, match="at least one"):
        paired_interval([], 1.0)
