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
from posttrain.core.rows import Conversation, PlainText, SftRow, read_sft
from posttrain.core.start import Start, fresh_adapter
from posttrain.core.token_table import TokenTable, TooLong, as_dataset, encode_rows
from posttrain.core.tokens import Encoder, TokenRow
from synth.store.checkpoints import Checkpoint

if TYPE_CHECKING:
    from transformers import Trainer


def train(job: SftJob, on_progress: OnProgress | None = None) -> Checkpoint:
    """Train the job in this process, resume it, or return its finished policy. Raises DatasetError,
    RecipeError or TrainerError."""
    return fit(job, partial(encode, job), partial(build_trainer, job), on_progress)


def encode(job: SftJob, encoder: Encoder, limit: int) -> TokenTable:
    """Token rows of the job's data: `input_ids` and `labels`, which are -100 where nothing is trained."""

    def one(row: SftRow) -> dict[str, list[int]]:
        tokens = encode_row(encoder, row)
        if len(tokens.ids) > limit:
            raise TooLong(len(tokens.ids), limit)
        return {"input_ids": tokens.ids, "labels": tokens.labels}

    return encode_rows(job, read_sft(job.data_paths), lambda row: row.where, one)


def encode_row(encoder: Encoder, row: SftRow) -> TokenRow:
    """Tokens of one row, and which of them are trained."""
    if isinstance(row, Conversation):
        return encoder.conversation(row.messages, row.first_trained, row.untrained)
    if isinstance(row, PlainText):
        return encoder.plain(row.text)
    return encoder.plain_completion(row.prompt, row.completion)


def build_trainer(
    job: SftJob,
    start: Start,
    columns: dict[str, list[list[int]]],
    arguments: dict[str, Any],
    report: Any,  # noqa: ANN401
) -> "Trainer":
    """TRL's trainer over the token rows. With `packing`, rows share sequences of `max_length` but cannot
    attend to each other."""
    from trl import SFTConfig as TrlConfig

    from posttrain.core.trl_trainers import DeterministicSftTrainer

    if job.config.packing:
        arguments = {**arguments, "packing": True, "max_length": job.config.max_length}
    return DeterministicSftTrainer(
        model=start.model,
        rows_per_step=job.config.step_rows,
        args=TrlConfig(**arguments),
        train_dataset=as_dataset(job, columns),
        processing_class=start.tokenizer,
        peft_config=fresh_adapter(start.lora, job.policy),
        callbacks=[report],
    )
