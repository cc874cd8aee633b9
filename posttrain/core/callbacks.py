"""What happens beside the steps of a training: the log, and saving in time.

Place in the flow: `fit` adds these to TRL's trainer. Importing this module loads torch. The one rule: all
processes of a training decide alike after the same step.
"""

import time
from pathlib import Path

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from posttrain.core import stop_request
from posttrain.core.jobs import TrainingProgress
from posttrain.core.metrics_log import MetricsLog
from posttrain.watch.meter import StepMeter
from posttrain.watch.plots import draw_plots
from synth.store.seals import seal_folder


class StepReport(TrainerCallback):  # type: ignore[misc]
    """Writes each step's metrics to the log of the checkpoint and tells the parent."""

    def __init__(self, job: str, log: MetricsLog, meter: StepMeter | None = None) -> None:
        self._job = job
        self._log = log
        self._meter = meter

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """A resumed training continues the log after its last restored step."""
        if state.is_world_process_zero:
            self._log.begin(after_step=state.global_step)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """A state is complete once the hashes of its files are written down."""
        if state.is_world_process_zero and args.output_dir is not None:
            seal_folder(Path(args.output_dir, f"checkpoint-{state.global_step}"))
            draw_plots(Path(args.output_dir).parent)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """One line per step; the final summary has no `loss`."""
        if state.is_world_process_zero and logs and "loss" in logs:
            metrics = {key: float(value) for key, value in logs.items()}
            if self._meter is not None:
                metrics |= self._meter.figures(metrics)
            self._log.add(
                TrainingProgress(
                    job=self._job,
                    step=state.global_step,
                    total=state.max_steps,
                    loss=metrics["loss"],
                    metrics=metrics,
                )
            )


class SaveInTime(TrainerCallback):  # type: ignore[misc]
    """Saves the training's state once so many seconds have passed since the last time, and ends the training
    after a save when the process was asked to end. All processes act after the same step."""

    def __init__(self, interval_s: float) -> None:
        """`interval_s` 0: never by time."""
        self._interval_s = interval_s
        self._saved = time.monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Loading takes minutes for large models: the time counts from here."""
        self._saved = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Decide after each step. A training that has reached its last step simply ends."""
        late = bool(self._interval_s) and time.monotonic() - self._saved > self._interval_s
        stopping, late = any_process(stop_request.is_asked(), late)
        if (stopping or late) and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop |= stopping

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """A save of any cause starts the time anew."""
        self._saved = time.monotonic()


def any_process(*flags: bool) -> list[bool]:
    """For each flag, whether it is set in any process of this training."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return list(flags)
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    together = torch.tensor(flags, dtype=torch.int32, device=device)
    torch.distributed.all_reduce(together, op=torch.distributed.ReduceOp.MAX)
    return [bool(flag) for flag in together.tolist()]
