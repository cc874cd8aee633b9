"""Guards of a training: a loss or a gradient that is not finite, and a loss that has jumped and stays there.

Place in the flow: `fit` adds the guard to TRL's trainer. Importing this module loads torch. The one rule: a
training that is stopped can go on from before the step that went wrong. The guard looks before the optimizer
has used a step's gradients, so the weights are still those of the step before; it saves them, and ends.

One step alone is no sign: batches are of similar lengths, and a batch of an unusual kind, such as short
fill-in-the-middle rows among conversations, may have ten times the loss of its neighbours. So the state is
saved at the first such step, and the training ends only if the next ones are no better.
"""

import math
import random
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from posttrain.core.callbacks import any_process
from posttrain.core.checkpoints import discard_states, last_trainer_state
from posttrain.core.jobs import TrainingJob
from synth.errors import Problem, TrainerError

WINDOW = 128
"""Steps that a loss is compared with."""
FEWEST = 16
"""Before so many steps nothing is called a jump."""
LEAST_RANGE = 0.5
"""In nats: differences below it are noise in any loss here."""
IN_A_ROW = 3
"""Steps that must be high before the training ends."""


class WatchedSteps:
    """The part of a trainer that keeps the loss and the gradient norm of the step under way. It must precede
    TRL's class in the list of bases."""

    step_loss: torch.Tensor | None = None
    """Sum over the batches of one step so far, on this device, as the trainer logs it."""
    step_norm: torch.Tensor | float | None = None
    before_failing: Callable[[], None] = staticmethod(lambda: None)
    """Called when memory runs out in a step; the weights are still those of the step before."""

    def training_step(self, *args: object, **kwargs: object) -> torch.Tensor:
        try:
            loss: torch.Tensor = super().training_step(*args, **kwargs)  # type: ignore[misc]
        except torch.OutOfMemoryError:
            self.before_failing()
            raise
        self.step_loss = loss.detach() if self.step_loss is None else self.step_loss + loss.detach()
        return loss

    def _get_grad_norm(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
        norm = super()._get_grad_norm(*args, **kwargs)  # type: ignore[misc]
        self.step_norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm  # of sharded gradients
        return self.step_norm


class StepGuard(TrainerCallback):  # type: ignore[misc]
    """Ends a training that has gone wrong, with its last good state saved. All processes decide alike."""

    def __init__(self, job: TrainingJob, trainer: Trainer) -> None:
        self._job, self._trainer = job, trainer
        self._randomness: _Randomness | None = None
        self._high: list[int] = []
        """Steps in a row whose loss is high."""
        trainer.before_failing = self._keep_alone

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Remember the random numbers as a save after this step would. While the loss is in doubt, no state
        of `save_steps` may push out the one before."""
        self._randomness = _Randomness.now()
        if self._high:
            control.should_save = False

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """It draws random numbers, too."""
        self._randomness = _Randomness.now()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Raises TrainerError."""
        step, trainer = state.global_step + 1, self._trainer
        loss, norm = _together(trainer.step_loss, trainer.step_norm)
        trainer.step_loss = None
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._keep(state)
            what = f"the loss is {loss:g}" if not math.isfinite(loss) else f"the gradient norm is {norm:g}"
            raise self._stopped(step, f"has diverged: {what}")
        usual = _usual(state, len(self._high))
        if not is_high(loss, usual, self._job.config.spike):
            self._high = []
            return
        if not self._high:
            self._keep(state)
        self._high.append(step)
        if len(self._high) >= IN_A_ROW:
            if args.should_save:
                discard_states(self._job.folder, self._high[0] - 1)
            words = (
                f"has jumped to a loss of {loss:.3g} and stayed there for {IN_A_ROW} steps; the {len(usual)} "
                f"steps before had {min(usual):.3g} to {max(usual):.3g}"
            )
            raise self._stopped(self._high[0], words)

    def _keep_alone(self) -> None:
        """Save without the other processes, whose memory may not have run out: only where there are none."""
        if self._trainer.args.world_size == 1:
            self._trainer.optimizer.zero_grad()
            self._keep(self._trainer.state)

    def _keep(self, state: TrainerState) -> None:
        """Save the state of the step before, unless it is there, or is the beginning."""
        trainer, here = self._trainer, self._randomness
        folder = Path(trainer.args.output_dir, f"checkpoint-{state.global_step}")
        (is_there,) = any_process(state.global_step == 0 or here is None or folder.is_dir())
        if is_there or here is None:
            return
        now = _Randomness.now()
        here.restore()
        trainer._save_checkpoint(trainer.model, None)
        trainer.callback_handler.on_save(trainer.args, state, trainer.control)
        now.restore()

    def _stopped(self, step: int, words: str) -> TrainerError:
        config, state = self._job.config, last_trainer_state(self._job.folder)
        went_on = f"goes on after step {state.name.rpartition('-')[2]}" if state else "begins again"
        ways = [
            f"rerun the same command: it {went_on}. If the same step fails again, chance is not the cause:",
            f"lower learning_rate (now {config.learning_rate:g}; a tenth is a usual try) or raise "
            f"warmup_ratio (now {config.warmup_ratio:g}), which begins again",
        ]
        if "jumped" in words:
            ways.append(f"or go on in spite of it with spike: null (now {config.spike:g})")
        where = f"{self._job.name}, step {step}"
        return TrainerError(Problem(where, words, " ".join(ways), "docs/architecture/watching.md"))


def is_high(loss: float, before: Sequence[float], spike: float | None) -> bool:
    """Whether a loss is above all of those before by more than `spike` times their range, which counts as at
    least `LEAST_RANGE`."""
    if spike is None or len(before) < FEWEST:
        return False
    return loss - max(before) > spike * max(max(before) - min(before), LEAST_RANGE)


def _usual(state: TrainerState, high: int) -> list[float]:
    """The losses of the last `WINDOW` steps, without the `high` last ones, which are in doubt."""
    backwards = (one["loss"] for one in reversed(state.log_history) if "loss" in one)
    return list(islice(backwards, high, high + WINDOW))


def _together(loss: torch.Tensor | None, norm: torch.Tensor | float | None) -> tuple[float, float]:
    """The step's loss as the mean over all processes, and its gradient norm, which all have alike."""
    given = [torch.as_tensor(0.0 if one is None else one) for one in (loss, norm)]
    values = torch.stack([one.float().reshape(()).cpu() for one in given])
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        values = values.to("cuda") if torch.distributed.get_backend() == "nccl" else values
        torch.distributed.all_reduce(values)
        values = values / torch.distributed.get_world_size()
    return float(values[0]), float(values[1])


class _Randomness(NamedTuple):
    """The states of all generators of random numbers in this process."""

    python: Any
    numpy: Any
    cpu: torch.Tensor
    gpu: list[torch.Tensor]

    @classmethod
    def now(cls) -> "_Randomness":
        gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return cls(random.getstate(), numpy.random.get_state(), torch.get_rng_state(), gpu)

    def restore(self) -> None:
        restores: list[tuple[Callable[[Any], object], Any]] = [
            (random.setstate, self.python),
            (numpy.random.set_state, self.numpy),
            (torch.set_rng_state, self.cpu),
        ]
        for restore, state in restores:
            restore(state)
        if self.gpu:
            torch.cuda.set_rng_state_all(self.gpu)
