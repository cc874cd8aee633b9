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
from posttrain.core.rows import Preference, read_preferences
from posttrain.core.start import Start, fresh_adapter
from posttrain.core.token_table import TokenTable, TooLong, as_dataset, encode_rows
from posttrain.core.tokens import Encoder
from synth.store.checkpoints import Checkpoint

if TYPE_CHECKING:
    from transformers import Trainer


def train(job: DpoJob, on_progress: OnProgress | None = None) -> Checkpoint:
    """Train the job in this process, resume it, or return its finished policy. Raises DatasetError,
    RecipeError or TrainerError."""
    return fit(job, partial(encode, job), partial(build_trainer, job), on_progress)


def encode(job: DpoJob, encoder: Encoder, limit: int) -> TokenTable:
    """Token rows of the job's pairs: `prompt_ids`, `chosen_ids` and `rejected_ids`; answers include
    their end token."""

    def one(row: Preference) -> dict[str, list[int]]:
        ids = encode_pair(encoder, row)
        tokens = len(ids["prompt_ids"]) + max(len(ids["chosen_ids"]), len(ids["rejected_ids"]))
        if tokens > limit:
            raise TooLong(tokens, limit)
        return ids

    return encode_rows(job, read_preferences(job.data_paths), lambda row: row.where, one)


def encode_pair(encoder: Encoder, row: Preference) -> dict[str, list[int]]:
    """Tokens of one pair. Plain texts end with `<|endoftext|>`, answers in chats with `<|im_end|>`."""
    if isinstance(row.prompt, str):
        chosen, rejected = (
            encoder.plain_completion(row.prompt, row.chosen),
            encoder.plain_completion(row.prompt, row.rejected),
        )
        length = chosen.trained.index(True)
        return {
            "prompt_ids": chosen.ids[:length],
            "chosen_ids": chosen.ids[length:],
            "rejected_ids": rejected.ids[length:],
        }
    answers = {"chosen_ids": encoder.answer(row.chosen), "rejected_ids": encoder.answer(row.rejected)}
    return {"prompt_ids": encoder.prompt(row.prompt), **answers}


def build_trainer(
    job: DpoJob,
    start: Start,
    columns: dict[str, list[list[int]]],
    arguments: dict[str, Any],
    report: Any,  # noqa: ANN401
) -> "Trainer":
    """TRL's trainer over the token rows, with the right reference for the trained weights."""
    from trl import DPOConfig as TrlConfig

    from posttrain.core.trl_trainers import DeterministicDpoTrainer

    config = job.config
    return DeterministicDpoTrainer(
        model=start.model,
        rows_per_step=job.config.step_rows,
        args=TrlConfig(
            **arguments,
            beta=config.beta,
            loss_type=list(config.loss_type),
            loss_weights=list(config.loss_weights) if config.loss_weights else None,
            label_smoothing=config.label_smoothing,
            disable_dropout=True,
            # with an adapter, the reference is one more forward pass of the same batch, exactly equal at
            # step 0, so no second model is needed
            precompute_ref_log_probs=config.lora is None,
        ),
        train_dataset=as_dataset(job, columns),
        processing_class=start.tokenizer,
        peft_config=fresh_adapter(start.lora, job.policy),
        callbacks=[report],
    )
