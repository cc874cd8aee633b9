"""The folder of one trained policy, `checkpoints/<name>/`, and which units were trained on in it.

Place in the flow: a trainer writes the folder (`posttrain.core.checkpoints`), engines serve it,
`lineage` reads what it was trained on. The one rule: `policy.json` is written last, so a folder that has
one is complete. It is sealed, and names the folders beside it whose files are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, ValidationError

from synth.errors import Problem, RunFolderError, StoreError
from synth.policy import Policy, adapter_base
from synth.records import SCHEMA_VERSION, Record
from synth.store.query import checked_names, run_query
from synth.store.seals import check_folder, read_json, repair_command
from synth.training_config import TrainingConfig

MANIFEST = "policy.json"
MASTERS = "float32"
"""Folder beside `merged/` with the same weights in float32, where all of them were trained for bfloat16."""
_READERS = {".parquet": "read_parquet", ".jsonl": "read_json_auto"}


class SetRows(Record):
    """One data set of a training."""

    paths: tuple[str, ...]
    rows: int
    """That can be trained on."""
    selected: int
    """Trained on in one epoch; more than `rows` where some are there several times."""


class PolicyManifest(Record):
    """`policy.json`: what this policy is and how it came about."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    schema_version: int = SCHEMA_VERSION
    name: str
    kind: Literal["sft", "dpo", "kto"]
    fingerprint: str
    """Of merged/: weights, tokenizer and chat template."""
    parent: str
    parent_fingerprint: str
    data: tuple[str, ...]
    """Files that it was trained on, or folders of them: Parquet or JSON Lines."""
    data_sets: tuple[SetRows, ...] = ()
    """How many rows of each data set were trained on an epoch."""
    data_hash: str
    rows: int
    rejected_rows: int
    held_out_rows: int = 0
    """On which the loss was measured, and nothing was trained."""
    best: dict[str, float] | None = None
    """The measurement of the state that became the result, if any were made."""
    config: TrainingConfig
    seed: int
    job_hash: str
    has_adapter: bool
    steps: int
    metrics: dict[str, float]
    """Of the last step, in TRL's names."""
    seconds: float
    processes: int = 1
    """That trained together when it ended; an earlier part may have had others."""
    stopped: str = ""
    """Why it ended before its last step, in words."""
    versions: dict[str, str]
    sealed: tuple[str, ...] = ()
    """Folders with the hashes of their files (`seals.seal_folder`); none in a policy of an older version."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained policy that is complete on disk."""

    folder: Path
    manifest: PolicyManifest

    @property
    def merged(self) -> Path:
        """Full weights and tokenizer, ready to be served or trained further."""
        return self.folder / "merged"

    @property
    def adapter(self) -> Path | None:
        return self.folder / "adapter" if self.manifest.has_adapter else None

    def check(self) -> None:
        """Read all files of the policy. Raises StoreError for one that is missing or damaged."""
        for name in self.manifest.sealed:
            check_folder(self.folder / name)

    def policy(self, name: str = "") -> Policy:
        """What an engine serves and the next training starts from, under this name or the job's."""
        policy = Policy(
            name=name or self.manifest.name, base=str(self.merged), fingerprint=self.manifest.fingerprint
        )
        if self.adapter is None:
            return policy
        parts = {"base": adapter_base(self.adapter), "adapter": str(self.adapter), "merged": policy.base}
        return policy.model_copy(update=parts)


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint in this folder, or None while it is not complete. Raises RunFolderError for a
    damaged `policy.json`."""
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        return Checkpoint(folder, PolicyManifest.model_validate_json(read_json(file)))
    except StoreError as error:
        raise RunFolderError(*error.problems) from error
    except ValidationError as error:
        raise RunFolderError(
            Problem(
                str(file),
                f"cannot be read: {error.errors()[0]['msg']}",
                repair_command(file),
            )
        ) from error


# --- units --------------------------------------------------------------------------------------------------


def checkpoints_of(run: Path, unit_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a unit's id and the checkpoint, as `checkpoint <name>`, whose training data holds it. Raises
    RunFolderError for a damaged `policy.json`."""
    for path in sorted(run.glob(f"checkpoints/*/{MANIFEST}")):
        checkpoint = read_checkpoint(path.parent)
        data = checkpoint.manifest.data if checkpoint is not None else ()
        found = {unit_id for name in data for unit_id in _ids_in(run, Path(name), unit_ids)}
        for unit_id in sorted(found):
            yield unit_id, f"checkpoint {path.parent.name}"


def _ids_in(run: Path, data: Path, unit_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for file in training_files(run, data) if unit_ids else ():
        if file.suffix == ".parquet":
            checked_names([file])
        reader = _READERS[file.suffix]
        columns = run_query(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {reader}($1))", [str(file)])
        if {"column_name": "id"} in columns:
            rows = run_query(
                f"SELECT id FROM {reader}($1) WHERE list_contains($2, id::VARCHAR)",
                [str(file), list(unit_ids)],
            )
            found.update(str(row["id"]) for row in rows)
    return found


def training_files(run: Path, data: Path) -> list[Path]:
    """The files of rows that a manifest names as `data`, as far as they are still there."""
    # The run folder may have been moved since: then the last two parts of the path, as `sft/<name>.parquet`,
    # still say which file it was.
    place = next((path for path in (run / data, data, run.joinpath(*data.parts[-2:])) if path.exists()), None)
    if place is None:
        return []
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [file for file in files if file.suffix in _READERS]
