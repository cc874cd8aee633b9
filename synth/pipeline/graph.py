"""The stage graph of a recipe: which stages run, in which order. Its edges are the stages' declared
`upstream` (networkx)."""

from collections.abc import Sequence

import networkx as nx

from synth.stages.unit_stage import Stage


def build_graph(stages: Sequence[Stage]) -> "nx.DiGraph[str]":
    """Nodes are stage names with the stage as attribute. An upstream stage that the recipe leaves out is no
    node. Raises ValueError."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for stage in stages:
        if stage.name in graph:
            raise ValueError(f"two stages are called {stage.name}")
        graph.add_node(stage.name, stage=stage)
    graph.add_edges_from(
        (before.name, stage.name) for stage in stages for before in stage.upstream if before.name in graph
    )
    if not nx.is_directed_acyclic_graph(graph):
        raise ValueError(f"stages wait for one another: {nx.find_cycle(graph)}")
    for before, after in graph.edges:
        if graph.nodes[before]["stage"].ordered and not graph.nodes[after]["stage"].ordered:
            raise ValueError(f"{after} runs shard by shard and cannot wait for the ordered stage {before}")
    return graph


def in_order(graph: "nx.DiGraph[str]") -> list[Stage]:
    """The stages, each after those that it reads; ties are in insertion order."""
    place = {name: position for position, name in enumerate(graph)}
    return [
        graph.nodes[name]["stage"]
        for name in nx.lexicographical_topological_sort(graph, key=place.__getitem__)
    ]
