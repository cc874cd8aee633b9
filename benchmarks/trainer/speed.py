"""`python -m benchmarks.trainer.speed`: tokens a CPU second and peak memory of training, packed, unpacked,
and as plain TRL does it.

The pocket model is trained with a LoRA adapter for one epoch on texts of its own corpus whose lengths are
log-normal, each training in a process of its own and in turns, so that a busy machine slows all of them.
Tokens are those of the rows, padding left out; seconds are CPU seconds of the training alone. `trl` is TRL
with the defaults of its config, on the same tokens and with the same adapter; `trl, float32` has neither
bfloat16 nor gradient checkpointing, which cost a CPU dear, so that only the batches differ. Exit code 1 if
packed is under 0.9 of unpacked, if packs are filled to less than 98%, or if the faster of both is under 1.5
times plain TRL.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from rich.console import Console
from rich.table import Table

from benchmarks.trainer.peak import peak_memory
from posttrain.core.adapters import fresh_adapter
from posttrain.core.jobs import DpoJob, SftJob
from posttrain.core.packing import PackOrder
from posttrain.core.policy import POCKET_WEIGHTS, load_model, load_tokenizer
from posttrain.core.tokens import Encoder
from posttrain.pocket.corpus import documents
from synth.training_config import DpoConfig, LoraConfig, SftConfig

MAX_LENGTH, BATCH = 1024, 8
PACKS = 2
"""Sequences of `MAX_LENGTH` tokens in a packed batch: about as many tokens as `BATCH` rows have."""
PACKED, UNPACKED, TRL, FLOAT32 = "packed", "unpacked", "trl", "trl, float32"
LEAST_PACKED, LEAST_FILL, LEAST_FASTER = 0.9, 0.98, 1.5
TRAININGS = tuple(
    [("sft", how) for how in (PACKED, UNPACKED, FLOAT32, TRL)]
    + [("dpo", how) for how in (UNPACKED, FLOAT32, TRL)]
)


class Measured(NamedTuple):
    """One training."""

    kind: str
    how: str
    tokens: int
    seconds: float
    """CPU seconds."""
    peak_mb: float
    fill: float

    @property
    def speed(self) -> float:
        return self.tokens / self.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.speed", description=__doc__)
    parser.add_argument("--rows", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["sft", "dpo"])
    parser.add_argument("--one", nargs=2, metavar=("KIND", "HOW"), help="measure here, print JSON")
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measure(options.one[0], options.one[1], options.rows)))
        return 0
    chosen = [training for training in TRAININGS if options.only in (None, training[0])]
    found = [_in_own_process(kind, how, options.rows) for _ in range(options.rounds) for kind, how in chosen]
    return report(chosen, found)


def report(trainings: Sequence[tuple[str, str]], found: Sequence[Measured]) -> int:
    """The medians over the rounds, and the bars."""
    table = Table("training", "how", "tokens/CPU s", "beside trl", "beside trl, float32", "peak MB", "fill")
    speeds: dict[tuple[str, str], float] = {}
    for kind, how in trainings:
        rounds = [one for one in found if (one.kind, one.how) == (kind, how)]
        speeds[kind, how] = statistics.median(one.speed for one in rounds)
    for kind, how in trainings:
        one = next(one for one in found if (one.kind, one.how) == (kind, how))
        beside = [f"{speeds[kind, how] / speeds[kind, other]:.2f}x" for other in (TRL, FLOAT32)]
        filled = f"{one.fill:.1%}" if one.fill else ""
        table.add_row(kind, how, f"{speeds[kind, how]:.0f}", *beside, f"{one.peak_mb:.0f}", filled)
    Console().print(table)
    if ("sft", PACKED) not in speeds:
        return 0
    packed, unpacked = speeds["sft", PACKED], speeds["sft", UNPACKED]
    faster = max(packed, unpacked) / speeds["sft", TRL]
    least_full = min(one.fill for one in found if one.how == PACKED)
    print(f"packed / unpacked {packed / unpacked:.2f}, fill {least_full:.1%}, beside plain TRL {faster:.2f}")
    return int(packed < LEAST_PACKED * unpacked or least_full < LEAST_FILL or faster < LEAST_FASTER)


def _in_own_process(kind: str, how: str, rows: int) -> Measured:
    command = [sys.executable, "-m", "benchmarks.trainer.speed", "--rows", str(rows), "--one", kind, how]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{kind} {how}: {done.stderr[-3000:]}")
    found = Measured(*json.loads(done.stdout.splitlines()[-1]))
    print(f"{kind} {how}: {found.tokens} tokens in {found.seconds:.1f} CPU s", flush=True)
    return found


# --- one training -------------------------------------------------------------------------------------------


def measure(kind: str, how: str, rows: int) -> Measured:
    """One epoch over the rows, in this process."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        texts = draw_rows(kind, rows)
        columns = encode(texts)
        lengths = [sum(map(len, row.values())) for row in columns]
        if how in (PACKED, UNPACKED):
            data = home / "rows.jsonl"
            data.write_text("".join(json.dumps(row) + "\n" for row in texts), encoding="utf-8")
            train: Callable[[], object] = partial(_codemill, kind, data, home / "out", how == PACKED)
        else:
            train = partial(_trl, kind, columns, home / "out", how == TRL)
        with _timed_training() as timed:
            train()
    filled = pack_fill() if how == PACKED else 0.0
    return Measured(kind, how, sum(lengths), timed.seconds, timed.peak_mb, filled)


class Timed:
    """What one call of transformers' `Trainer.train` took."""

    seconds = 0.0
    peak_mb = 0.0


@contextmanager
def _timed_training() -> Iterator[Timed]:
    """Measure what is between the first and the last step, whoever builds the trainer."""
    from transformers import Trainer

    timed, original = Timed(), Trainer.train

    def train(*arguments: Any, **settings: Any) -> Any:  # noqa: ANN401
        with peak_memory() as peak:
            began = time.process_time()
            found = original(*arguments, **settings)
            timed.seconds = time.process_time() - began
        timed.peak_mb = peak.bytes / 1e6
        return found

    Trainer.train = train
    yield timed
    Trainer.train = original


def draw_rows(kind: str, rows: int) -> list[dict[str, str]]:
    """Texts of the pocket corpus, put together and cut so that their lengths are log-normal: 16 to 920
    tokens, half of them under 180."""
    draw = random.Random(0)
    source = documents(0)
    tokenizer = load_tokenizer(str(POCKET_WEIGHTS))

    def text(share: float) -> str:
        length = share * draw_length(draw)
        ids: list[int] = []
        while len(ids) < length:
            ids += tokenizer(next(source))["input_ids"]
        return str(tokenizer.decode(ids[: int(length)]))

    if kind == "sft":
        return [{"text": text(1)} for _ in range(rows)]
    return [{"prompt": text(0.5), "chosen": text(0.5), "rejected": text(0.5)} for _ in range(rows)]


def encode(rows: Sequence[dict[str, str]]) -> list[dict[str, list[int]]]:
    """The tokens that codemill makes of the rows."""
    encoder = Encoder(load_tokenizer(str(POCKET_WEIGHTS)))
    if "text" in rows[0]:
        return [{"input_ids": encoder.plain(row["text"]).ids} for row in rows]
    return [
        {
            "prompt_ids": encoder.text(row["prompt"]),
            **{f"{side}_ids": encoder.plain(row[side]).ids for side in ("chosen", "rejected")},
        }
        for row in rows
    ]


def pack_fill() -> float:
    """How full the packs of the first three epochs are at the least, for 4,000 rows with such lengths."""
    draw = random.Random(1)
    lengths = numpy.array([int(draw_length(draw)) for _ in range(4000)])
    order, found = PackOrder(lengths, MAX_LENGTH, 0), []
    for epoch in range(3):
        order.set_epoch(epoch)
        found.append(float(lengths.sum()) / MAX_LENGTH / len(list(order)))
    return min(found)


def draw_length(draw: random.Random) -> float:
    """Tokens of a row."""
    return min(max(draw.lognormvariate(5.2, 0.8), 16), 0.9 * MAX_LENGTH)


def _codemill(kind: str, data: Path, out: Path, packing: bool) -> None:
    from posttrain import dpo, sft

    common = {
        "name": "speed",
        "policy": str(POCKET_WEIGHTS),
        "data": (str(data),),
        "output": str(out),
        "dtype": "float32",
    }
    if kind == "dpo":
        dpo.train(DpoJob(**common, config=DpoConfig(batch_size=BATCH, max_length=MAX_LENGTH)))
        return
    size = PACKS if packing else BATCH
    config = SftConfig(batch_size=size, max_length=MAX_LENGTH, packing=packing)
    sft.train(SftJob(**common, config=config))


def _trl(kind: str, rows: Sequence[dict[str, list[int]]], out: Path, defaults: bool) -> None:
    """TRL's own trainer over rows that are tokens already."""
    import trl
    from datasets import Dataset

    class TokenDpoTrainer(trl.DPOTrainer):  # type: ignore[misc]
        def _prepare_dataset(self, dataset: Dataset, *_: object) -> Dataset:
            return dataset

    config, trainer = {
        "sft": (trl.SFTConfig, trl.SFTTrainer),
        "dpo": (trl.DPOConfig, TokenDpoTrainer),
    }[kind]
    plain = {} if defaults else {"bf16": False, "gradient_checkpointing": False}
    data = Dataset.from_list([{**row, "labels": row["input_ids"]} if kind == "sft" else row for row in rows])
    trainer(
        model=load_model(str(POCKET_WEIGHTS), "float32"),
        args=config(
            output_dir=str(out),
            num_train_epochs=1,
            use_cpu=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            **plain,
        ),
        train_dataset=data,
        processing_class=load_tokenizer(str(POCKET_WEIGHTS)),
        peft_config=fresh_adapter(LoraConfig(), str(POCKET_WEIGHTS)),
    ).train()


if __name__ == "__main__":
    sys.exit(main())
