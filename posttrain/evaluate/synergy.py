"""How much a right program in one language helps a model to write another: the synergy of two languages
(Qwen2.5-Coder report, 4.1).

Place in the flow: evaluations of the same tasks, plain and with a program of a language shown -> here -> a
directed graph of languages. Pure. The one rule: a task is compared with itself, so tasks that are easy in a
language do not pass for help; an edge whose interval holds 0 says nothing.
"""

from collections.abc import Mapping, Sequence

import networkx as nx

from posttrain.evaluate.evaluation import QuestionResult
from posttrain.evaluate.paired import PairedDifference, paired_difference
from posttrain.evaluate.table import ResultTable, show_difference


def synergy_graph(
    plain: Sequence[QuestionResult], hinted: Mapping[str, Sequence[QuestionResult]]
) -> "nx.DiGraph[str]":
    """An edge from each language that was shown to each that was asked for: `difference` is P(solved when it
    was shown) minus P(solved), pass@1 over the tasks that were judged both ways. A loop says what copying
    from a program of the same language gives."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for shown, answered in hinted.items():
        for asked in dict.fromkeys(one.language for one in answered):
            found = paired_difference(_of(plain, asked), _of(answered, asked), k=1)
            if found is not None:
                graph.add_edge(shown, asked, difference=found)
    return graph


def synergy_table(graph: "nx.DiGraph[str]") -> ResultTable:
    """Shown languages by row, languages asked for by column, points with 95% intervals; a star where the
    interval leaves out 0."""
    shown = [language for language in graph if graph.out_degree(language)]
    asked = [language for language in graph if graph.in_degree(language)]
    rows = [[one, *(_cell(graph, one, other) for other in asked)] for one in shown]
    return ResultTable("pass@1 with a right program shown, minus without, in points", ["shown", *asked], rows)


def _cell(graph: "nx.DiGraph[str]", shown: str, asked: str) -> str:
    if not graph.has_edge(shown, asked):
        return ""
    difference: PairedDifference = graph.edges[shown, asked]["difference"]
    return show_difference(difference) + (" *" if difference.is_clear else "")


def _of(answered: Sequence[QuestionResult], language: str) -> list[QuestionResult]:
    return [one for one in answered if one.language == language]
