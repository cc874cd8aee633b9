"""Direct preference optimization with TRL (Rafailov and others 2023, arXiv 2305.18290) on pairs
made by execution.

Place in the flow: pairs and an SFT policy -> here -> the next policy. The one rule: the reference is exactly
the policy that training starts from, so the margin of the first step is 0. If all weights are trained, the
reference log-probabilities are computed before training. With a fresh adapter, the reference is the model
without it. An adapter that is trained further gets a frozen copy as the reference, since switching it off
would give the base instead.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from posttrain.core.fit import fit
from posttrain.core.jobs import DpoJob
from posttrain.core.metrics_log import OnProgress
from posttrain.core.preference_losses import terms_of
from posttrain.core.start import Start
from posttrain.watch.held_out import TrainingRows
from synth.store.checkpoints import Checkpoint

if TYPE_CHECKING:
    from transformers import Trainer


def train(job: DpoJob, on_progress: OnProgress | None = None) -> Checkpoint:
    """Train the job in this process, resume it, or return its finished policy. Raises DatasetError,
    RecipeError or TrainerError."""
    return fit(job, partial(build_trainer, job), on_progress)


def build_trainer(
    job: DpoJob,
    start: Start,
    rows: TrainingRows,
    arguments: dict[str, Any],
    report: Any,  # noqa: ANN401
) -> "Trainer":
    """TRL's trainer over the token rows, with the right reference for the trained weights."""
    from trl import DPOConfig as TrlConfig

    from posttrain.core.displacement import StopBelowReference
    from posttrain.core.trl_trainers import DeterministicDpoTrainer

    config, terms = job.config, terms_of(job.config)
    trainer = DeterministicDpoTrainer(
        model=start.model,
        rows_per_step=job.config.step_rows,
        args=TrlConfig(
            **arguments,
            beta=config.beta,
            loss_type=[term.loss for term in terms],
            loss_weights=[term.weight for term in terms],
            label_smoothing=config.label_smoothing,
            disable_dropout=True,
            # with an adapter, the reference is one more forward pass of the same batch, exactly equal at
            # step 0, so no second model is needed
            precompute_ref_log_probs=config.lora is None,
        ),
        train_dataset=rows.dataset,
        eval_dataset=rows.held_out,
        processing_class=start.tokenizer,
        peft_config=start.peft_config(job.policy),
        callbacks=[report, StopBelowReference(job, rows.dataset)],
        terms=terms,
    )
    trainer.lengths = rows.lengths
    return trainer
