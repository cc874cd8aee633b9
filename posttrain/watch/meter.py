"""What each step costs: tokens a second, the share of the device's arithmetic that was used, and memory.

Place in the flow: `fit` adds the meter to TRL's trainer, `StepReport` writes its figures to `metrics.jsonl`.
Importing this module loads torch. The one rule: a figure is measured or absent. The utilisation needs the
device's peak; where no maker states one, as for a CPU, there is none.
"""

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from synth.training_metrics import MEMORY, TOKENS_PER_SECOND, UTILISATION

_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
"""Keys of the configs of mixtures."""


class StepMeter(TrainerCallback):  # type: ignore[misc]
    """Measures from the end of one step to the end of the next. Evaluations and saves do not count."""

    def __init__(self, mean_context: float) -> None:
        """`mean_context`: positions that a token attends to, on average (`mean_context`)."""
        self._mean_context = mean_context
        self._since = time.monotonic()
        self._seconds = 0.0
        self._tokens = 0.0
        self._flops_per_token: float | None = None
        self._peak: float | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,  # noqa: ANN401
        **_: object,
    ) -> None:
        """Loading does not count as a step."""
        again = not getattr(args, "precompute_ref_log_probs", True)  # DPO asks the reference at each step
        self._flops_per_token = flops_per_token(model, self._mean_context, reads_reference=again)
        self._peak = peak_flops(args.bf16)
        self._world = args.world_size
        self._since = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """A step with its wait for data."""
        self._seconds = time.monotonic() - self._since

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """What comes before the next step begins there."""
        self._since = time.monotonic()

    on_save = on_evaluate = on_log

    def figures(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The figures of the step that has just ended. `metrics` are TRL's; `num_tokens` there counts up."""
        found = {MEMORY: peak_memory_mb()}
        tokens = metrics.get("num_tokens", 0.0) - self._tokens
        self._tokens += tokens
        if tokens > 0 and self._seconds > 0:
            found[TOKENS_PER_SECOND] = rate = tokens / self._seconds
            if self._flops_per_token is not None and self._peak is not None:
                found[UTILISATION] = self._flops_per_token * rate / (self._peak * self._world)
        return {name: float(f"{value:.6g}") for name, value in found.items()}


def mean_context(lengths: "numpy.ndarray") -> float:
    """Positions that a token attends to, on average over all tokens of rows of these lengths: a token in the
    middle of a row sees half of it, and long rows have more tokens. For pairs, whose lengths are those of
    both answers, it is too high by less than a factor of two."""
    wide = lengths.astype(numpy.float64)
    return float((wide * (wide + 1)).sum() / (2 * wide.sum())) if len(wide) else 0.0


def flops_per_token(
    model: Any,  # noqa: ANN401
    context: float,
    reads_reference: bool = False,
) -> float | None:
    """Arithmetic that a token of a training step needs, without what checkpointing does twice: two
    operations for each weight in the forward pass, as many for the gradients of the activations, and as
    many for those of the weights that are trained (6N where all are), and 12 x layers x width x context for
    the attention (Chowdhery and others 2022, arXiv 2204.02311, appendix B). None for mixtures of experts,
    whose share of weights in use is not read here."""
    config = model.config
    if any(getattr(config, name, None) for name in _EXPERTS):
        return None
    embedding = model.get_input_embeddings()
    looked_up = 0 if config.tie_word_embeddings else sum(one.numel() for one in embedding.parameters())
    weights = [(one.numel(), one.requires_grad) for one in _matrices(model)]
    total, trained = sum(n for n, _ in weights) - looked_up, sum(n for n, on in weights if on)
    trained -= looked_up if embedding.weight.requires_grad else 0
    width = config.num_attention_heads * (
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )
    attention = 4.0 * config.num_hidden_layers * width * context
    forward = 2.0 * total + attention
    return float(2 * forward + 2 * trained + attention + (forward if reads_reference else 0))


def _matrices(model: Any) -> Iterable[Any]:  # noqa: ANN401
    """The weights of a step, without DPO's reference adapter, which stands beside the trained one."""
    return (one for name, one in model.named_parameters() if one.dim() > 1 and ".ref." not in name)


def peak_flops(bfloat16: bool) -> float | None:
    """Operations a second that the maker of this machine's GPU states, by TRL's table; None where there is
    no GPU, or one that is not in it."""
    if not torch.cuda.is_available():
        return None
    from trl.trainer.utils import get_peak_flops

    found = get_peak_flops(torch.cuda.get_device_name(), "bfloat16" if bfloat16 else "float32")
    return float(found) if found else None


def peak_memory_mb() -> float:
    """The most memory so far, in MB of 2**20 bytes."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    return peak_resident_mb()


def peak_resident_mb(process: int | str = "self") -> float:
    """The most memory of a process so far (VmHWM), in MB; 0.0 where the system does not say."""
    try:
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
