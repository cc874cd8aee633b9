"""How far two programs of one language are from each other in structure, whatever their names and layout."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from synth.languages.code_tokens import abstract_ngrams, abstract_tokens
from synth.records import Solution

RUN: Final = 4
"""Tokens of a run."""


def structure_of(code: str, language: str) -> frozenset[str]:
    """Its short runs of tokens, names numbered in each in order of appearance."""
    tokens = abstract_tokens(code, language)
    return frozenset(abstract_ngrams(tokens, min(RUN, max(1, len(tokens)))))


def distance(one: frozenset[str], other: frozenset[str]) -> float:
    """From 0, the same runs, to 1, none in common (Jaccard)."""
    union = len(one | other)
    return 1 - len(one & other) / union if union else 0.0


class Picked(NamedTuple):
    """The chosen programs, and for each of the others the chosen one that it is too near to."""

    chosen: list[str]
    near: dict[str, tuple[str, float]]


def pick_distinct(ranked: Sequence[Solution], count: int, least: float) -> Picked:
    """Up to `count` programs in their order, each at least so far from all chosen before it."""
    chosen: list[tuple[str, frozenset[str]]] = []
    near: dict[str, tuple[str, float]] = {}
    for solution in ranked:
        if len(chosen) >= count:
            break
        structure = structure_of(solution.code, solution.language) if least else frozenset[str]()
        if least and chosen:
            away, twin = min((distance(structure, other), name) for name, other in chosen)
            if away < least:
                near[solution.id] = (twin, round(away, 4))
                continue
        chosen.append((solution.id, structure))
    return Picked([name for name, _ in chosen], near)
