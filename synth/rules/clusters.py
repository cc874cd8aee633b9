"""Clusters of alike texts: each text joins the first cluster whose first text it is near enough to.

The one rule: the clusters are a function of the texts in their order, so the same round has the same ones. A
cluster is named by its first text.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
MOST_TERMS: Final = 48
"""So many terms of a text count, the rarest ones."""
COMMON: Final = 0.2
"""Terms that a greater share of many texts has tell nothing apart."""
FEW: Final = 20
"""Among fewer texts, every term counts."""

Vector = Mapping[str, float]


def weigh_terms(texts: Sequence[str]) -> list[Vector]:
    """A vector of length 1 for each text: its words and pairs of words, weighed by how rare they are
    (TF-IDF). A text without words has no direction."""
    counted = [Counter(_terms(text)) for text in texts]
    found = Counter(term for terms in counted for term in terms)
    most = COMMON * len(texts) if len(texts) >= FEW else len(texts)
    return [_vector(terms, found, len(texts), most) for terms in counted]


def _terms(text: str) -> list[str]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]


def _vector(terms: Mapping[str, int], found: Mapping[str, int], texts: int, most: float) -> Vector:
    weights = {
        term: (1 + math.log(count)) * math.log(1 + texts / found[term])
        for term, count in terms.items()
        if found[term] <= most
    }
    heaviest = sorted(weights, key=lambda term: (-weights[term], term))[:MOST_TERMS]
    length = math.sqrt(sum(weights[term] ** 2 for term in heaviest))
    return {term: weights[term] / length for term in heaviest}


def find_clusters(vectors: Sequence[Vector], similarity: float) -> list[int]:
    """For each vector the place of the first one of its cluster."""
    leaders: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    clusters: list[int] = []
    for at, vector in enumerate(vectors):
        near: defaultdict[int, float] = defaultdict(float)
        for term, weight in vector.items():
            for leader, other in leaders[term]:
                near[leader] += weight * other
        best = min(near, key=lambda leader: (-near[leader], leader), default=None)
        if best is not None and near[best] >= similarity - 1e-9:
            clusters.append(best)
            continue
        clusters.append(at)
        for term, weight in vector.items():
            leaders[term].append((at, weight))
    return clusters
