"""`python -m benchmarks.trainer PAIRS`: how much of what a small DPO learned is in the served weights.

PAIRS is a preference data set of any run, such as `runs/quickstart/pairs/round-1.parquet`. The pocket model
is trained on 96 of its pairs with the settings of `recipes/qwen2.5-coder/0.5b.yaml`, held in bfloat16, for 12
steps, at two learning rates and three seeds. The margin gained is the mean over pairs of log p(chosen) -
log p(rejected), after minus before: by the adapter over its base, by the merged weights as they are saved,
and by weights rounded to the nearest value instead. All are added up in float32. Exit code 1 if the mean over
seeds of what is saved is outside of 93 to 107% of the adapter's.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table

from posttrain import dpo
from posttrain.core.jobs import DpoJob
from posttrain.core.policy import (
    POCKET_WEIGHTS,
    load_adapter,
    load_model,
    load_tokenizer,
    save_policy,
)
from posttrain.tokens.selection import TokenRows, job_rows
from synth.training_config import DpoConfig, LoraConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RATES, SEEDS, STEPS, PAIRS, BATCH = (2e-5, 2e-4), (0, 1, 2), 12, 96, 8
LEAST, MOST = 0.93, 1.07


class Kept(NamedTuple):
    """Margins gained by one training, in nats a pair."""

    rate: float
    seed: int
    adapter: float
    saved: float
    nearest: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer", description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--rates", type=float, nargs="*", default=RATES)
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        measured = list(measure(options.pairs.resolve(), options.rates, options.seeds, Path(folder)))
    table = Table("learning rate", "seed", "adapter", "saved", "rounded to nearest")
    for one in measured:
        shares = [f"{value:.4f} ({value / one.adapter:.1%})" for value in (one.saved, one.nearest)]
        table.add_row(f"{one.rate:g}", str(one.seed), f"{one.adapter:.4f}", *shares)
    Console().print(table)
    means = [
        statistics.mean(one.saved / one.adapter for one in measured if one.rate == rate)
        for rate in options.rates
    ]
    print(
        ", ".join(
            f"{rate:g}: {mean:.1%} of the margin is saved"
            for rate, mean in zip(options.rates, means, strict=True)
        )
    )
    return int(not all(LEAST <= mean <= MOST for mean in means))


def measure(pairs: Path, rates: Sequence[float], seeds: Sequence[int], home: Path) -> Iterator[Kept]:
    """One training for each rate and seed."""
    import torch

    data = _some(pairs, home / "pairs.parquet")
    base = bfloat16_base(home / "base")
    rows: TokenRows | None = None
    for rate in rates:
        for seed in seeds:
            job = _job(base, data, home / f"{rate}-{seed}", rate, seed)
            rows = rows or job_rows(job, load_tokenizer(job.policy))
            done = dpo.train(job)
            before = margin(load_model(str(base), "float32"), rows)
            adapted = load_adapter(load_model(str(base), "float32"), str(done.adapter), trainable=False)
            learned = margin(adapted, rows)
            merged = adapted.merge_and_unload()
            nearest = margin(merged.to(torch.bfloat16).float(), rows)
            saved = margin(load_model(str(done.merged), "float32"), rows)
            yield Kept(rate, seed, learned - before, saved - before, nearest - before)


def bfloat16_base(out: Path) -> Path:
    """The pocket model in bfloat16, as a large model is published."""
    return save_policy(load_model(str(POCKET_WEIGHTS), "bfloat16"), str(POCKET_WEIGHTS), out)


def _some(pairs: Path, out: Path) -> Path:
    import pyarrow.parquet as parquet

    parquet.write_table(parquet.read_table(pairs).slice(0, PAIRS), out)
    return out


def _job(base: Path, data: Path, out: Path, rate: float, seed: int) -> DpoJob:
    config = DpoConfig(
        lora=LoraConfig(rank=32, alpha=64),
        learning_rate=rate,
        max_steps=STEPS,
        batch_size=BATCH,
        loss_type=("sigmoid", "sft"),
        loss_weights=(1.0, 0.2),
    )
    return DpoJob(
        name="margin",
        policy=str(base),
        data=(str(data),),
        output=str(out),
        tokens=str(out.parent / "tokens"),
        seed=seed,
        dtype="bfloat16",
        config=config,
    )


def margin(model: "PreTrainedModel | Any", rows: TokenRows) -> float:  # noqa: ANN401
    """Mean of log p(chosen) - log p(rejected) over the pairs, in nats."""
    import torch

    model.eval()
    with torch.no_grad():
        return statistics.mean(
            log_likelihood(model, prompt, chosen) - log_likelihood(model, prompt, rejected)
            for prompt, chosen, rejected in (row.values() for row in rows.dataset)
        )


def log_likelihood(model: Any, prompt: list[int], answer: list[int]) -> float:  # noqa: ANN401
    import torch

    ids = torch.tensor([prompt + answer])
    scores = model(ids).logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)
    return float(scores.gather(1, ids[0, len(prompt) :, None]).sum())


if __name__ == "__main__":
    sys.exit(main())
