"""The policy that a training starts from, in memory and in the right type.

Place in the flow: a job -> here -> `sft` and `dpo`, which build TRL's trainer over it. The one rule: what is
trained is float32: all weights, or an adapter over the policy's own type.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posttrain.core.jobs import DpoJob, SftJob
from posttrain.core.policy import Dtype, load_adapter, load_model, masters_of
from synth.errors import Problem, RecipeError
from synth.training_config import LoraConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Start:
    """The policy that training starts from, in memory. `lora` is set if a fresh adapter is added to it."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    lora: LoraConfig | None


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
