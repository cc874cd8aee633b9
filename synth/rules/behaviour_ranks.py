"""Ranks the behaviours that the candidates of a task show, from their answers alone.

A behaviour is the row of a candidate's answers to all inputs; its voters are the candidates that gave exactly
these. Three methods behind one function: `count` (its share of the voters), `codet` (voters times the inputs
on which it gives the usual answer; CodeT, arXiv 2207.10397, without stated outputs) and `pagerank` (on the
graph of behaviours, whose edges weigh the inputs on which two agree; CodeDPO, arXiv 2410.05605, ranks
programs and tests this way). The one rule: ranks are shares, and depend on the rows and their voters only.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import networkx as nx

RankingMethod = Literal["pagerank", "codet", "count"]

Row = tuple[str | None, ...]
"""One candidate's answers to all inputs, as wire text; None where it raised, was stopped or
did not answer."""

FOLLOWED = 0.95
"""Weight of the answers that a behaviour shares, against its own voters. Of 0.7, 0.85, 0.95 and 1, this one
found the right behaviour most often among voters of known truth (`python -m benchmarks.consensus`)."""


def rank_behaviours(voters: Mapping[Row, int], method: RankingMethod = "pagerank") -> dict[Row, float]:
    """The rank of each behaviour, by its number of voters; all ranks sum to 1."""
    if method == "count":
        scores = {row: float(count) for row, count in voters.items()}
    elif method == "codet":
        usual = _usual_answers(voters)
        scores = {row: count * (1.0 + shared_answers(row, usual)) for row, count in voters.items()}
    else:
        scores = pagerank(agreement_graph(voters))
    total = sum(scores.values())
    return {row: score / total for row, score in scores.items()}


def agreement_graph(voters: Mapping[Row, int]) -> "nx.DiGraph[Row]":
    """The behaviours, each with its `voters`. An edge leads to each behaviour that shares an answer, and to
    itself; it weighs the voters there times the share of the inputs on which both answer alike."""
    graph: nx.DiGraph[Row] = nx.DiGraph()
    rows = sorted(voters, key=lambda row: [output or "" for output in row])
    for row in rows:
        graph.add_node(row, voters=voters[row])
    for row in rows:
        for other in rows:
            likeness = 1.0 if other == row else shared_answers(row, other)
            if likeness:
                graph.add_edge(row, other, weight=voters[other] * likeness)
    return graph


def pagerank(graph: "nx.DiGraph[Row]") -> dict[Row, float]:
    """Ranks by power iteration: a behaviour is as good as those that share its answers, which CodeDPO took
    from PageRank. networkx's own needs scipy, and divides what a behaviour gives by the number of those it
    gives to, so that mistakes which resemble each other gain.

    Edges have a `weight`, and each node has one to itself. At every step a rank is `FOLLOWED` times what
    comes in over the edges, as a share of all, and else the node's share of the `voters`.
    """
    total = sum(graph.nodes[node]["voters"] for node in graph)
    own = {node: graph.nodes[node]["voters"] / total for node in graph}
    edges = list(graph.edges(data="weight"))
    ranks, moved = own, 1.0
    while moved >= 1e-6:
        before, coming = ranks, dict.fromkeys(graph, 0.0)
        for start, end, weight in edges:
            coming[start] += weight * before[end]
        everything = sum(coming.values())
        ranks = {node: (1 - FOLLOWED) * own[node] + FOLLOWED * coming[node] / everything for node in graph}
        moved = sum(abs(ranks[node] - before[node]) for node in graph)
    return ranks


def shared_answers(left: Row, right: Row) -> float:
    """Share of the inputs to which both gave the same answer."""
    shared = sum(1 for a, b in zip(left, right, strict=True) if a is not None and a == b)
    return shared / len(left) if left else 0.0


def _usual_answers(voters: Mapping[Row, int]) -> Row:
    """The answer with the most voters to each input; of equal ones the smallest text."""
    usual: list[str | None] = []
    for at in range(len(next(iter(voters)))):
        counts: Counter[str] = Counter()
        for row, count in voters.items():
            answer = row[at]
            if answer is not None:
                counts[answer] += count
        usual.append(min(counts, key=lambda answer: (-counts[answer], answer)) if counts else None)
    return tuple(usual)
