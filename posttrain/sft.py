"""Supervised fine-tuning over TRL: conversations with every assistant turn trained, plain texts trained
whole, of fill-in-the-middle the middle.

Place in the flow: samples and FIM samples -> here -> a policy to sample from, or for `dpo` to start from.
Coarse to fine is two jobs, the second starting from the first's policy. The one rule: the loss sees exactly
the tokens that `tokens.Encoder` marks.

Run alone in its own process: `python -m posttrain.sft JOB.json`.
"""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posttrain.core.checkpoints import TrainedPolicy
from posttrain.core.fit import (
    Start,
    TokenTable,
    TooLong,
    as_dataset,
    encode_rows,
    fit,
    fresh_adapter,
    resolve_data,
)
from posttrain.core.jobs import SftJob
from posttrain.core.metrics_log import OnProgress
from posttrain.core.policy import find_policy, resolve_model
from posttrain.core.rows import Conversation, PlainText, SftRow, read_sft
from posttrain.core.tokens import Encoder, TokenRow
from synth.config import Recipe, SftConfig
from synth.errors import Problem, RecipeError

if TYPE_CHECKING:
    from transformers import Trainer


def train(job: SftJob, on_progress: OnProgress | None = None) -> TrainedPolicy:
    """Train the job in this process, or go on with it, or find it done. Raises DatasetError, RecipeError or
    TrainerError."""
    return fit(job, partial(encode, job), partial(build_trainer, job), on_progress)


def encode(job: SftJob, encoder: Encoder, limit: int) -> TokenTable:
    """Token rows of the job's data: `input_ids` and `labels`, -100 where nothing is trained."""

    def one(row: SftRow) -> dict[str, list[int]]:
        tokens = encode_row(encoder, row)
        if len(tokens.ids) > limit:
            raise TooLong(len(tokens.ids), limit)
        return {"input_ids": tokens.ids, "labels": tokens.labels}

    return encode_rows(job, read_sft(job.data_paths), lambda row: row.where, one)


def encode_row(encoder: Encoder, row: SftRow) -> TokenRow:
    """Tokens of one row and what of it is trained."""
    if isinstance(row, Conversation):
        return encoder.conversation(row.messages, row.first_trained)
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
    """TRL's trainer over the token rows. With `packing`, rows share sequences of `max_length` without seeing
    each other."""
    from trl import SFTConfig as TrlConfig

    from posttrain.core.trl_trainers import DeterministicSftTrainer

    if job.config.packing:
        arguments = {**arguments, "packing": True, "max_length": job.config.max_length}
    return DeterministicSftTrainer(
        model=start.model,
        args=TrlConfig(**arguments),
        train_dataset=as_dataset(job, columns),
        processing_class=start.tokenizer,
        peft_config=fresh_adapter(start.lora, job.policy),
        callbacks=[report],
    )


# --- alone --------------------------------------------------------------------------------------------------


def alone_jobs(recipe: Recipe, recipe_path: Path, out: Path) -> tuple[SftJob, ...]:
    """The jobs of `codemill sft RECIPE`: coarse, and fine from its policy where the recipe has one. Raises
    RecipeError."""
    if recipe.sft is None:
        raise RecipeError(
            Problem(
                f"{recipe_path}: sft",
                "is needed to fine-tune",
                "add an `sft` section with `coarse: {data: ...}`",
            )
        )
    start = find_policy(resolve_model(recipe.policy.model, recipe_path.parent))
    stages: list[tuple[str, SftConfig | None]] = [("coarse", recipe.sft.coarse), ("fine", recipe.sft.fine)]
    jobs: list[SftJob] = []
    for name, config in stages:
        if config is not None:
            data = str(resolve_data(config.data, f"sft.{name}.data", recipe_path))
            policy, adapter = (str(jobs[-1].folder / "merged"), "") if jobs else (start.base, start.adapter)
            output = str(out / "checkpoints" / name)
            job = SftJob(
                name=name,
                policy=policy,
                adapter=adapter,
                data=(data,),
                output=output,
                seed=recipe.seed,
                config=config,
            )
            jobs.append(job.model_copy(update={"dtype": recipe.policy.dtype}))
    return tuple(jobs)


def run_alone(
    recipe: Recipe, recipe_path: Path, out: Path, on_progress: OnProgress | None = None
) -> TrainedPolicy:
    """`codemill sft RECIPE`: train on the data sets that the recipe names, in a process of its own; the last
    policy.

    Checkpoints go to out/checkpoints/{coarse,fine}, the log to out/logs. Raises CodemillError.
    """
    from posttrain.launch import run_trainers

    return run_trainers(alone_jobs(recipe, recipe_path, out), out / "logs" / "sft.log", on_progress)[-1]


if __name__ == "__main__":
    from posttrain.train_jobs import main

    sys.exit(main(sys.argv[1:]))
