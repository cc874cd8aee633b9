"""`python -m benchmarks.trainer.holding PAIRS`: what weight keeps the chosen answers as likely as they were.

PAIRS is a preference data set of any run, such as `runs/quickstart/pairs/round-1.parquet`. The pocket model
is trained on its pairs with the sigmoid loss and each of several terms for the chosen answer, and the table
has the change of log p(chosen), of log p(rejected) and of their difference, in nats an answer.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.trainer.__main__ import log_likelihood
from posttrain import dpo
from posttrain.core.jobs import DpoJob
from posttrain.core.policy import POCKET_WEIGHTS, load_model, load_tokenizer
from posttrain.tokens.selection import job_rows
from synth.training_config import DpoConfig, DpoLoss

STEPS, BATCH, SAMPLE = 24, 16, 64
TERMS: tuple[tuple[DpoLoss, float], ...] = (
    ("sft", 0.0),
    ("sft", 0.2),
    ("nll", 0.1),
    ("nll", 0.5),
    ("nll", 1.0),
    ("nll", 2.0),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.holding", description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--beta", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args(arguments)
    table = Table("term", "weight", "chosen", "rejected", "margin")
    with tempfile.TemporaryDirectory() as folder:
        before: list[tuple[float, float]] | None = None
        for name, weight in TERMS:
            config = DpoConfig(
                learning_rate=options.rate,
                beta=options.beta,
                max_steps=options.steps,
                batch_size=BATCH,
                loss_type=("sigmoid", name),
                loss_weights=(1.0, weight),
            )
            job = DpoJob(
                name=name,
                policy=str(POCKET_WEIGHTS),
                data=(str(options.pairs.resolve()),),
                output=str(Path(folder, f"{name}-{weight}")),
                tokens=str(Path(folder, "tokens")),
                dtype="float32",
                config=config,
            )
            before = before or _likelihoods(str(POCKET_WEIGHTS), job)
            after = _likelihoods(str(dpo.train(job).merged), job)
            change = [
                statistics.mean(now[side] - then[side] for now, then in zip(after, before, strict=True))
                for side in (0, 1)
            ]
            table.add_row(name, f"{weight:g}", *(f"{x:+.2f}" for x in (*change, change[0] - change[1])))
    Console().print(table)
    return 0


def _likelihoods(weights: str, job: DpoJob) -> list[tuple[float, float]]:
    """log p of the chosen and of the rejected answer of the first pairs."""
    import torch

    rows = job_rows(job, load_tokenizer(job.policy)).dataset[:SAMPLE]
    model = load_model(weights, "float32").eval()
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    with torch.no_grad():
        return [
            (log_likelihood(model, prompt, chosen), log_likelihood(model, prompt, rejected))
            for prompt, chosen, rejected in zip(*(rows[name] for name in names), strict=True)
        ]


if __name__ == "__main__":
    sys.exit(main())
