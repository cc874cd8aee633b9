"""One training, from job to checkpoint: the steps that SFT and DPO share.

Place in the flow: `sft` and `dpo` supply the encoding of rows and the TRL trainer; this module does the rest.
The one rule: every row of the data is trained on, is recorded in `rejected_rows.jsonl`, or stops the job with
an error that names it; no row is truncated or silently dropped.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar, cast

from posttrain.core import stop_request
from posttrain.core.checkpoints import (
    begin_checkpoint,
    complete_checkpoint,
    finished_checkpoint,
    last_trainer_state,
)
from posttrain.core.jobs import DpoJob, SftJob, job_hash
from posttrain.core.metrics_log import MetricsLog, OnProgress
from posttrain.core.policy import load_tokenizer
from posttrain.core.processes import processes
from posttrain.core.result import manifest, save_result
from posttrain.core.start import Start, load_start
from posttrain.core.token_table import TokenTable, row_limit, store_rejected
from posttrain.core.tokens import Encoder
from posttrain.core.trl_arguments import check_reporting, trl_arguments
from posttrain.watch.held_out import held_out_rows, row_lengths, taken
from synth.store.checkpoints import Checkpoint
from synth.store.lock import locked

if TYPE_CHECKING:
    from transformers import Trainer

_PATIENCE_S = 180.0

JobT = TypeVar("JobT", bound=SftJob | DpoJob)
Encode = Callable[[JobT, Encoder, int], TokenTable]
Build = Callable[[Start, TokenTable, dict[str, Any], Any], "Trainer"]
"""(policy, rows, arguments for TRL's config, callback that reports steps) -> the trainer."""


def fit(job: JobT, encode: Encode[JobT], build: Build, on_progress: OnProgress | None = None) -> Checkpoint:
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
    return locked(job.folder, _PATIENCE_S) if processes().is_main_process else nullcontext()


def _train(
    job: JobT, digest: str, encode: Encode[JobT], build: Build, on_progress: OnProgress | None
) -> Checkpoint:
    from transformers import PrinterCallback

    together = processes()
    with together.main_process_first():
        begin_checkpoint(job.folder, digest)
    began = time.monotonic()
    tokenizer = load_tokenizer(job.policy)
    table = _with_held_out(job, encode, Encoder(tokenizer))
    if together.is_main_process:
        store_rejected(job, table)
    meter = _meter(table)
    report = _reporter(job, on_progress, meter)
    trainer = build(load_start(job, tokenizer), table, trl_arguments(job), report)
    trainer.remove_callback(PrinterCallback)  # the parent process shows the steps
    for callback in (meter, *_watchers(job, trainer, table), _saving(job)):
        trainer.add_callback(callback)
    stop_request.end_if_asked(job.name, "before its first step")
    state = last_trainer_state(job.folder)
    trainer.train(resume_from_checkpoint=str(state) if state else None)
    if trainer.state.global_step < trainer.state.max_steps:
        stop_request.end_if_asked(job.name, f"after step {trainer.state.global_step}, which is saved")
    if table.held_out:
        _take_best(job, trainer)
    save_result(job, trainer)
    with together.main_process_first():
        found = finished_checkpoint(job.folder, digest)
        return found or complete_checkpoint(
            job.folder, manifest(job, digest, table, time.monotonic() - began)
        )


def _with_held_out(job: JobT, encode: Encode[JobT], encoder: Encoder) -> TokenTable:
    """The rows to train on, and those on which the loss is measured: of their own data sets, or a share."""
    table, limit = encode(job, encoder, row_limit(job)), row_limit(job)
    if job.eval_data:
        other = encode(cast(JobT, job.model_copy(update={"data": job.eval_data})), encoder, limit)
        return TokenTable(table.columns, [*table.rejected, *other.rejected], other.columns)
    held_out = held_out_rows(table.columns, job.config.eval_share, job.seed)
    if not held_out:
        return table
    rest = sorted(set(range(len(next(iter(table.columns.values()))))) - set(held_out))
    return TokenTable(taken(table.columns, rest), table.rejected, taken(table.columns, held_out))


def _meter(table: TokenTable) -> Any:  # noqa: ANN401
    from posttrain.watch.meter import StepMeter, mean_context

    return StepMeter(mean_context(row_lengths(table.columns)))


def _take_best(job: SftJob | DpoJob, trainer: "Trainer") -> None:
    from posttrain.watch.best import take_best

    take_best(job, trainer)


def _watchers(job: SftJob | DpoJob, trainer: "Trainer", table: TokenTable) -> Iterator[Any]:
    from posttrain.watch.best import KeepBest
    from posttrain.watch.guards import StepGuard

    yield StepGuard(job, trainer)
    if table.held_out:
        yield KeepBest(job)


def _saving(job: SftJob | DpoJob) -> Any:  # noqa: ANN401
    from posttrain.core.callbacks import SaveInTime

    return SaveInTime(60 * job.config.save_minutes)


def _reporter(job: SftJob | DpoJob, on_progress: OnProgress | None, meter: Any) -> Any:  # noqa: ANN401
    from posttrain.core.callbacks import StepReport

    return StepReport(job.name, MetricsLog(job.folder / "metrics.jsonl", on_progress), meter)
