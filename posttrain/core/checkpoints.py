"""Writes a checkpoint, `checkpoints/<name>/`: adapter/, merged/, metrics.jsonl,
rejected_rows.jsonl, trainer/, policy.json.

Place in the flow: `fit` begins and completes it; `synth.store.checkpoints` reads it. The one rule: a folder
without `policy.json` contains unfinished work, which the same job resumes and any other job discards.
"""

import shutil
import sys
from pathlib import Path

from synth.errors import Problem, RunFolderError, StoreError
from synth.store.atomic import write_bytes
from synth.store.checkpoints import MANIFEST, MASTERS, Checkpoint, PolicyManifest, read_checkpoint
from synth.store.seals import HASHES, check_folder, seal_json

_SHARDED = "optimizer.bin"
"""The file in which accelerate saves the optimizer of a sharded training."""


def finished_checkpoint(folder: Path, job_hash: str) -> Checkpoint | None:
    """This job's finished policy, if there is one. Raises RunFolderError if the folder has
    another job's policy, and StoreError if its files are damaged."""
    found = read_checkpoint(folder)
    if found is not None and found.manifest.job_hash != job_hash:
        before = found.manifest
        expected = (
            f"contains a policy of another job ({before.kind}, data {before.data_hash}, seed {before.seed})"
        )
        raise RunFolderError(
            Problem(str(folder), expected, "use another folder or run name, or delete this folder")
        )
    if found is not None:
        found.check()
    return found


def begin_checkpoint(folder: Path, job_hash: str) -> None:
    """Prepare the folder for this job: keep the job's own states, remove all other work."""
    marker = folder / "trainer" / "job.json"
    if not (marker.is_file() and marker.read_text(encoding="utf-8") == job_hash):
        for name in ("trainer", "adapter", "merged", "merged.tmp", MASTERS, f"{MASTERS}.tmp"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("metrics.jsonl", "evaluations.jsonl"):
            (folder / name).unlink(missing_ok=True)
        write_bytes(marker, job_hash.encode())


def last_trainer_state(folder: Path, sharded: bool | None = None) -> Path | None:
    """The newest complete state of the trainer. One that is damaged is left out and said so; the training
    then goes on from the one before, or begins again, and ends the same. With `sharded`, only states that a
    sharded training has saved, or only such that no sharded one has: neither can read the other's."""
    states = sorted(
        (folder / "trainer").glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2])
    )
    if sharded is not None:
        states = [state for state in states if (state / _SHARDED).is_file() == sharded]
    return next(filter(_is_whole, reversed(states)), None)


def discard_states(folder: Path, after_step: int) -> None:
    """Remove the trainer's states of later steps."""
    for state in (folder / "trainer").glob("checkpoint-*"):
        if int(state.name.rpartition("-")[2]) > after_step:
            shutil.rmtree(state)


def complete_checkpoint(folder: Path, manifest: PolicyManifest) -> Checkpoint:
    """Write `policy.json`, then delete optimizer states and the job's own tokens: they are needed no more."""
    write_bytes(folder / MANIFEST, seal_json(manifest.model_dump_json(indent=2)))
    for state in (folder / "trainer").glob("checkpoint-*"):
        shutil.rmtree(state)
    shutil.rmtree(folder / "trainer" / "tokens", ignore_errors=True)
    return Checkpoint(folder, manifest)


def _is_whole(state: Path) -> bool:
    """Whether the trainer's state was written to its end and is still so."""
    if not (state / HASHES).is_file():  # written last
        return False
    try:
        check_folder(state)
    except StoreError as error:
        print(f"{state} is not used:\n{error}", file=sys.stderr)
        return False
    return True
