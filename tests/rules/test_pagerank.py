"""Ranks of behaviours by each method: known values, and rules for all values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.rules.behaviour_ranks import (
    FOLLOWED,
    RankingMethod,
    Row,
    agreement_graph,
    pagerank,
    rank_behaviours,
    shared_answers,
)

METHODS = ("pagerank", "codet", "count")
ROWS = st.tuples(*[st.sampled_from(["i0", "i1", None])] * 3)
VOTERS = st.dictionaries(ROWS.filter(any), st.integers(1, 9), min_size=1, max_size=6)


@given(VOTERS)
def test_pagerank_is_what_one_step_more_does_not_change(voters: dict[Row, int]) -> None:
    ranks = pagerank(agreement_graph(voters))
    coming = {
        row: sum(
            count * ranks[other] * (1.0 if other == row else shared_answers(row, other))
            for other, count in voters.items()
        )
        for row in voters
    }
    total, voting = sum(coming.values()), sum(voters.values())
    for row, count in voters.items():
        step = (1 - FOLLOWED) * count / voting + FOLLOWED * coming[row] / total
        assert ranks[row] == pytest.approx(step, abs=1e-4)


def test_two_behaviours_that_share_half_of_their_answers() -> None:
    """With 2 voters and 1, the fixed point x of x = 0.05 * 2/3 + 0.95 * (2x + y/2) / (3x + 2y), y = 1 - x."""
    ranks = rank_behaviours({("a", "b"): 2, ("a", "c"): 1})
    x = ranks["a", "b"]
    assert x == pytest.approx(0.05 * 2 / 3 + 0.95 * (2 * x + (1 - x) / 2) / (3 * x + 1.5 * (1 - x)), abs=1e-5)
    assert 0.5 < x < 2 / 3


@given(VOTERS, st.sampled_from(METHODS))
def test_ranks_are_shares_and_the_order_of_the_voters_says_nothing(
    voters: dict[Row, int], method: RankingMethod
) -> None:
    ranks = rank_behaviours(voters, method)
    assert sum(ranks.values()) == pytest.approx(1.0)
    assert all(rank > 0 for rank in ranks.values())
    again = rank_behaviours(dict(reversed(voters.items())), method)
    assert again == pytest.approx(ranks)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_puts_what_most_do_first(method: RankingMethod) -> None:
    voters: dict[Row, int] = {("i1", "i2"): 5, ("i1", "i3"): 2, (None, "i9"): 1}
    ranks = rank_behaviours(voters, method)
    assert sorted(voters, key=lambda row: -ranks[row]) == list(voters)


def test_behaviours_that_share_nothing_are_ranked_by_their_voters() -> None:
    ranks = rank_behaviours({("a",): 3, ("b",): 1})
    assert ranks["a",] > 0.75


def test_codet_counts_the_inputs_on_which_a_behaviour_gives_the_usual_answer() -> None:
    voters: dict[Row, int] = {("a", "b", "c"): 2, ("a", "x", "c"): 3, ("q", "b", "z"): 3}
    ranks, shares = rank_behaviours(voters, "codet"), rank_behaviours(voters, "count")
    assert ranks["a", "x", "c"] > ranks["q", "b", "z"]
    assert shares["a", "x", "c"] == shares["q", "b", "z"]
