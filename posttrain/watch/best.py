"""The loss on held-out rows during a training: measured, written down, and used to stop in time and to keep
the best state.

Place in the flow: `fit` adds this to TRL's trainer where a recipe holds rows out. Importing this module loads
torch. The one rule: what has been measured stands in the trainer's own state, so a training that is resumed
stops where an uninterrupted one would.
"""

import json
import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from posttrain.core.jobs import TrainingJob
from posttrain.watch.measured import EVALUATIONS, LOSS, steps_between
from synth.store.atomic import write_bytes


class KeepBest(TrainerCallback):  # type: ignore[misc]
    """Measures every `eval_steps` and at the end, saves each best state, and ends the training once
    `patience` measurements in a row were no better."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        steps = steps_between(self._job.config.eval_steps, state.max_steps)
        if state.global_step % steps == 0 or state.global_step >= state.max_steps:
            control.should_evaluate = True

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **_: object,
    ) -> None:
        measured = measurements(state)
        if state.is_world_process_zero:
            lines = "".join(json.dumps(one) + "\n" for one in measured)
            write_bytes(self._job.folder / EVALUATIONS, lines.encode())
        since = _since_best(measured)
        if since == 0:
            state.best_global_step = state.global_step
            best = _state_folder(self._job, state.global_step)
            state.best_model_checkpoint = str(best)  # which is never rotated out
            control.should_save = True
        elif self._job.config.patience is not None and since >= self._job.config.patience:
            control.should_training_stop = True


def measurements(state: TrainerState) -> list[dict[str, Any]]:
    """All that were made, by rising step."""
    return [one for one in state.log_history if LOSS in one]


def _since_best(measured: list[dict[str, Any]]) -> int:
    """How many measurements came after the best one; of equal ones the first counts."""
    losses = [one[LOSS] if math.isfinite(one[LOSS]) else math.inf for one in measured]
    return len(losses) - 1 - losses.index(min(losses))


def take_best(job: TrainingJob, trainer: Any) -> int | None:  # noqa: ANN401
    """Bring the weights of the best measured state back into the trainer. Returns its step; None where
    nothing was measured."""
    best: int | None = trainer.state.best_global_step
    if best is not None and best != trainer.state.global_step:
        trainer._load_from_checkpoint(str(_state_folder(job, best)))
    return best


def _state_folder(job: TrainingJob, step: int) -> Path:
    return job.folder / "trainer" / f"checkpoint-{step}"
