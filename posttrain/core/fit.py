"""One training, from job to checkpoint: the steps that SFT and DPO share.

Place in the flow: `sft` and `dpo` supply the encoding of rows and the TRL trainer; this module does the rest.
The one rule: every row of the data is trained on, is recorded in `rejected_rows.jsonl`, or stops the job with
an error that names it; no row is truncated or silently dropped.
"""

import importlib.metadata
import importlib.util
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from posttrain.core import stop_request
from posttrain.core.checkpoints import (
    begin_checkpoint,
    complete_checkpoint,
    finished_checkpoint,
    last_trainer_state,
)
from posttrain.core.data_files import data_hash
from posttrain.core.jobs import DpoJob, SftJob, job_hash
from posttrain.core.metrics_log import MetricsLog, OnProgress, read_metrics
from posttrain.core.policy import (
    Dtype,
    load_adapter,
    load_model,
    load_tokenizer,
    masters_of,
    merge_and_save,
    narrow,
    save_policy,
)
from posttrain.core.tokens import Encoder, PrefixMismatch
from synth.errors import DatasetError, Problem, RecipeError
from synth.policy import fingerprint_policy, fingerprint_weights
from synth.records import Record
from synth.store.atomic import write_bytes
from synth.store.checkpoints import MASTERS, Checkpoint, PolicyManifest
from synth.store.lock import locked
from synth.store.seals import seal_folder
from synth.training_config import LoraConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer

_SHOWN = 10
_PATIENCE_S = 180.0
_VERSIONS = ("torch", "transformers", "trl", "peft", "datasets", "accelerate")
Row = TypeVar("Row")


class RejectedRow(Record):
    """A line of `rejected_rows.jsonl`."""

    where: str
    reason: str
    detail: str
    tokens: int = 0


class TooLong(ValueError):
    """A row with more tokens than the limit."""

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens = tokens
        super().__init__(f"{tokens} tokens, at most {limit}")


class TokenTable(NamedTuple):
    """Rows as columns of token lists, and the rejected rows."""

    columns: dict[str, list[list[int]]]
    rejected: list[RejectedRow]


@dataclass(frozen=True, slots=True)
class Start:
    """The policy that training starts from, in memory. `lora` is set if a fresh adapter is added to it."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    lora: LoraConfig | None


Encode = Callable[[Encoder, int], TokenTable]
Build = Callable[[Start, dict[str, list[list[int]]], dict[str, Any], Any], "Trainer"]
"""(policy, columns, arguments for TRL's config, callback that reports steps) -> the trainer."""


def fit(
    job: SftJob | DpoJob, encode: Encode, build: Build, on_progress: OnProgress | None = None
) -> Checkpoint:
    """Train one job, resume it, or return its finished policy. Raises CodemillError for problems that a
    person can fix."""
    digest = job_hash(job)
    if finished := finished_checkpoint(job.folder, digest):
        return finished
    check_reporting(job.config.report_to)
    with _alone(job):
        return finished_checkpoint(job.folder, digest) or _train(job, digest, encode, build, on_progress)


def _alone(job: SftJob | DpoJob) -> AbstractContextManager[None]:
    """The folder belongs to this training. An earlier trainer that was asked to end may still save there, so
    it is waited for."""
    return locked(job.folder, _PATIENCE_S) if _processes().is_main_process else nullcontext()


def _train(
    job: SftJob | DpoJob, digest: str, encode: Encode, build: Build, on_progress: OnProgress | None
) -> Checkpoint:
    from transformers import PrinterCallback

    processes = _processes()
    with processes.main_process_first():
        begin_checkpoint(job.folder, digest)
    began = time.monotonic()
    tokenizer = load_tokenizer(job.policy)
    table = encode(Encoder(tokenizer), row_limit(job))
    if processes.is_main_process:
        _store_rejected(job, table)
    trainer = build(
        load_start(job, tokenizer), table.columns, trl_arguments(job), _reporter(job, on_progress)
    )
    trainer.remove_callback(PrinterCallback)  # the parent process shows the steps
    trainer.add_callback(_saving(job))
    stop_request.end_if_asked(job.name, "before its first step")
    state = last_trainer_state(job.folder)
    trainer.train(resume_from_checkpoint=str(state) if state else None)
    if trainer.state.global_step < trainer.state.max_steps:
        stop_request.end_if_asked(job.name, f"after step {trainer.state.global_step}, which is saved")
    _save(job, trainer)
    with processes.main_process_first():
        found = finished_checkpoint(job.folder, digest)
        return found or complete_checkpoint(
            job.folder, _manifest(job, digest, table, time.monotonic() - began)
        )


# --- rows ---------------------------------------------------------------------------------------------------


def encode_rows(
    job: SftJob | DpoJob,
    rows: Iterable[Row],
    where: Callable[[Row], str],
    one: Callable[[Row], dict[str, list[int]]],
) -> TokenTable:
    """Encode every row. Depending on the job's `overlong`, unusable rows raise an error that names them, or
    are rejected and counted."""
    columns: dict[str, list[list[int]]] = {}
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            for name, ids in one(row).items():
                columns.setdefault(name, []).append(ids)
        except TooLong as error:
            rejected.append(
                RejectedRow(where=where(row), reason="too_long", detail=str(error), tokens=error.tokens)
            )
        except PrefixMismatch as error:
            rejected.append(RejectedRow(where=where(row), reason="prefix_mismatch", detail=str(error)))
    if rejected and (job.config.overlong == "error" or not columns):
        raise DatasetError(*_problems(rejected))
    return TokenTable(columns, rejected)


def _problems(rejected: Sequence[RejectedRow]) -> list[Problem]:
    fix = "shorten the rows, raise max_length, or set `overlong: reject` to skip and count such rows"
    shown = [Problem(row.where, f"is rejected: {row.reason}: {row.detail}", fix) for row in rejected[:_SHOWN]]
    more = (
        [Problem("the data set", f"has {len(rejected) - _SHOWN} more rows like these", fix)]
        if len(rejected) > _SHOWN
        else []
    )
    return shown + more


def row_limit(job: SftJob | DpoJob) -> int:
    """Maximum row length in tokens: the recipe's `max_length`, or the model's context size if smaller."""
    from transformers import AutoConfig

    positions = getattr(AutoConfig.from_pretrained(job.policy), "max_position_embeddings", None)
    return min(job.config.max_length, positions or job.config.max_length)


def _store_rejected(job: SftJob | DpoJob, table: TokenTable) -> None:
    rows = "".join(row.model_dump_json() + "\n" for row in table.rejected)
    write_bytes(job.folder / "rejected_rows.jsonl", rows.encode())


# --- the policy ---------------------------------------------------------------------------------------------


def weights_dtype(job: SftJob | DpoJob) -> Dtype:
    """Type of the weights during training: the policy's below an adapter, which itself is float32. Where all
    weights are trained they are float32, for steps of a usual size round to nothing in bfloat16; the sums
    are then made in bfloat16 (autocast)."""
    return policy_dtype(job) if job.config.lora else "float32"


def policy_dtype(job: SftJob | DpoJob) -> Dtype:
    """Type of the policy that engines serve. `auto`: bfloat16 on a GPU, else float32."""
    import torch

    if job.dtype != "auto":
        return job.dtype
    return "bfloat16" if torch.cuda.is_available() else "float32"


def keeps_masters(job: SftJob | DpoJob) -> bool:
    """Whether the float32 weights are kept beside what engines serve, for trainings that go on from them."""
    return weights_dtype(job) != policy_dtype(job)


def load_start(job: SftJob | DpoJob, tokenizer: "PreTrainedTokenizerBase") -> Start:
    """The job's policy in memory. Its adapter is trained further, or merged if all weights are trained."""
    lora = job.config.lora
    model = load_model(job.policy if lora else masters_of(job.policy), weights_dtype(job))
    if not job.adapter:
        return Start(model, tokenizer, lora)
    adapted = load_adapter(model, job.adapter, trainable=lora is not None)
    if lora is None:
        return Start(adapted.merge_and_unload(), tokenizer, None)
    rank = adapted.peft_config["default"].r
    if rank != lora.rank:
        raise RecipeError(
            Problem(
                f"lora.rank = {lora.rank}",
                f"must be {rank}, because the adapter {job.adapter} has rank {rank}",
                f"rank: {rank}",
            )
        )
    return Start(adapted, tokenizer, None)


def fresh_adapter(lora: LoraConfig | None, base: str) -> Any:  # noqa: ANN401 - peft is untyped
    """PEFT's config for a new adapter, or None."""
    from peft import LoraConfig as PeftLora
    from peft import TaskType

    if lora is None:
        return None
    modules = lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules)
    return PeftLora(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=modules,
        task_type=TaskType.CAUSAL_LM,
        base_model_name_or_path=base,
    )


# --- TRL ----------------------------------------------------------------------------------------------------


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


def trl_arguments(job: SftJob | DpoJob) -> dict[str, Any]:
    """The arguments that SFTConfig and DPOConfig share. `max_length` is None there: rows
    were measured here."""
    import torch

    config, gpu = job.config, torch.cuda.is_available()
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
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
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
    }


def _saving(job: SftJob | DpoJob) -> Any:  # noqa: ANN401
    from posttrain.core.trl_trainers import SaveInTime

    return SaveInTime(60 * job.config.save_minutes)


def _reporter(job: SftJob | DpoJob, on_progress: OnProgress | None) -> Any:  # noqa: ANN401
    from posttrain.core.trl_trainers import StepReport

    return StepReport(job.name, MetricsLog(job.folder / "metrics.jsonl", on_progress))


# --- the result ---------------------------------------------------------------------------------------------


def _save(job: SftJob | DpoJob, trainer: "Trainer") -> None:
    """Save the trainer's adapter and merged weights; the trainer's own saving gathers sharded weights."""
    import torch

    target = job.folder / ("adapter" if job.config.lora else "trainer/weights")
    trainer.save_model(str(target))
    if trainer.accelerator.is_main_process:
        (target / "training_args.bin").unlink(missing_ok=True)
        if job.config.lora:
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


def _manifest(job: SftJob | DpoJob, digest: str, table: TokenTable, seconds: float) -> PolicyManifest:
    last = read_metrics(job.folder / "metrics.jsonl")[-1]
    return PolicyManifest(
        name=job.name,
        kind=job.kind,
        fingerprint=fingerprint_policy(job.folder / "merged"),
        parent=job.adapter or job.policy,
        parent_fingerprint=fingerprint_weights(job.policy, job.adapter),
        data=job.data,
        data_hash=data_hash(job.data_paths),
        rows=len(next(iter(table.columns.values()))),
        rejected_rows=len(table.rejected),
        config=job.config,
        seed=job.seed,
        job_hash=digest,
        has_adapter=job.config.lora is not None,
        steps=last.step,
        metrics=last.metrics,
        seconds=round(seconds, 3),
        versions={name: importlib.metadata.version(name) for name in _VERSIONS},
        sealed=(
            "merged",
            *(["adapter"] if job.config.lora else []),
            *([MASTERS] if keeps_masters(job) else []),
        ),
    )


def as_dataset(job: SftJob | DpoJob, columns: dict[str, list[list[int]]]) -> Any:  # noqa: ANN401
    """Columns of token lists as a `datasets.Dataset` over a file, so that all processes share it and the
    files that TRL computes beside it."""
    import pyarrow
    from datasets import Dataset

    file = job.folder / "trainer" / "tokens.arrow"
    with _processes().main_process_first():
        if _processes().is_main_process:
            table = pyarrow.table(
                {
                    name: pyarrow.array(lists, type=pyarrow.list_(pyarrow.int32()))
                    for name, lists in columns.items()
                }
            )
            file.parent.mkdir(parents=True, exist_ok=True)
            with (
                pyarrow.OSFile(str(file), "wb") as sink,
                pyarrow.ipc.new_stream(sink, table.schema) as stream,
            ):
                stream.write_table(table)
        return Dataset.from_file(str(file))


def _processes() -> Any:  # noqa: ANN401 - accelerate is untyped
    """The processes of this training, one per GPU. With `main_process_first`, the first one prepares the
    folder before the others read it."""
    from accelerate import PartialState  # type: ignore[import-untyped]
    from torch import cuda

    return PartialState(cpu=not cuda.is_available())
