"""Which checkpoints a unit went into: `checkpoints/<name>/policy.json` says what each was trained on.

It names `data` (Parquet or JSON Lines files, or folders of them, with an `id` column), or `unit_ids`; its
other keys are the trainer's own. The one rule: a unit belongs to a checkpoint only if its id stands in what
the checkpoint was trained on.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from synth.errors import Problem, StoreError
from synth.store.query import run_query

_READERS = {".parquet": "read_parquet", ".jsonl": "read_json_auto"}


class TrainedOn(BaseModel):
    """The part of `policy.json` that lineage reads."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    data: tuple[str, ...] = ()
    unit_ids: tuple[str, ...] = ()


def checkpoints_of(run: Path, unit_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a unit's id and the checkpoint, as `checkpoint <name>`, whose training set holds it. Raises
    StoreError for a broken file."""
    for path in sorted(run.glob("checkpoints/*/policy.json")):
        trained = read_trained_on(path)
        found = set(trained.unit_ids) & set(unit_ids)
        for name in trained.data:
            found |= _ids_in(run, Path(name), unit_ids)
        for unit_id in sorted(found):
            yield unit_id, f"checkpoint {path.parent.name}"


def read_trained_on(path: Path) -> TrainedOn:
    """What a checkpoint was trained on. Raises StoreError when the file cannot be read."""
    try:
        return TrainedOn.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        expected = "JSON with `data` or `unit_ids`"
        raise StoreError(
            Problem(f"{path}: cannot be read, {error}", expected, "train again, or remove the checkpoint")
        ) from error


def _ids_in(run: Path, data: Path, unit_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for file in _files(run, data) if unit_ids else ():
        reader = _READERS[file.suffix]
        columns = run_query(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {reader}($1))", [str(file)])
        if {"column_name": "id"} in columns:
            rows = run_query(
                f"SELECT id FROM {reader}($1) WHERE list_contains($2, id::VARCHAR)",
                [str(file), list(unit_ids)],
            )
            found.update(str(row["id"]) for row in rows)
    return found


def _files(run: Path, data: Path) -> list[Path]:
    # The run folder may have been moved since: then the last two parts of the path, as `sft/<name>.parquet`,
    # still say which file it was.
    place = next((path for path in (run / data, data, run.joinpath(*data.parts[-2:])) if path.exists()), None)
    if place is None:
        return []
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [file for file in files if file.suffix in _READERS]
