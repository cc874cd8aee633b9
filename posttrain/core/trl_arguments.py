"""A job's settings as TRL's arguments.

Place in the flow: `fit` -> here -> `sft` and `dpo`, which add their own. The one rule: rows were measured
before, so TRL gets no `max_length`.
"""

import importlib.util
from typing import Any

from posttrain.core.jobs import TrainingJob
from posttrain.core.processes import processes
from posttrain.core.sharding import sharding_arguments
from posttrain.core.start import policy_dtype
from synth.errors import Problem, RecipeError
from synth.launch_config import step_shape


def check_reporting(report_to: str) -> None:
    """Raises RecipeError if the package that reports the metrics is missing."""
    package = {"tensorboard": ("tensorboard", "tensorboardX")}.get(report_to, (report_to,))
    if report_to != "none" and not any(map(importlib.util.find_spec, package)):
        raise RecipeError(
            Problem(
                f"report_to = {report_to}",
                f"needs the package {report_to}, which is not installed",
                f"pip install {report_to}",
            )
        )


def trl_arguments(job: TrainingJob) -> dict[str, Any]:
    """The arguments that SFTConfig and DPOConfig share. `max_length` is None there: rows
    were measured here."""
    import torch

    config, gpu = job.config, torch.cuda.is_available()
    _check_devices(torch.cuda.device_count())
    shape = step_shape(config.step_rows, processes().num_processes, config.batch_size)
    return {
        "output_dir": str(job.folder / "trainer"),
        "run_name": job.name,
        "project": "codemill",
        "report_to": [config.report_to],
        "seed": job.seed,
        "use_cpu": not gpu,
        "bf16": policy_dtype(job) == "bfloat16" and (gpu or not config.lora),
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps,
        "per_device_eval_batch_size": config.batch_size,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": shape.accumulation,
        "gradient_checkpointing": config.gradient_checkpointing,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup_ratio,
        "weight_decay": config.weight_decay,
        "max_length": None,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "save_strategy": "steps" if config.save_steps else "no",
        "save_steps": config.save_steps or 1,
        "save_total_limit": 2,
        "dataloader_pin_memory": gpu,
        "ddp_find_unused_parameters": False,
        **sharding_arguments(job),
    }


def _check_devices(visible: int) -> None:
    """Raises RecipeError where TRL would share one process out over several devices, which it refuses. So it
    is where nothing but torch knows the GPUs: without `nvidia-smi`, or with another maker's."""
    if visible < 2 or processes().num_processes > 1:
        return
    expected = f"is one, but torch sees {visible} GPUs"
    fix = f"processes: {visible}, or export CUDA_VISIBLE_DEVICES=0"
    raise RecipeError(Problem("launch.processes", expected, fix, "docs/architecture/training.md"))
