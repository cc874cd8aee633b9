"""Writes a checkpoint, `checkpoints/<name>/`: adapter/, merged/, metrics.jsonl,
rejected_rows.jsonl, trainer/, policy.json.

Place in the flow: `fit` begins and completes it; `synth.store.checkpoints` reads it. The one rule: a folder
without `policy.json` contains unfinished work, which the same job resumes and any other job discards.
"""

import json
import shutil
from pathlib import Path

from synth.errors import Problem, RunFolderError
from synth.store.atomic import write_bytes
from synth.store.checkpoints import MANIFEST, Checkpoint, PolicyManifest, read_checkpoint


def finished_checkpoint(folder: Path, job_hash: str) -> Checkpoint | None:
    """This job's finished policy, if there is one. Raises RunFolderError if the folder has
    another job's policy."""
    found = read_checkpoint(folder)
    if found is not None and found.manifest.job_hash != job_hash:
        before = found.manifest
        expected = (
            f"contains a policy of another job ({before.kind}, data {before.data_hash}, seed {before.seed})"
        )
        raise RunFolderError(
            Problem(str(folder), expected, "use another folder or run name, or delete this folder")
        )
    return found


def begin_checkpoint(folder: Path, job_hash: str) -> None:
    """Prepare the folder for this job: keep the job's own unfinished work, remove any other."""
    marker = folder / "trainer" / "job.json"
    if not (marker.is_file() and marker.read_text(encoding="utf-8") == job_hash):
        for name in ("trainer", "adapter", "merged", "merged.tmp"):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / "metrics.jsonl").unlink(missing_ok=True)
        write_bytes(marker, job_hash.encode())


def last_trainer_state(folder: Path) -> Path | None:
    """The newest complete trainer checkpoint: the trainer writes `trainer_state.json` last."""
    states = sorted(
        (folder / "trainer").glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2])
    )
    return next((state for state in reversed(states) if _is_json(state / "trainer_state.json")), None)


def complete_checkpoint(folder: Path, manifest: PolicyManifest) -> Checkpoint:
    """Write `policy.json`, then delete optimizer states and token files, which are no longer needed."""
    write_bytes(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
    for state in (folder / "trainer").glob("checkpoint-*"):
        shutil.rmtree(state)
    for tokens in (folder / "trainer").glob("*.arrow"):
        tokens.unlink()
    return Checkpoint(folder, manifest)


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return True
