"""Vectors of texts from a static embedding model (model2vec) in a local folder, for clusters."""

from collections.abc import Sequence
from pathlib import Path

from synth.errors import Problem, UserError
from synth.rules.clusters import Vector


def model_vectors(texts: Sequence[str], folder: str) -> list[Vector]:
    """A vector of length 1 for each text. Raises UserError if the package or the model is missing."""
    try:
        from model2vec import StaticModel
    except ImportError:
        fix = "pip install model2vec, or vectors: ngrams"
        raise UserError(Problem("data.select.clusters.vectors", "needs the package model2vec", fix)) from None
    if not Path(folder).is_dir():
        expected = f"must be the folder of a model2vec model, but {folder} is none"
        raise UserError(Problem("data.select.clusters.model", expected, "name its folder"))
    found = StaticModel.from_pretrained(folder).encode(list(texts))
    vectors: list[Vector] = []
    for row in found:
        length = float((row**2).sum()) ** 0.5
        vectors.append({str(at): float(value) / length for at, value in enumerate(row)} if length else {})
    return vectors
