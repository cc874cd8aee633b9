"""`python -m benchmarks.trainer.loop_policy RUN`: what training from the base and replay are worth.

RUN is the folder of a quickstart run with the data of two rounds. The trainings of its second round are done
once for each choice, on the same rows, and the policies of all choices answer the reported and the harder
tasks. The tables have their paired differences to the base, and to the policy above them.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from posttrain.evaluate.evaluation import Evaluation
from posttrain.evaluate.table import ResultTable, difference_table, result_table
from posttrain.launch import run_trainers
from posttrain.loop.jobs import plan_jobs, to_measure
from posttrain.loop.measuring import measure_reported
from posttrain.loop.replay import write_replay
from posttrain.loop.session import Parts, RunPlan, open_session
from posttrain.pocket.world import POCKET_WORLD
from synth.cli.progress import ProgressDisplay
from synth.config import Recipe
from synth.pipeline.round import RoundData, WrittenSet
from synth.policy import Policy, identify
from synth.products import PRODUCTS
from synth.prompts.library import PromptLibrary
from synth.recipe import load_recipe
from synth.store.checkpoints import read_checkpoint
from synth.store.parquet import count_rows
from synth.store.run_folder import RunFolder, RunIdentity

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "last": (),
    "base-all": ("loop.start=base", "loop.replay=1"),
    "last-all": ("loop.replay=1",),
    "base": ("loop.start=base",),
}
ROUND: Final = 2
MEASURED: Final = (
    "data=null",
    "sft=null",
    "dpo=null",
    "loop.rounds=1",
    "loop.select=last",
    "name=loop-policy",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.loop_policy", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--only", action="append", choices=list(CHOICES), help="these choices, not all")
    parser.add_argument("--set", action="append", default=[], help="a key of the quickstart recipe")
    parser.add_argument("--work", type=Path, help="where trainings are kept; a new folder if unset")
    options = parser.parse_args(arguments)
    run = options.run.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).resolve()
        policies = [
            policy
            for name in options.only or CHOICES
            for policy in train_choice(run, work / name, name, options.set)
        ]
        recipe = load_recipe("quickstart", [*MEASURED, *options.set], machine=False).recipe
        show(asyncio.run(measure(recipe, work, policies)), ProgressDisplay())
    return 0


def train_choice(run: Path, folder: Path, name: str, more: Sequence[str]) -> list[Policy]:
    """The policies of the second round after SFT and after DPO, named after the choice."""
    recipe = load_recipe("quickstart", [*CHOICES[name], *more], machine=False).recipe
    folder.mkdir(parents=True, exist_ok=True)
    data = stored_round(run, ROUND)
    start = base() if recipe.loop.start == "base" else _last_policy(run)
    replayed = write_replay(folder, recipe, ROUND, data)
    jobs = plan_jobs(recipe, folder, ROUND, start, data, replayed).jobs
    trained = run_trainers(jobs, folder / "train.log")
    rows = {one.manifest.name: one.manifest.rows for one in trained}
    print(f"{name}: {rows}", flush=True)
    return [trained[place].policy(f"{name}-{jobs[place].kind}") for place in to_measure(jobs)]


def base() -> Policy:
    """The pocket model."""
    from posttrain.core.policy import find_policy, resolve_model

    return identify(find_policy(resolve_model("pocket"), "base"))


def _last_policy(run: Path) -> Policy:
    """What the first round ended with."""
    checkpoint = read_checkpoint(run / "checkpoints" / "round-1-dpo")
    if checkpoint is None:
        raise SystemExit(f"{run} has not trained its first round")
    return checkpoint.policy("round-1-dpo")


def stored_round(run: Path, round_: int) -> RoundData:
    """The products of a round, from their files."""
    sets = []
    for product in PRODUCTS:
        for data_set in product.data_sets:
            path = run / product.name / f"round-{round_}{data_set.suffix}.parquet"
            sets.append(WrittenSet(product, data_set, path, count_rows(path) if path.exists() else 0))
    return RoundData(tuple(sets))


async def measure(recipe: Recipe, folder: Path, policies: Sequence[Policy]) -> list[Evaluation]:
    """Ask the base and these policies the tasks of the recipe; results are kept in the folder."""
    with RunFolder.create_or_resume(folder, recipe.name, RunIdentity.of_recipe(recipe, {})) as run_folder:
        plan = RunPlan(recipe, Path.cwd(), run_folder, PromptLibrary.load(recipe.prompts))
        async with open_session(plan, Parts(ProgressDisplay(), POCKET_WORLD)) as session:
            return await measure_reported(session, [session.base, *policies])


def show(measured: Sequence[Evaluation], reporter: ProgressDisplay) -> None:
    """A table of figures and one of differences for each suite."""
    for suite in dict.fromkeys(one.suite for one in measured):
        here = [one for one in measured if one.suite == suite]
        table = result_table(here)
        totals = [row for row in table.rows if row[1] == "all"]
        reporter.print_table(*ResultTable(table.title, table.heads, totals))
        if (differences := difference_table(here)) is not None:
            reporter.print_table(*differences)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
