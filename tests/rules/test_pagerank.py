"""PageRank of behaviours: the values that networkx 3.6.1 gave with scipy 1.17.1, and rules for all values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.rules.agreement import pagerank


@pytest.mark.parametrize(
    ("weights", "restarts", "expected"),
    [
        ([[3]], [3], [1.0]),
        ([[2, 1], [1, 3]], [2, 3], [0.4219357879215784, 0.5780642120784213]),
        (
            [[5, 0.5, 0], [2.5, 1, 0.25], [0, 0.5, 2]],
            [5, 1, 2],
            [0.731983285044422, 0.12813635880000843, 0.13988035615556987],
        ),
        (
            [[1, 4, 0, 0], [0, 1, 4, 0], [0, 0, 1, 4], [4, 0, 0, 1]],
            [1, 0, 0, 3],
            [0.2843242894839172, 0.23293940036217237, 0.19084127340862392, 0.2918950367452867],
        ),
    ],
)
def test_ranks_are_those_of_networkx(
    weights: list[list[float]], restarts: list[float], expected: list[float]
) -> None:
    assert pagerank(weights, restarts) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_ranks_are_shares_and_one_step_more_changes_nothing(sizes: list[int]) -> None:
    count = len(sizes)
    weights = [
        [float(sizes[to]) if to == at else ((at * 7 + to * 3) % 4) / 4 * sizes[to] for to in range(count)]
        for at in range(count)
    ]
    ranks = pagerank(weights, sizes)
    again = [
        0.15 * sizes[to] / sum(sizes)
        + 0.85 * sum(ranks[at] * weights[at][to] / sum(weights[at]) for at in range(count))
        for to in range(count)
    ]
    assert sum(ranks) == pytest.approx(1.0)
    assert again == pytest.approx(ranks, abs=1e-6 * count)


def test_behaviours_that_share_nothing_are_ranked_by_their_voters() -> None:
    assert pagerank([[3, 0], [0, 1]], [3, 1]) == pytest.approx([0.75, 0.25], abs=2e-5)
