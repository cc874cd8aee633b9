"""Ends a DPO once chosen answers are less likely than under its reference, by a limit in nats a token.

Place in the flow: TRL's `rewards/chosen` of each step -> here -> the end of the training, and the reason in
`policy.json`. Importing this module loads torch. The one rule: margins can grow while both answers become
less likely (Razin and others 2024, arXiv 2410.08847), so the margin is not looked at.
"""

from collections import deque
from collections.abc import Mapping, Sequence, Sized
from typing import Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from posttrain.core.jobs import DpoJob

_STEPS = 4
"""Over which the fall is averaged: single batches differ."""


class Rows(Protocol):
    """The pairs of a training as tokens."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: int) -> Mapping[str, Sized]: ...


class StopBelowReference(TrainerCallback):  # type: ignore[misc]
    """`stopped` says in words why the training ended; empty if it did not end here."""

    def __init__(self, job: DpoJob, rows: Rows) -> None:
        """`rows` are the pairs as tokens; their `chosen_ids` are looked at."""
        self._job, self._limit = job.name, job.config.stop_below_reference
        self._nats = job.config.beta * _mean_tokens(rows) if self._limit is not None else 0.0
        """`rewards/chosen` is beta times the sum over the tokens of an answer."""
        self._falls: deque[float] = deque(maxlen=_STEPS)
        self.stopped = ""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Every process of a training has the mean over all of them, so all decide alike."""
        if self._limit is None or not logs or "rewards/chosen" not in logs or self._nats <= 0:
            return
        self._falls.append(-float(logs["rewards/chosen"]) / self._nats)
        fall = sum(self._falls) / len(self._falls)
        if len(self._falls) == _STEPS and fall > self._limit and state.global_step < state.max_steps:
            self.stopped = (
                f"{self._job}: ended after step {state.global_step} of {state.max_steps}: chosen answers are "
                f"{fall:.2f} nats a token less likely than under the reference (stop_below_reference: "
                f"{self._limit:g})"
            )
            control.should_training_stop = True


def _mean_tokens(rows: Rows) -> float:
    """Of the chosen answers, over at most about a thousand rows."""
    looked_at = range(0, len(rows), max(1, len(rows) // 1000))
    return sum(len(rows[at]["chosen_ids"]) for at in looked_at) / max(1, len(looked_at))


def why_stopped(callbacks: Sequence[object]) -> str:
    """What a training's callbacks say."""
    return next((one.stopped for one in callbacks if isinstance(one, StopBelowReference)), "")
