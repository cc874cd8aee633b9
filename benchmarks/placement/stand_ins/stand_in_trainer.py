"""What a training leaves behind, without the training: checkpoints that are complete and sealed."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import NoReturn

from benchmarks.placement.stand_ins import simulated_card
from benchmarks.placement.stand_ins.kill_switch import step
from posttrain.core.checkpoints import begin_checkpoint, complete_checkpoint
from posttrain.core.data_files import data_hash
from posttrain.core.jobs import JOBS, TrainingJob, job_hash
from synth.policy import fingerprint_policy, fingerprint_weights
from synth.store.checkpoints import PolicyManifest
from synth.store.seals import seal_folder


def train(file: str) -> None:
    """Complete the jobs in the file and end the process."""
    signal.signal(signal.SIGTERM, end_slowly)
    step("train")
    for job in JOBS.validate_json(Path(file).read_text()):
        time.sleep(0.3)
        complete(job)
    simulated_card.note("trainer", "end")
    step("trained")
    os._exit(0)


def end_slowly(*_: object) -> NoReturn:
    """Asked to end, it takes a while, as one that saves."""
    time.sleep(1)
    simulated_card.note("trainer", "end")
    os._exit(1)


def complete(job: TrainingJob) -> None:
    digest = job_hash(job)
    begin_checkpoint(job.folder, digest)
    merged = job.folder / "merged"
    shutil.copytree(job.policy, merged)
    for file in (*merged.glob("*.safetensors"), *merged.glob("*.sha256*"), *merged.glob("hashes*")):
        file.unlink()
    (merged / "model.safetensors").write_bytes(job.name.encode() * 99)
    seal_folder(merged)
    if job.config.lora is not None:
        adapter = job.folder / "adapter"
        adapter.mkdir(exist_ok=True)
        (adapter / "adapter_config.json").write_text(f'{{"base_model_name_or_path": "{job.policy}"}}')
        (adapter / "adapter_model.safetensors").write_bytes(job.name.encode())
        seal_folder(adapter)
    complete_checkpoint(job.folder, manifest(job, digest))


def manifest(job: TrainingJob, digest: str) -> PolicyManifest:
    return PolicyManifest(
        name=job.name,
        kind=job.kind,
        fingerprint=fingerprint_policy(job.folder / "merged"),
        parent=job.adapter or job.policy,
        parent_fingerprint=fingerprint_weights(job.policy, job.adapter),
        data=job.data,
        data_hash=data_hash(job.data_paths),
        rows=1,
        rejected_rows=0,
        config=job.config,
        seed=job.seed,
        job_hash=digest,
        has_adapter=job.config.lora is not None,
        steps=1,
        metrics={},
        seconds=0.3,
        versions={},
        sealed=("merged", "adapter") if job.config.lora is not None else ("merged",),
    )
