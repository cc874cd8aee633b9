"""Which checkpoints a unit went into: `checkpoints/<name>/policy.json` says what each was trained on.

It may name `unit_ids` (a list), `dataset_files` (Parquet or JSON Lines with an `id` column, relative to the run folder), or both;
other keys are the trainer's own. The one rule: a unit belongs to a checkpoint only if its id stands in what the checkpoint was trained on.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from synth.errors import Problem, StoreError
from synth.store.query import run_query


class TrainedOn(BaseModel):
    """The part of `policy.json` that lineage reads."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dataset_files: tuple[str, ...] = ()
    dataset_hash: str = ""
    unit_ids: tuple[str, ...] = ()


def checkpoints_of(run: Path, unit_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a unit's id and the checkpoint, as `checkpoint <name>`, whose training set holds it. Raises StoreError for a broken file."""
    for path in sorted(run.glob("checkpoints/*/policy.json")):
        trained = read_trained_on(path)
        found = set(trained.unit_ids) & set(unit_ids)
        for name in trained.dataset_files:
            found |= _ids_in(run / name, unit_ids)
        for unit_id in sorted(found):
            yield unit_id, f"checkpoint {path.parent.name}"


def read_trained_on(path: Path) -> TrainedOn:
    """What a checkpoint was trained on. Raises StoreError when the file cannot be read."""
    try:
        return TrainedOn.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        expected = "JSON with unit_ids or dataset_files"
        raise StoreError(Problem(f"{path}: cannot be read, {error}", expected, "train again, or remove the checkpoint")) from error


def _ids_in(path: Path, unit_ids: Sequence[str]) -> set[str]:
    if not unit_ids or not path.exists():
        return set()
    reader = "read_parquet" if path.suffix == ".parquet" else "read_json_auto"
    rows = run_query(f"SELECT id FROM {reader}($1) WHERE list_contains($2, id)", [str(path), list(unit_ids)])
    return {str(row["id"]) for row in rows}
