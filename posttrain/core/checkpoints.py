"""The folder of one trained policy, `checkpoints/<name>/`: adapter/, merged/, metrics.jsonl,
rejected_rows.jsonl, trainer/, policy.json.

Place in the flow: a trainer writes it, the loop and the engines read it. The one rule: `policy.json` is
written last, so a folder that has one is complete; a folder without one holds work that the same job goes on
with.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, ValidationError

from synth.config import DpoConfig, SftConfig
from synth.errors import Problem, RunFolderError
from synth.generation.protocol import PolicyRef
from synth.records import SCHEMA_VERSION, Record


class PolicyManifest(Record):
    """`policy.json`: what this policy is and how it came about."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    schema_version: int = SCHEMA_VERSION
    name: str
    kind: Literal["sft", "dpo"]
    fingerprint: str
    """Of merged/: weights, tokenizer and chat template."""
    parent: str
    parent_fingerprint: str
    data: tuple[str, ...]
    data_hash: str
    rows: int
    rejected_rows: int
    config: SftConfig | DpoConfig
    seed: int
    job_hash: str
    has_adapter: bool
    steps: int
    metrics: dict[str, float]
    """Of the last step, in TRL's names."""
    seconds: float
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class TrainedPolicy:
    """A complete checkpoint."""

    folder: Path
    manifest: PolicyManifest

    @property
    def merged(self) -> Path:
        """Full weights and tokenizer, ready to be served or trained further."""
        return self.folder / "merged"

    @property
    def adapter(self) -> Path | None:
        return self.folder / "adapter" if self.manifest.has_adapter else None

    def ref(self) -> PolicyRef:
        """The policy as an engine takes it."""
        manifest = self.manifest
        return PolicyRef(
            name=manifest.name,
            path=str(self.merged),
            fingerprint=manifest.fingerprint,
            adapter_path=str(self.adapter or ""),
        )


def read_checkpoint(folder: Path) -> TrainedPolicy | None:
    """The policy in this folder, or None while it is not complete. Raises RunFolderError for a damaged
    `policy.json`."""
    file = folder / "policy.json"
    if not file.is_file():
        return None
    try:
        return TrainedPolicy(folder, PolicyManifest.model_validate_json(file.read_bytes()))
    except ValidationError as error:
        raise RunFolderError(
            Problem(
                str(file), f"cannot be read: {error.errors()[0]['msg']}", f"delete {folder} to train it again"
            )
        ) from error


def finished_checkpoint(folder: Path, job_hash: str) -> TrainedPolicy | None:
    """The finished policy of this very job, if it is there. Raises RunFolderError when the folder holds that
    of another job."""
    found = read_checkpoint(folder)
    if found is not None and found.manifest.job_hash != job_hash:
        expected = (
            f"holds a policy of another job ({found.manifest.kind}, "
            f"data {found.manifest.data_hash}, seed "
            f"{found.manifest.seed})"
        )
        raise RunFolderError(
            Problem(str(folder), expected, "give this job another folder or run name, or delete that one")
        )
    return found


def begin_checkpoint(folder: Path, job_hash: str) -> None:
    """Make the folder ready for this job: its own unfinished work stays, that of another job goes."""
    marker = folder / "trainer" / "job.json"
    if not (marker.is_file() and marker.read_text(encoding="utf-8") == job_hash):
        for name in ("trainer", "adapter", "merged", "merged.tmp"):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / "metrics.jsonl").unlink(missing_ok=True)
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_whole(marker, job_hash)


def last_trainer_state(folder: Path) -> Path | None:
    """The newest trainer checkpoint that was written to its end: the trainer writes `trainer_state.json`
    last."""
    states = sorted(
        (folder / "trainer").glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2])
    )
    return next((state for state in reversed(states) if _is_json(state / "trainer_state.json")), None)


def complete_checkpoint(folder: Path, manifest: PolicyManifest) -> TrainedPolicy:
    """Write `policy.json`, then drop optimizer states and token files, which nobody needs any more."""
    write_whole(folder / "policy.json", manifest.model_dump_json(indent=2))
    for state in (folder / "trainer").glob("checkpoint-*"):
        shutil.rmtree(state)
    for tokens in (folder / "trainer").glob("*.arrow"):
        tokens.unlink()
    return TrainedPolicy(folder, manifest)


def write_whole(file: Path, text: str) -> None:
    """Write a file so that readers see it whole or not at all."""
    staging = file.with_name(file.name + ".tmp")
    with staging.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    staging.replace(file)


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return True
