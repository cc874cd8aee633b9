"""The policy that a training starts from, in memory and in the right type.

Place in the flow: a job -> here -> `sft` and `dpo`, which build TRL's trainer over it. The one rule: what is
trained is float32: all weights, or an adapter over the policy's own type.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posttrain.core.adapters import check_same, fresh_adapter
from posttrain.core.chat_template import chat_tokens
from posttrain.core.jobs import TrainingJob
from posttrain.core.policy import Dtype, load_adapter, load_model, load_quantized, masters_of
from posttrain.core.token_rows import look_at, matrices_of, rows_to_train
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
    tokens: tuple[int, ...] = ()
    """Ids of the tokens whose rows are trained beside a fresh adapter."""

    def peft_config(self, base: str) -> Any:  # noqa: ANN401 - peft is untyped
        """PEFT's config for the fresh adapter, or None."""
        return fresh_adapter(self.lora, base, self.model, self.tokens)


def weights_dtype(job: TrainingJob) -> Dtype:
    """Type of the weights during training: the policy's below an adapter, which itself is float32. Where all
    weights are trained they are float32, for steps of a usual size round to nothing in bfloat16; the sums
    are then made in bfloat16 (autocast)."""
    return policy_dtype(job) if job.config.lora else "float32"


def policy_dtype(job: TrainingJob) -> Dtype:
    """Type of the policy that engines serve. `auto`: bfloat16 on a GPU, else float32."""
    import torch

    if job.dtype != "auto":
        return job.dtype
    return "bfloat16" if torch.cuda.is_available() else "float32"


def keeps_masters(job: TrainingJob) -> bool:
    """Whether the float32 weights are kept beside what engines serve, for trainings that go on from them."""
    return weights_dtype(job) != policy_dtype(job)


def _load(job: TrainingJob, lora: LoraConfig | None) -> "PreTrainedModel":
    if lora is not None and lora.quantization is not None:
        return load_quantized(job.policy, weights_dtype(job))
    return load_model(job.policy if lora else masters_of(job.policy), weights_dtype(job))


def load_start(job: TrainingJob, tokenizer: "PreTrainedTokenizerBase") -> Start:
    """The job's policy in memory. Its adapter is trained further, or merged if all weights are trained."""
    lora = job.config.lora
    model = _load(job, lora)
    rows = look_at(matrices_of(model), tokenizer, chat_tokens(tokenizer))
    print(*rows, sep="\n", file=sys.stderr)
    if not job.adapter:
        tokens = rows_to_train(lora, rows, tokenizer) if lora else ()
        return Start(model, tokenizer, lora, tokens)
    adapted = load_adapter(model, job.adapter, trainable=lora is not None)
    if lora is None and job.kind == "dpo" and job.sharding != "none":
        expected = f"is an adapter, of which a sharded DPO of all weights has no reference: {job.adapter}"
        raise RecipeError(Problem("policy", expected, "start from merged weights, or `sharding: none`"))
    if lora is None:
        return Start(adapted.merge_and_unload(), tokenizer, None)
    check_same(adapted, lora, job.adapter)
    return Start(adapted, tokenizer, None)
