"""Ranks of behaviours: PageRank has the values that networkx 3.6.1 gave with scipy 1.17.1; rules for all
values."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.rules.behaviour_ranks import RankingMethod, Row, pagerank, rank_behaviours


def ranks_of(weights: list[list[float]], restarts: list[float]) -> list[float]:
    graph: nx.DiGraph[Row] = nx.DiGraph()
    rows: list[Row] = [(str(at),) for at in range(len(weights))]
    for row, voters in zip(rows, restarts, strict=True):
        graph.add_node(row, voters=voters)
    for row, edges in zip(rows, weights, strict=True):
        graph.add_edges_from(
            (row, to, {"weight": weight}) for to, weight in zip(rows, edges, strict=True) if weight
        )
    return list(pagerank(graph).values())


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
    assert ranks_of(weights, restarts) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_ranks_are_shares_and_one_step_more_changes_nothing(sizes: list[int]) -> None:
    count = len(sizes)
    weights = [
        [float(sizes[to]) if to == at else ((at * 7 + to * 3) % 4) / 4 * sizes[to] for to in range(count)]
        for at in range(count)
    ]
    ranks = ranks_of(weights, [float(size) for size in sizes])
    again = [
        0.15 * sizes[to] / sum(sizes)
        + 0.85 * sum(ranks[at] * weights[at][to] / sum(weights[at]) for at in range(count))
        for to in range(count)
    ]
    assert sum(ranks) == pytest.approx(1.0)
    assert again == pytest.approx(ranks, abs=1e-6 * count)


def test_behaviours_that_share_nothing_are_ranked_by_their_voters() -> None:
    assert ranks_of([[3, 0], [0, 1]], [3, 1]) == pytest.approx([0.75, 0.25], abs=2e-5)


@pytest.mark.parametrize("method", ["pagerank", "codet", "count"])
def test_every_method_puts_what_most_do_first_and_gives_shares(method: RankingMethod) -> None:
    voters: dict[Row, int] = {("i1", "i2"): 5, ("i1", "i3"): 2, (None, "i9"): 1}
    ranks = rank_behaviours(voters, method)
    assert sum(ranks.values()) == pytest.approx(1.0)
    assert sorted(voters, key=lambda row: -ranks[row]) == list(voters)


def test_codet_counts_the_inputs_on_which_a_behaviour_gives_the_usual_answer() -> None:
    voters: dict[Row, int] = {("a", "b", "c"): 2, ("a", "x", "c"): 3, ("q", "b", "z"): 3}
    ranks = rank_behaviours(voters, "codet")
    assert ranks["a", "x", "c"] > ranks["q", "b", "z"]
    assert rank_behaviours(voters, "count")["a", "x", "c"] == rank_behaviours(voters, "count")["q", "b", "z"]
