"""Lineage: where a unit came from and what became of it, as a graph seed -> task -> solution -> verdict ->
pair or sample -> checkpoint.

The one rule: an edge is something that was recorded (a parent in an index row, an id in a record, a row in a
training set), never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synth.products import PRODUCT_KINDS, PRODUCTS, settles
from synth.records import Seed, Solution, Task, Unit, Verdict
from synth.store.checkpoints import checkpoints_of
from synth.store.query import Shards
from synth.store.units import body_files, body_kinds, resolve_id, stage_order

if TYPE_CHECKING:
    import networkx as nx

_LINKED: tuple[type[Unit], ...] = (Task, Solution, *(product.model for product in PRODUCTS))
LINKS = {model.kind: model.parents for model in _LINKED}
"""Kinds in the order of the flow, and the columns of a body that name the units it was made from. Verdicts
stand between a solution and what is made of it."""


def stored_links(run: Path, kind: str) -> tuple[str, ...]:
    """Those of `LINKS` that the run has: one that was made before a column was known lacks it."""
    import pyarrow.parquet as pq

    files = body_files(run, kind)
    columns = pq.read_schema(files[0]).names if files else []
    return tuple(link for link in LINKS.get(kind, ()) if link in columns)


class _Edge(NamedTuple):
    parent: str
    child: str


def lineage(run: Path, id_or_prefix: str) -> nx.DiGraph:
    """All that the unit was made from and all that was made from it. Raises UserError for an unknown id.

    Nodes carry `kind`, and where known `language`, `stage`, `decision` and `reason` of their last decision;
    verdicts carry `outcome`, `rank`, `passed` and `total`. The graph's attribute `focus` is the full id.
    Edges that a longer path implies are left out.
    """
    import networkx as nx

    focus = resolve_id(run, id_or_prefix)
    graph = nx.DiGraph(focus=focus)
    graph.add_node(focus)
    _walk(graph, focus, lambda ids: _edges_to(run, ids), up=True)
    _walk(graph, focus, lambda ids: _edges_from(run, ids), up=False)
    _describe(run, graph)
    _put_verdicts_between(run, graph)
    _add_checkpoints(run, graph)
    if nx.is_directed_acyclic_graph(graph):
        graph.remove_edges_from(set(graph.edges) - set(nx.transitive_reduction(graph).edges))
    return graph


def _walk(graph: nx.DiGraph, focus: str, edges_of: Callable[[list[str]], Iterable[_Edge]], up: bool) -> None:
    frontier, seen = {focus}, {focus}
    while frontier:
        edges = set(edges_of(sorted(frontier)))
        graph.add_edges_from(edges)
        frontier = {edge.parent if up else edge.child for edge in edges} - seen
        seen |= frontier


def _edges_to(run: Path, children: list[str]) -> Iterator[_Edge]:
    shards = Shards(run)
    sql = """SELECT DISTINCT unnest(parents) AS parent, unit_id AS child FROM read_parquet($1)
        WHERE list_contains($2, unit_id)"""
    yield from _edges(shards.query(sql, shards.index_files(), children))
    yield from _body_edges(run, "key", children)


def _edges_from(run: Path, parents: list[str]) -> Iterator[_Edge]:
    shards = Shards(run)
    sql = """SELECT DISTINCT parent, child
        FROM (SELECT unnest(parents) AS parent, unit_id AS child FROM read_parquet($1)
            WHERE list_has_any(parents, $2))
        WHERE list_contains($2, parent)"""
    yield from _edges(shards.query(sql, shards.index_files(), parents))
    yield from _body_edges(run, None, parents)


def _body_edges(run: Path, column: str | None, ids: list[str]) -> Iterator[_Edge]:
    for kind in body_kinds(run):
        for link in stored_links(run, kind):
            sql = f"""SELECT DISTINCT {link} AS parent, key AS child FROM read_parquet($1)
                WHERE list_contains($2, {column or link})"""
            yield from _edges(Shards(run).query(sql, body_files(run, kind), ids))


def _edges(rows: Iterable[dict[str, Any]]) -> Iterator[_Edge]:
    return (
        _Edge(row["parent"], row["child"]) for row in rows if row["parent"] and row["parent"] != row["child"]
    )


def _describe(run: Path, graph: nx.DiGraph) -> None:
    shards, ids = Shards(run), sorted(graph)
    sql = """SELECT unit_id, kind, language, round, stage, decision, reason FROM read_parquet($1)
        WHERE list_contains($2, unit_id)"""
    order = stage_order(run)
    for row in sorted(
        shards.query(sql, shards.index_files(), ids),
        key=lambda row: (row["round"], order.index(row["stage"])),
    ):
        node = graph.nodes[row.pop("unit_id")]
        if "stage" not in node or settles(row["stage"], node["stage"], node["decision"]):
            node.pop("reason", None)
            node.update({name: value for name, value in row.items() if value})
    for kind in body_kinds(run):
        if kind in LINKS or kind == Seed.kind:
            found = shards.query(
                "SELECT DISTINCT key FROM read_parquet($1) WHERE list_contains($2, key)",
                body_files(run, kind),
                ids,
            )
            for row in found:
                graph.nodes[row["key"]]["kind"] = kind


def _put_verdicts_between(run: Path, graph: nx.DiGraph) -> None:
    sql = "SELECT * EXCLUDE (body) FROM read_parquet($1) WHERE list_contains($2, solution_id) ORDER BY ALL"
    for row in Shards(run).query(sql, body_files(run, Verdict.kind), sorted(graph)):
        solution, verdict = row["solution_id"], f"verdict of {row['solution_id']}"
        made = [(child, graph.nodes[child].get("kind")) for child in graph.successors(solution)]
        graph.add_node(
            verdict, kind=Verdict.kind, **{name: row[name] for name in ("outcome", "rank", "passed", "total")}
        )
        for child, kind in made:
            if kind in PRODUCT_KINDS:
                graph.remove_edge(solution, child)
                graph.add_edge(verdict, child)
        graph.add_edge(solution, verdict)


def _add_checkpoints(run: Path, graph: nx.DiGraph) -> None:
    units = [unit_id for unit_id, kind in graph.nodes(data="kind") if kind in PRODUCT_KINDS]
    for unit_id, checkpoint in checkpoints_of(run, units):
        graph.add_node(checkpoint, kind="checkpoint")
        graph.add_edge(unit_id, checkpoint)
