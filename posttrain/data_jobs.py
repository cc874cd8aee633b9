"""The trainings of a recipe whose rows can be looked at now: of a run's last round, or of the data sets that
the recipe names.

Place in the flow: `codemill data` -> here -> `tokens`. Nothing is trained. The one rule: the jobs are those
that would train, so the tokens made here are the ones that the trainer finds.
"""

from collections.abc import Iterator
from pathlib import Path

from posttrain.core.brought_data import bring, bring_all
from posttrain.core.jobs import TrainingJob, make_job
from posttrain.core.policy import find_policy, resolve_model
from posttrain.loop.jobs import plan_jobs
from posttrain.tokens.build import OnPart
from posttrain.tokens.selection import TokenRows, read_rows
from synth.config import Recipe
from synth.errors import Problem, RecipeError
from synth.pipeline.round import RoundData, WrittenSet
from synth.policy import Policy
from synth.products import PRODUCTS
from synth.store.parquet import count_rows


def jobs_with_data(recipe: Recipe, recipe_folder: Path, run: Path) -> list[TrainingJob]:
    """The jobs of the run's last round that has rows, else those of the recipe's own data sets. Raises
    RecipeError where there is neither."""
    start = find_policy(resolve_model(recipe.policy.model, recipe_folder))
    jobs = list(_of_round(recipe, recipe_folder, run, start) or _of_recipe(recipe, recipe_folder, run, start))
    if not jobs:
        expected = "has no rows to show: no run of it has made any, and it names no data set to train on"
        fix = "run it first, or name a data set: `sft: {coarse: {data: rows.jsonl}}`"
        raise RecipeError(Problem(f"recipe {recipe.name}", expected, fix))
    return [job.model_copy(update={"policy": start.base, "adapter": ""}) for job in jobs]


def rows_of(job: TrainingJob, on_part: OnPart = lambda _done, _all: None) -> TokenRows:
    """The job's rows, tokenized now or before; those that it would refuse are left out and counted."""
    from posttrain.core.policy import load_tokenizer

    return read_rows(job, load_tokenizer(job.policy), on_part)


def _of_round(recipe: Recipe, recipe_folder: Path, run: Path, start: Policy) -> list[TrainingJob]:
    """The jobs of the last round whose products are there."""
    rounds = [int(path.name.split("-")[1].split(".")[0]) for path in run.glob("*/round-[0-9]*.parquet")]
    for round_ in sorted(set(rounds), reverse=True):
        data = RoundData(tuple(_written(run, round_)))
        brought = bring_all(recipe, recipe_folder, run)
        found = plan_jobs(recipe, run / "checkpoints", round_, start, data, brought=brought).jobs
        if found:
            return found
    return []


def _written(run: Path, round_: int) -> Iterator[WrittenSet]:
    for product in PRODUCTS:
        for data_set in product.data_sets:
            path = run / product.name / f"round-{round_}{data_set.suffix}.parquet"
            if path.is_file():
                yield WrittenSet(product, data_set, path, count_rows(path))


def _of_recipe(recipe: Recipe, recipe_folder: Path, run: Path, start: Policy) -> Iterator[TrainingJob]:
    for section, config in recipe.trainings.items():
        if sets := bring(config.data, f"{section}.data", recipe_folder, run):
            name = section.rpartition(".")[2]
            yield make_job(config, recipe, name, start, sets, run / "checkpoints" / name)
