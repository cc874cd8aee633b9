"""One training, from job to checkpoint: the steps that SFT and DPO share.

Place in the flow: `sft` and `dpo` supply the TRL trainer; this module does the rest.
The one rule: every row of the data is trained on, is recorded in `rejected_rows.jsonl`, or stops the job with
an error that names it; no row is truncated or silently dropped.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from posttrain.core import stop_request
from posttrain.core.checkpoints import (
    begin_checkpoint,
    complete_checkpoint,
    finished_checkpoint,
    last_trainer_state,
)
from posttrain.core.jobs import TrainingJob, job_hash
from posttrain.core.metrics_log import MetricsLog, OnProgress
from posttrain.core.policy import load_tokenizer
from posttrain.core.processes import processes
from posttrain.core.result import manifest, save_result
from posttrain.core.start import Start, load_start
from posttrain.core.trl_arguments import check_reporting, trl_arguments
from posttrain.watch.held_out import TrainingRows, training_rows
from synth.store.checkpoints import Checkpoint
from synth.store.lock import locked

if TYPE_CHECKING:
    from transformers import Trainer

_PATIENCE_S = 180.0

Build = Callable[[Start, TrainingRows, dict[str, Any], Any], "Trainer"]
"""(policy, rows, arguments for TRL's config, callback that reports steps) -> the trainer."""


def fit(job: TrainingJob, build: Build, on_progress: OnProgress | None = None) -> Checkpoint:
    """Train one job, resume it, or return its finished policy. Raises CodemillError for problems that a
    person can fix."""
    digest = job_hash(job)
    if finished := finished_checkpoint(job.folder, digest):
        return finished
    check_reporting(job.config.report_to)
    with _alone(job):
        return finished_checkpoint(job.folder, digest) or _train(job, digest, build, on_progress)


def _alone(job: TrainingJob) -> AbstractContextManager[None]:
    """The folder belongs to this training. An earlier trainer that was asked to end may still save there, so
    it is waited for."""
    return locked(job.folder, _PATIENCE_S) if processes().is_main_process else nullcontext()


def _train(job: TrainingJob, digest: str, build: Build, on_progress: OnProgress | None) -> Checkpoint:
    from transformers import PrinterCallback

    together = processes()
    with together.main_process_first():
        begin_checkpoint(job.folder, digest)
    began = time.monotonic()
    tokenizer = load_tokenizer(job.policy)
    rows = training_rows(job, tokenizer, partial(_tokenized, job))
    if together.is_main_process:
        rows.read.write_rejected(job.folder / "rejected_rows.jsonl")
    meter = _meter(rows)
    report = _reporter(job, on_progress, meter)
    trainer = build(load_start(job, tokenizer), rows, trl_arguments(job), report)
    trainer.remove_callback(PrinterCallback)  # the parent process shows the steps
    for callback in (meter, *_watchers(job, trainer, rows), _saving(job)):
        trainer.add_callback(callback)
    stop_request.end_if_asked(job.name, "before its first step")
    state = last_trainer_state(job.folder, sharded=trainer.is_fsdp_enabled)
    trainer.train(resume_from_checkpoint=str(state) if state else None)
    if trainer.state.global_step < trainer.state.max_steps:
        stop_request.end_if_asked(job.name, f"after step {trainer.state.global_step}, which is saved")
    if rows.held_out is not None:
        _take_best(job, trainer)
    save_result(job, trainer)
    if together.is_main_process:
        _draw_plots(job)
    with together.main_process_first():
        found = finished_checkpoint(job.folder, digest)
        return found or complete_checkpoint(
            job.folder, manifest(job, digest, rows, time.monotonic() - began, _why_stopped(trainer))
        )


def _tokenized(job: TrainingJob, done: int, parts: int) -> None:
    if parts > 1:
        print(f"{job.name}: {done} of {parts} parts of the data are tokenized", file=sys.stderr)
    stop_request.end_if_asked(job.name, f"after {done} of {parts} parts of its data, which are kept")


def _meter(rows: TrainingRows) -> Any:  # noqa: ANN401
    from posttrain.watch.meter import StepMeter, mean_context

    return StepMeter(mean_context(rows.lengths))


def _draw_plots(job: TrainingJob) -> None:
    from posttrain.watch.plots import draw_plots

    draw_plots(job.folder)


def _take_best(job: TrainingJob, trainer: "Trainer") -> None:
    from posttrain.watch.best import take_best

    take_best(job, trainer)


def _watchers(job: TrainingJob, trainer: "Trainer", rows: TrainingRows) -> Iterator[Any]:
    from posttrain.watch.best import KeepBest
    from posttrain.watch.guards import StepGuard

    yield StepGuard(job, trainer)
    if rows.held_out is not None:
        yield KeepBest(job)


def _why_stopped(trainer: "Trainer") -> str:
    from posttrain.core.displacement import why_stopped

    return why_stopped(trainer.callback_handler.callbacks)


def _saving(job: TrainingJob) -> Any:  # noqa: ANN401
    from posttrain.core.callbacks import SaveInTime

    return SaveInTime(60 * job.config.save_minutes)


def _reporter(job: TrainingJob, on_progress: OnProgress | None, meter: Any) -> Any:  # noqa: ANN401
    from posttrain.core.callbacks import StepReport

    return StepReport(job.name, MetricsLog(job.folder / "metrics.jsonl", on_progress), meter)
