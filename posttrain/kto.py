"""Kahneman-Tversky optimization with TRL (Ethayarajh and others 2024, arXiv 2402.01306) on answers that are
each good or bad: what survived, and every candidate that failed.

Place in the flow: labelled answers and a policy -> here -> the next policy. The one rule: the reference is
exactly the policy that training starts from, as in `dpo`: the model without its fresh adapter, a frozen copy
of an adapter that is trained on, or of all weights.
"""

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

from posttrain.core.fit import fit
from posttrain.core.jobs import KtoJob
from posttrain.core.metrics_log import OnProgress
from posttrain.core.start import Start
from posttrain.watch.held_out import TrainingRows
from synth.store.checkpoints import Checkpoint
from synth.training_config import KtoConfig

if TYPE_CHECKING:
    from transformers import Trainer


def train(job: KtoJob, on_progress: OnProgress | None = None) -> Checkpoint:
    """Train the job in this process, resume it, or return its finished policy. Raises DatasetError,
    RecipeError or TrainerError."""
    return fit(job, partial(build_trainer, job), on_progress)


def build_trainer(
    job: KtoJob,
    start: Start,
    rows: TrainingRows,
    arguments: dict[str, Any],
    report: Any,  # noqa: ANN401
) -> "Trainer":
    """TRL's trainer over the token rows, with the right reference for the trained weights."""
    from trl import KTOConfig as TrlConfig

    from posttrain.core.trl_trainers import DeterministicKtoTrainer, NeighbourPairs

    config = job.config
    good, bad = weights_of(config, rows.dataset["label"])
    trainer = DeterministicKtoTrainer(
        model=start.model,
        rows_per_step=config.step_rows,
        ref_model=None if config.lora else deepcopy(start.model),
        args=TrlConfig(
            **arguments,
            beta=config.beta,
            loss_type=config.loss_type,
            desirable_weight=good,
            undesirable_weight=bad,
            disable_dropout=True,
        ),
        data_collator=NeighbourPairs(pad_token_id=start.tokenizer.pad_token_id),
        train_dataset=rows.dataset,
        eval_dataset=rows.held_out,
        processing_class=start.tokenizer,
        peft_config=start.peft_config(job.policy),
        callbacks=[report],
    )
    trainer.lengths = rows.lengths
    return trainer


def weights_of(config: KtoConfig, labels: Any) -> tuple[float, float]:  # noqa: ANN401
    """Weights of good and bad answers: the recipe's, or such that both sorts weigh the same in all, and the
    rarer one counts 1."""
    if config.desirable_weight is not None or config.undesirable_weight is not None:
        return config.desirable_weight or 1.0, config.undesirable_weight or 1.0
    good = sum(labels)
    bad = len(labels) - good
    rarer = max(1, min(good, bad))
    return rarer / max(good, 1), rarer / max(bad, 1)
