"""`python -m benchmarks.trainer.token_store [--rows N]`: what a token store costs.

Rows of chat with code, about 300 bytes each, are tokenized with the pocket model's tokenizer. Measured: the
time and peak memory of a first build with two workers; of a second start; of a training of three steps over
all rows beside one over 1,000 of them; and what two workers gain over one, beside what two independent
processes gain in the same run (each time the best of the tries). Peaks are resident memory of one process as
the kernel counts it, mapped files included. Exit code 1 where a bar is missed: 600 MB for the builder, each
worker and the second start; 3 s a million rows for the second start; 0.9 of the independent gain.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import psutil
from rich.console import Console
from rich.table import Table

_largest = [0.0]
"""Peak of the largest worker, in megabytes."""
MEMORY_MB, SECOND_START_S, GAIN = 600, 3.0, 0.9
LIMIT = 512
"""Fewer than the pocket model has positions, so that the training finds the store that was built."""


class Peak(NamedTuple):
    """What one process says of itself at its end: seconds, and megabytes of it and of its largest child."""

    seconds: float
    own: float
    child: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.token_store", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--gain-rows", type=int, default=30_000, help="Rows of each comparison of gains.")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--step", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        return _step(*options.step)
    with tempfile.TemporaryDirectory() as folder:
        return _measure(options.rows, options.gain_rows, options.tries, Path(folder))


def _measure(rows: int, gain_rows: int, tries: int, home: Path) -> int:
    data = home / "rows.jsonl"
    _write(data, rows, 0)
    build = _ask("build", data, home / "tokens", "2")
    second = _ask("open", data, home / "tokens", "2")
    small = home / "small.jsonl"
    _write(small, 1000, 1)
    few, many = (_ask("train", file, home / "tokens", "2") for file in (small, data))
    gains = _gains(home, gain_rows, tries)
    allowed = max(1.0, SECOND_START_S * rows / 1_000_000)
    share = gains["workers"] / gains["independent"]
    table = Table("what", "found", "bar", title=f"{rows:,} rows, {data.stat().st_size / 1e6:.0f} MB of JSON")
    table.add_row("first build", f"{build.seconds:.0f} s, {rows / build.seconds:,.0f} rows/s", "")
    table.add_row("peak of builder; of a worker", f"{build.own:.0f}; {build.child:.0f} MB", f"{MEMORY_MB} MB")
    table.add_row("second start", f"{second.seconds:.2f} s", f"{allowed:.1f} s")
    table.add_row("peak of the second start", f"{second.own:.0f} MB", f"{MEMORY_MB} MB")
    table.add_row("peak of a training: 1,000 rows; all", f"{few.own:.0f}; {many.own:.0f} MB", "")
    table.add_row("gain of two processes, of two workers", _shown(gains), "")
    table.add_row("share of the independent gain", f"{share:.2f}", f"{GAIN}")
    Console().print(table)
    peaks = (build.own, build.child, second.own)
    return int(max(peaks) > MEMORY_MB or second.seconds > allowed or share < GAIN)


def _shown(gains: dict[str, float]) -> str:
    return f"{gains['independent']:.2f}, {gains['workers']:.2f}"


def _gains(home: Path, rows: int, tries: int) -> dict[str, float]:
    """How much faster than one process: two that share nothing, and a store with two workers."""
    whole, halves = home / "whole.jsonl", [home / "half-0.jsonl", home / "half-1.jsonl"]
    _write(whole, rows, 2)
    for number, half in enumerate(halves):
        _write(half, rows // 2, 3 + number)
    best = {"one": 1e9, "independent": 1e9, "workers": 1e9}
    for number in range(tries):
        out = home / f"gain-{number}"
        for name, work in (
            ("one", lambda out=out: [_start("build", whole, out / "one", "1")]),
            ("independent", lambda out=out: [_start("build", half, out / "two", "1") for half in halves]),
            ("workers", lambda out=out: [_start("build", whole, out / "workers", "2")]),
        ):
            best[name] = min(best[name], _slowest(work))
    return {name: best["one"] / best[name] for name in ("independent", "workers")}


def _slowest(work: Callable[[], list["subprocess.Popen[str]"]]) -> float:
    return max(_end(process).seconds for process in work())


# --- a process that does one thing and says what it cost ----------------------------------------------------


def _ask(*step: object) -> Peak:
    return _end(_start(*step))


def _start(*step: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.trainer.token_store", "--step", *map(str, step)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _end(process: "subprocess.Popen[str]") -> Peak:
    out, _ = process.communicate()
    assert process.returncode == 0, out
    return Peak(*json.loads(out.splitlines()[-1]))


def _step(name: str, data: str, home: str, workers: str) -> int:
    """Do it and print its cost. Loading of libraries and of the tokenizer is not counted."""
    seconds = {"build": _build, "open": _open, "train": _train}[name](Path(data), Path(home), int(workers))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, own, _largest[0]]))
    return 0


def _build(data: Path, home: Path, workers: int) -> float:
    from posttrain.core.policy import POCKET_WEIGHTS, load_tokenizer
    from posttrain.core.tokens import Encoder
    from posttrain.tokens.build import Tokenizing, Wanted, token_store
    from posttrain.tokens.selection import tokenizer_identity

    tokenizer = load_tokenizer(str(POCKET_WEIGHTS))
    tokenizing = Tokenizing(Encoder(tokenizer), tokenizer_identity(tokenizer), workers)
    Thread(target=_watch_workers, daemon=True).start()
    began = time.perf_counter()
    token_store(home, Wanted(data, "sft", LIMIT), tokenizing)
    return time.perf_counter() - began


def _watch_workers() -> None:
    """Note the peak of the largest worker, from when it runs its own program: before, it is a copy of us."""
    own = Path("/proc/self/exe").resolve()
    while True:
        for child in psutil.Process().children():
            with suppress(psutil.Error, OSError):
                if Path(child.exe()) == own and "multiprocessing" in " ".join(child.cmdline()):
                    status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
                    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                    _largest[0] = max(_largest[0], int(peak.split()[1]) / 1024)
        time.sleep(0.1)


def _open(data: Path, home: Path, workers: int) -> float:
    """The store, its rows in the order of the first epoch, and the first hundred of them."""
    from itertools import islice

    import datasets  # noqa: F401
    import torch

    from posttrain.core.jobs import TrainingSet
    from posttrain.core.ordering import LengthGroupedOrder
    from posttrain.core.policy import POCKET_WEIGHTS, load_tokenizer
    from posttrain.core.tokens import Encoder
    from posttrain.tokens.build import Tokenizing, Wanted, token_store
    from posttrain.tokens.selection import StoredSet, TokenRows, tokenizer_identity

    torch.set_num_threads(1)
    tokenizer = load_tokenizer(str(POCKET_WEIGHTS))
    tokenizing = Tokenizing(Encoder(tokenizer), tokenizer_identity(tokenizer), workers)
    began = time.perf_counter()
    wanted = Wanted(data, "sft", LIMIT)
    rows = TokenRows((StoredSet(TrainingSet(paths=(str(data),)), (token_store(home, wanted, tokenizing),)),))
    found = rows.dataset
    for index in islice(LengthGroupedOrder(rows.lengths, 16, 0), 100):
        assert len(found[index]["input_ids"]) == rows.lengths[index]
    return time.perf_counter() - began


def _train(data: Path, home: Path, _workers: int) -> float:
    import torch

    from posttrain import sft
    from posttrain.core.jobs import SftJob
    from posttrain.core.policy import POCKET_WEIGHTS
    from synth.training_config import LoraConfig, SftConfig

    torch.set_num_threads(1)
    config = SftConfig(max_steps=3, batch_size=4, lora=LoraConfig(rank=4), max_length=LIMIT)
    job = SftJob(
        name=data.stem,
        policy=str(POCKET_WEIGHTS),
        data=(str(data),),
        output=str(home.with_name(f"trained-{data.stem}")),
        tokens=str(home),
        config=config,
        dtype="float32",
    )
    began = time.perf_counter()
    sft.train(job)
    return time.perf_counter() - began


def _write(file: Path, rows: int, seed: int) -> None:
    """Conversations of a question and a function, of 100 to 700 bytes."""
    draw = random.Random(seed)
    words = "count sort merge join parse split total index first last even odd words lines values".split()
    with file.open("w", encoding="utf-8") as lines:
        for number in range(rows):
            names = [draw.choice(words) for _ in range(draw.randint(4, 24))]
            body = "\n".join(f"    {name} = {name}[{draw.randint(0, 99)}:]" for name in names[3:])
            answer = f"def {names[0]}_{names[1]}({names[2]}):\n{body}\n    return {names[2]}\n"
            question = f"Task {number}: {' '.join(names)}."
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            lines.write(json.dumps({"messages": turns}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
