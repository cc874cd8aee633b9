"""`python -m benchmarks.method.training RUN`: what the share of FIM rows, and coarse to fine, are worth.

RUN is the folder of a quickstart run with the data of its first round. On the same rows, from the base, SFT
is trained once for each choice and seed; all policies answer the held-out and the harder tasks. A choice that
leaves a training out gets its rows' worth in epochs of the other one, so that all see about as many rows. The
tables have figures by policy, and for each choice its difference to `plain`: the mean over the seeds for each
task, with an interval over tasks.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Final

from benchmarks.trainer.loop_policy import MEASURED, base, measure, show, stored_round
from posttrain.evaluate.estimators import paired_interval
from posttrain.evaluate.evaluation import Evaluation, QuestionResult, task_means
from posttrain.evaluate.table import ResultTable
from posttrain.launch import run_trainers
from posttrain.loop.jobs import plan_jobs, to_measure
from synth.cli.progress import ProgressDisplay
from synth.ids import derive_random
from synth.pipeline.round import RoundData
from synth.policy import Policy
from synth.products import Part
from synth.recipe import load_recipe
from synth.store.parquet import count_rows, read_rows, write_rows
from synth.store.products import product_schema

PLAIN: Final = "plain"
FINE_ALONE: Final = "fine-alone"
CHOICES: Final[Mapping[str, tuple[float, tuple[str, ...]]]] = {
    PLAIN: (0.1, ()),
    "fim-0": (0.0, ()),
    "fim-5": (0.05, ()),
    "fim-20": (0.2, ()),
    FINE_ALONE: (0.1, ("sft.fine=null", "sft.coarse.epochs=4")),
    "coarse-alone": (0.1, ("sft.fine=null", "sft.coarse.epochs=3")),
}
"""By name: the share of FIM rows in the coarse data, and keys of the quickstart recipe."""
ROUND: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.training", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--only", action="append", choices=list(CHOICES), help="these choices, not all")
    parser.add_argument("--random-seeds", default="0,1,2", help="random seeds of the trainings")
    parser.add_argument("--work", type=Path, help="where trainings are kept; a new folder if unset")
    options = parser.parse_args(arguments)
    names = options.only or list(CHOICES)
    seeds = [int(seed) for seed in options.random_seeds.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).resolve()
        policies = [
            train_choice(options.run, work / f"{name}-{seed}", name, seed) for seed in seeds for name in names
        ]
        recipe = load_recipe("quickstart", [*MEASURED], machine=False).recipe
        measured = asyncio.run(measure(recipe, work, policies))
        show(measured, ProgressDisplay())
        for table in differences(measured, names, seeds):
            ProgressDisplay().print_table(*table)
    return 0


def train_choice(run: Path, folder: Path, name: str, seed: int) -> Policy:
    """The policy after SFT, named after the choice and the seed."""
    share, keys = CHOICES[name]
    recipe = load_recipe("quickstart", ["dpo=null", f"seed={seed}", *keys], machine=False).recipe
    folder.mkdir(parents=True, exist_ok=True)
    data = stored_round(run, ROUND)
    data = fine_as_coarse(data) if name == FINE_ALONE else data
    data = mixed(data, folder, share, seed)
    jobs = plan_jobs(recipe, folder, ROUND, base(), data).jobs
    trained = run_trainers(jobs, folder / "train.log")
    [place] = to_measure(jobs)
    print(f"{name}-{seed}: {[(one.manifest.name, one.manifest.rows) for one in trained]}", flush=True)
    return trained[place].policy(f"{name}-{seed}")


def fine_as_coarse(data: RoundData) -> RoundData:
    """The fine rows in the place of the coarse ones."""
    fine = next(one for one in data.sets if one.data_set.job == "fine")
    return RoundData(
        tuple(
            replace(one, path=fine.path, rows=fine.rows)
            if one.data_set.job == "coarse" and one.product is fine.product
            else one
            for one in data.sets
        )
    )


def mixed(data: RoundData, folder: Path, share: float, seed: int) -> RoundData:
    """The data of a round with another share of FIM rows in the coarse job."""
    sets = list(data.sets)
    at = next(at for at, one in enumerate(sets) if one.data_set.part is Part.SHARE)
    mix = sets[at]
    source = next(one for one in sets if one.product is mix.product and one.data_set.part is Part.ALL)
    others = sum(one.rows for one in sets if one.data_set.job == mix.data_set.job) - mix.rows
    rows = read_rows(source.path)
    wanted = min(len(rows), round(others * share / (1 - share)))
    chosen = sorted(derive_random(seed, "fim-mix").sample(range(len(rows)), wanted))
    path = folder / "fim-mix.parquet"
    write_rows(path, product_schema(mix.product), (rows[one] for one in chosen))
    sets[at] = replace(mix, path=path, rows=count_rows(path))
    return RoundData(tuple(sets))


def differences(
    measured: Sequence[Evaluation], names: Sequence[str], seeds: Sequence[int]
) -> Iterator[ResultTable]:
    """For each suite, points beside `plain` of the same seed: the mean over the seeds for each task, with an
    interval over the tasks."""
    heads = ["choice", "greedy", "pass@1"]
    for suite in dict.fromkeys(one.suite for one in measured):
        found = {one.policy: one.answered for one in measured if one.suite == suite}
        rows: list[list[object]] = []
        for name in names:
            if name != PLAIN:
                pairs = [(found[f"{PLAIN}-{seed}"], found[f"{name}-{seed}"]) for seed in seeds]
                rows.append([name, *(_points(pairs, k) for k in (None, 1))])
        yield ResultTable(f"{suite}: minus {PLAIN}, {len(seeds)} seeds", heads, rows)


def _points(pairs: Sequence[tuple[Sequence[QuestionResult], Sequence[QuestionResult]]], k: int | None) -> str:
    gains = [(task_means(before, k), task_means(after, k)) for before, after in pairs]
    tasks = sorted(set.intersection(*(set(one) & set(other) for one, other in gains)))
    means = [mean(other[task] - one[task] for one, other in gains) for task in tasks]
    samples = 1 if k is None else max(one.n for one in pairs[0][0])
    low, high = paired_interval(means, 1 / (len(pairs) * samples))
    return f"{100 * mean(means):+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
