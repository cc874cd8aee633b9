"""The sections of a recipe that train: supervised fine-tuning and preference optimization."""

from typing import Literal

from pydantic import Field

from synth.config_base import Config
from synth.training_data_config import TrainingSets

DpoLoss = Literal[
    "sigmoid",
    "sigmoid_norm",
    "nll",
    "sft",
    "hinge",
    "ipo",
    "exo_pair",
    "nca_pair",
    "robust",
    "bco_pair",
    "sppo_hard",
    "aot",
    "aot_unpaired",
    "apo_zero",
    "apo_down",
    "discopop",
]
"""The losses of TRL 1.16's DPOTrainer, and `nll` of our own."""
SMOOTHED_LOSSES: frozenset[DpoLoss] = frozenset(("sigmoid", "robust", "exo_pair", "aot", "aot_unpaired"))
"""Those that read `label_smoothing`."""
CHOSEN_LOSSES: frozenset[DpoLoss] = frozenset(("nll", "sft"))
"""Those of the chosen answer alone, which hold it where another loss pulls."""


class LoraConfig(Config):
    """A LoRA adapter."""

    rank: int = Field(32, ge=1, description="Rank of the adapter.")
    alpha: int = Field(32, ge=1, description="LoRA alpha: updates are scaled by alpha / rank.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout on the adapter's input.")
    target_modules: str | tuple[str, ...] = Field("all-linear", description="Modules to adapt.")
    dora: bool = Field(
        False,
        description="Train the norm of each row of weights apart from its direction (DoRA). Slower.",
    )
    rslora: bool = Field(
        False, description="Scale updates by alpha / sqrt(rank), which keeps large ranks stable (rsLoRA)."
    )
    quantization: Literal["nf4"] | None = Field(
        None,
        description=(
            "`nf4`: hold the weights below the adapter in 4 bits (QLoRA), which takes a third of the memory. "
            "Needs bitsandbytes. What is saved is merged into the weights as they were."
        ),
    )
    train_tokens: Literal["auto", "none"] | tuple[str, ...] = Field(
        "auto",
        description=(
            "Tokens whose embeddings are trained beside the adapter. `auto`: those of the chat format that "
            "the base never learned, unless the engine serves adapters only."
        ),
    )


class TrainConfig(Config):
    """Settings that all trainings share."""

    data: TrainingSets = Field(
        (),
        description=(
            "Data sets with the columns of TRL, ShareGPT or Alpaca: a path, `hub:OWNER/NAME`, or a list of "
            "data sets. In a loop, they are trained on beside the rows of each round."
        ),
    )
    lora: LoraConfig | None = Field(LoraConfig(), description="LoRA adapter. `null` trains all weights.")
    epochs: float = Field(1.0, gt=0, description="Passes over the data.")
    max_steps: int = Field(-1, ge=-1, description="Maximum steps; -1 = use `epochs`.")
    rows_per_step: int | None = Field(
        None,
        ge=1,
        description=(
            "Rows of one step over all processes (with `packing`, sequences). "
            "Unset: `batch_size` x `gradient_accumulation`."
        ),
    )
    batch_size: int = Field(16, ge=1, description="Rows that one process trains at a time, at most.")
    gradient_accumulation: int = Field(
        1, ge=1, description="Batches of one step. Follows from `rows_per_step` where that is set."
    )
    warmup_ratio: float = Field(0.05, ge=0, lt=1, description="Share of the steps used for warm-up.")
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        "cosine", description="Learning-rate schedule."
    )
    weight_decay: float = Field(0.0, ge=0, description="Weight decay.")
    max_length: int = Field(
        2048,
        ge=16,
        description="Maximum tokens per row. Longer rows are handled by `overlong` and never truncated.",
    )
    overlong: Literal["error", "reject"] = Field(
        "error",
        description="`error`: a row that is too long stops the job; `reject`: it is skipped and counted.",
    )
    stopping: Literal["first_exhausted", "all_exhausted"] = Field(
        "first_exhausted",
        description="What ends an epoch of data sets with weights. `first_exhausted`: the set that has the "
        "fewest rows for its weight; of the others, rows are drawn. `all_exhausted`: every row of every set "
        "was there, so those of small sets were there several times.",
    )
    unusable: Literal["error", "reject"] = Field(
        "error",
        description="`error`: a row that cannot be trained as it is (an empty answer, a pair without a "
        "difference, a field that no template writes) stops the job; `reject`: it is skipped and counted.",
    )
    save_steps: int = Field(0, ge=0, description="Steps between checkpoints; 0 = by time alone.")
    save_minutes: float = Field(10.0, ge=0, description="Minutes between checkpoints; 0 = by steps alone.")
    eval_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the rows on which the loss is measured instead of training on them. Rows with "
        "the same prompt stay together. The best measured state becomes the result.",
    )
    eval_data: str | None = Field(
        None,
        description="For `codemill sft` and `codemill dpo`: a data set to measure the loss on, instead of "
        "`eval_share`.",
    )
    eval_steps: int = Field(0, ge=0, description="Steps between measurements; 0 = ten of them in a training.")
    patience: int | None = Field(
        None, ge=1, description="End after so many measurements that were no better. `null`: never."
    )
    spike: float | None = Field(
        3.0,
        gt=0,
        description="End, with the last good state saved, when the loss of three steps in a row is above all "
        "of the last 128 by so many times their range. `null`: only when it is not finite.",
    )
    report_to: Literal["none", "tensorboard", "trackio", "wandb"] = Field(
        "none", description="Where to report metrics, in addition to the log."
    )
    gradient_checkpointing: bool = Field(False, description="Use less memory at the cost of time.")

    @property
    def step_rows(self) -> int:
        """Rows of one step, over all processes."""
        return self.rows_per_step or self.batch_size * self.gradient_accumulation

    @property
    def skipped(self) -> tuple[str, ...]:
        """Reasons of rows that are skipped and counted; others stop the job."""
        overlong = ("too_long", "prefix_mismatch") if self.overlong == "reject" else ()
        return (*overlong, *(("unusable",) if self.unusable == "reject" else ()))


class SftConfig(TrainConfig):
    """Supervised fine-tuning. A recipe of `codemill sft` also names `data`."""

    learning_rate: float = Field(3e-4, gt=0, description="Peak learning rate.")
    packing: bool = Field(
        False,
        description=(
            "Put rows together into sequences of `max_length` tokens, which `batch_size` then counts. Rows do"
            " not see each other, and nothing is padded."
        ),
    )


class CoarseToFineConfig(Config):
    """Two SFT stages: first everything that passed, then the strict best (Qwen2.5-Coder report, 4.2)."""

    coarse: SftConfig = Field(SftConfig(), description="The large, diverse set.")
    fine: SftConfig | None = Field(None, description="The small, strict set. If unset, only `coarse` runs.")


class DpoConfig(TrainConfig):
    """Direct preference optimization. The reference model is the policy that training starts from."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate.")
    beta: float = Field(0.1, gt=0, description="How strongly the policy is held to the reference model.")
    loss_type: tuple[DpoLoss, ...] = Field(
        ("sigmoid",),
        description=(
            "Losses, as named by TRL, which are added. `sigmoid_norm` divides each log-probability by the "
            "length of its answer; its `beta` is larger (about 5). `nll`, of our own, holds the chosen "
            "answer: its negative log-likelihood times `beta`, so that a weight means the same for answers "
            "of every length."
        ),
    )
    loss_weights: tuple[float, ...] | None = Field(
        None, description="Weight of each loss. If unset, each counts 1."
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description=(
            "Share of pairs assumed to be mislabelled. `sigmoid` then is conservative DPO; also read by "
            "`robust`, `exo_pair`, `aot` and `aot_unpaired`."
        ),
    )
    stop_below_reference: float | None = Field(
        None,
        gt=0,
        description=(
            "End the training once chosen answers are so many nats a token less likely than under the "
            "reference, as a mean over four steps. If unset, it never ends so."
        ),
    )


class KtoConfig(TrainConfig):
    """Kahneman-Tversky optimization: answers that are each good or bad, not in pairs. The reference model is
    the policy that training starts from."""

    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate.")
    beta: float = Field(0.1, gt=0, description="How strongly the policy is held to the reference model.")
    loss_type: Literal["kto", "apo_zero_unpaired"] = Field("kto", description="Loss, as named by TRL.")
    desirable_weight: float | None = Field(
        None,
        gt=0,
        description="Weight of good answers. If both are unset, good and bad weigh the same in all.",
    )
    undesirable_weight: float | None = Field(None, gt=0, description="Weight of bad answers.")


TrainingConfig = SftConfig | DpoConfig | KtoConfig
"""The settings of a training of any kind."""
