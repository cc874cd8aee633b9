"""What a training leaves behind: the adapter, the weights that engines serve, and `policy.json`.

Place in the flow: the end of `fit` -> here -> a complete checkpoint. The one rule: what was trained is what
is saved, in float32 wherever a later training goes on from it.
"""

import importlib.metadata
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from posttrain.core.data_files import data_hash
from posttrain.core.jobs import TrainingJob
from posttrain.core.metrics_log import read_metrics
from posttrain.core.policy import load_model, merge_and_save, narrow, save_policy
from posttrain.core.processes import processes
from posttrain.core.start import keeps_masters, policy_dtype
from posttrain.watch.held_out import TrainingRows
from posttrain.watch.measured import best_measurement
from synth.errors import Problem, TrainerError
from synth.policy import fingerprint_policy, fingerprint_weights
from synth.store.checkpoints import MASTERS, PolicyManifest
from synth.store.seals import seal_folder

if TYPE_CHECKING:
    from transformers import Trainer

_VERSIONS = ("torch", "transformers", "trl", "peft", "datasets", "accelerate")


def save_result(job: TrainingJob, trainer: "Trainer") -> None:
    """Save the trainer's adapter and merged weights; the trainer's own saving gathers sharded weights."""
    import torch

    target = job.folder / ("adapter" if job.config.lora else "trainer/weights")
    trainer.save_model(str(target))
    if trainer.accelerator.is_main_process:
        (target / "training_args.bin").unlink(missing_ok=True)
        if job.config.lora:
            _check_adapter(target)
            shutil.rmtree(target / "ref", ignore_errors=True)  # DPO's frozen copy of its starting adapter
            seal_folder(target)
            merge_and_save(job.policy, str(target), job.folder / "merged", policy_dtype(job), job.seed)
        else:
            model = load_model(str(target), "float32")
            if keeps_masters(job):
                save_policy(model, job.policy, job.folder / MASTERS)
            rounded = narrow(model, getattr(torch, policy_dtype(job)), job.seed)
            save_policy(rounded, job.policy, job.folder / "merged")
            shutil.rmtree(target)
    trainer.accelerator.wait_for_everyone()


def _check_adapter(folder: Path) -> None:
    """Raises TrainerError if no weights were saved, which PEFT does in silence where it does not know their
    names."""
    from safetensors import safe_open

    with safe_open(folder / "adapter_model.safetensors", "pt") as weights:
        if not weights.keys():
            fix = "train with `sharding: none`, and report this"
            raise TrainerError(Problem(str(folder), "was saved without weights", fix))


def manifest(
    job: TrainingJob, digest: str, rows: TrainingRows, seconds: float, stopped: str = ""
) -> PolicyManifest:
    last = read_metrics(job.folder / "metrics.jsonl")[-1]
    return PolicyManifest(
        name=job.name,
        kind=job.kind,
        fingerprint=fingerprint_policy(job.folder / "merged"),
        parent=job.adapter or job.policy,
        parent_fingerprint=fingerprint_weights(job.policy, job.adapter),
        data=tuple(map(str, job.data_paths)),
        data_sets=rows.read.shares(),
        data_hash=data_hash(job.data_paths),
        rows=len(rows),
        rejected_rows=rows.rejected_rows,
        held_out_rows=len(rows.held_out or ()),
        best=best_measurement(job.folder),
        config=job.config,
        seed=job.seed,
        job_hash=digest,
        has_adapter=job.config.lora is not None,
        steps=last.step,
        metrics=last.metrics,
        seconds=round(seconds, 3),
        processes=processes().num_processes,
        stopped=stopped,
        versions={name: importlib.metadata.version(name) for name in _VERSIONS},
        sealed=(
            "merged",
            *(["adapter"] if job.config.lora else []),
            *([MASTERS] if keeps_masters(job) else []),
        ),
    )
