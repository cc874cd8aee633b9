"""Rows of earlier rounds that a round trains on again.

Place in the flow: the products of earlier rounds -> `replay/round-<r>-<job>.parquet` -> the jobs of this one.
The one rule: a task with one program is trained on once in a round, however many rounds made it. The file is
a function of the products, so a resumed round trains on the same rows.
"""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from synth.config import Recipe
from synth.ids import content_hash, derive_random
from synth.pipeline.round import RoundData, WrittenSet
from synth.products import Pair, Sample
from synth.store.parquet import read_rows, write_rows
from synth.store.products import product_schema

FOLDER = "replay"


def write_replay(run: Path, recipe: Recipe, round_: int, data: RoundData) -> dict[str, Path]:
    """The file of each job for which earlier rounds have rows; `loop.replay` says how many of them. FIM rows
    are not replayed: new ones cost nothing."""
    files: dict[str, Path] = {}
    for one in data.sets if recipe.loop.replay else ():
        if one.data_set.job and one.product.model in (Sample, Pair):
            rows = list(_unseen(one, round_))
            random = derive_random(recipe.seed, "replay", round_, one.data_set.job)
            chosen = set(random.sample(range(len(rows)), round(recipe.loop.replay * len(rows))))
            path = run / FOLDER / f"round-{round_}-{one.data_set.job}.parquet"
            if chosen:
                write_rows(path, product_schema(one.product), _picked(rows, chosen))
                files[one.data_set.job] = path
    return files


def _unseen(written: WrittenSet, round_: int) -> Iterator[dict[str, Any]]:
    """The rows of earlier rounds, the last one first, without those that this one has."""
    seen = {_identity(row) for row in read_rows(written.path)}
    for earlier in range(round_ - 1, 0, -1):
        path = written.path.with_name(written.path.name.replace(f"round-{round_}", f"round-{earlier}", 1))
        for row in read_rows(path) if path.exists() else ():
            if (identity := _identity(row)) not in seen:
                seen.add(identity)
                yield row


def _identity(row: dict[str, Any]) -> str:
    """The task as it is asked, and its programs. Ids differ from round to round."""
    answers = [row[name] for name in ("code", "chosen", "rejected") if name in row]
    return content_hash(row["prompt"], answers)


def _picked(rows: list[dict[str, Any]], chosen: Container[int]) -> Iterator[dict[str, Any]]:
    return (row for at, row in enumerate(rows) if at in chosen)
