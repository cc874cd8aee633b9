"""Supervised fine-tuning with TRL. It trains every assistant turn of a conversation, the whole of a plain
text, and only the middle of a fill-in-the-middle text.

Place in the flow: samples and FIM samples -> here -> a policy to sample from, or for `dpo` to start from.
Coarse-to-fine training is two jobs; the second starts from the first one's policy. The one rule: the loss
sees exactly the tokens that `tokens.Encoder` marks.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from posttrain.core.fit import fit
from posttrain.core.jobs import SftJob
from posttrain.core.metrics_log import OnProgress
from posttrain.core.start import Start, policy_dtype
from posttrain.watch.held_out import TrainingRows
from synth.store.checkpoints import Checkpoint

if TYPE_CHECKING:
    from transformers import Trainer


def train(job: SftJob, on_progress: OnProgress | None = None) -> Checkpoint:
    """Train the job in this process, resume it, or return its finished policy. Raises DatasetError,
    RecipeError or TrainerError."""
    return fit(job, partial(build_trainer, job), on_progress)


def build_trainer(
    job: SftJob,
    start: Start,
    rows: TrainingRows,
    arguments: dict[str, Any],
    report: Any,  # noqa: ANN401
) -> "Trainer":
    """TRL's trainer over the token rows. With `packing`, rows share sequences of `max_length` but cannot
    attend to each other."""
    from trl import SFTConfig as TrlConfig

    from posttrain.core.attention import attend_within_documents
    from posttrain.core.packed_training import PackedSftTrainer
    from posttrain.core.trl_trainers import DeterministicSftTrainer

    settings = {
        "model": start.model,
        "rows_per_step": job.config.step_rows,
        "args": TrlConfig(**arguments),
        "train_dataset": rows.dataset,
        "eval_dataset": rows.held_out,
        "processing_class": start.tokenizer,
        "peft_config": start.peft_config(job.policy),
        "callbacks": [report],
    }
    if job.config.packing:
        attend_within_documents(start.model, half_precision=policy_dtype(job) == "bfloat16")
        trainer: DeterministicSftTrainer = PackedSftTrainer(capacity=job.config.max_length, **settings)
    else:
        trainer = DeterministicSftTrainer(**settings)
    trainer.lengths = rows.lengths
    return trainer
