"""Runs a recipe from its file to the end: one recipe, one run folder, one session.

Place in the flow: command line -> here -> `rounds`. The one rule: a finished run is only shown again.
"""

import time
from pathlib import Path
from typing import Final, NamedTuple

from posttrain.evaluate.prepared_benchmarks import prepare_benchmarks
from posttrain.loop.report import accepted_failures, failures_error, finish, show_finished
from posttrain.loop.rounds import run_rounds
from posttrain.loop.session import Parts, RunPlan, open_session
from posttrain.placement.machine import find_placement
from synth.config import Recipe
from synth.errors import Problem, RecipeError
from synth.interruptible import run_interruptibly
from synth.prompts.library import PromptLibrary
from synth.recipe import LoadedRecipe
from synth.store.run_folder import RunFolder, RunIdentity, RunState, is_finished


class RunOptions(NamedTuple):
    """What the command line asks for beside the recipe."""

    fresh: bool = False
    """Start over."""
    fork: str | None = None
    """Run under this name, on the answers of the recipe's own run."""
    accept_failures: bool = False
    """Close what has failed at several starts."""


AS_USUAL: Final = RunOptions()


def run_recipe(loaded: LoadedRecipe, runs_dir: Path, parts: Parts, options: RunOptions = AS_USUAL) -> Path:
    """Run all parts of the recipe and return the run folder. Passes on the errors of its parts; finished work
    is never lost. Raises OutageError if failed units wait for another start, FailedUnitsError if they were
    accepted."""
    check_trainable(loaded)
    return _run(loaded.recipe, loaded.source.parent, runs_dir, parts, options)


def evaluate_recipe(
    loaded: LoadedRecipe, runs_dir: Path, parts: Parts, options: RunOptions = AS_USUAL
) -> Path:
    """Evaluate the recipe's policy alone. Raises RecipeError when the recipe has no evaluation, and what
    `run_recipe` raises."""
    if loaded.recipe.evaluation is None:
        raise RecipeError(
            Problem(
                f"{loaded.source}: evaluation",
                "is required for an evaluation but missing",
                "add an `evaluation` section",
            )
        )
    alone = {"data": None, "sft": None, "dpo": None, "kto": None, "name": f"{loaded.recipe.name}-eval"}
    return _run(loaded.recipe.model_copy(update=alone), loaded.source.parent, runs_dir, parts, options)


def check_trainable(loaded: LoadedRecipe) -> None:
    """A run trains on what it makes itself. Raises RecipeError for trainers without `data`, which would do
    nothing in silence."""
    recipe = loaded.recipe
    trainers = [name for name in ("sft", "dpo", "kto") if getattr(recipe, name) is not None]
    if trainers and recipe.data is None:
        fix = "    or    ".join(f"codemill {name} {loaded.source}" for name in trainers)
        raise RecipeError(
            Problem(
                f"{loaded.source}: data",
                f"is missing: `codemill run` trains `{trainers[0]}` on the data that it makes",
                f"add a `data` section, or train on a data set of your own: {fix}",
            )
        )


def _run(recipe: Recipe, recipe_folder: Path, runs_dir: Path, parts: Parts, options: RunOptions) -> Path:
    prompts = PromptLibrary.load(recipe.prompts) if recipe.engine is not None else None
    identity = RunIdentity.of_recipe(recipe, prompts.hashes() if prompts is not None else {})
    name = options.fork or recipe.name
    run = runs_dir / name
    if not options.fresh and is_finished(run, identity):
        show_finished(parts.reporter, run)
        _raise_failures(run)
        return run
    find_placement(recipe, recipe_folder, empty=True)  # what cannot fit is said before a folder is made
    benchmarks = prepare_benchmarks(recipe, recipe_folder)
    with RunFolder.create_or_resume(
        runs_dir, name, identity, fork_of=recipe.name if options.fork else None, fresh=options.fresh
    ) as folder:
        plan = RunPlan(recipe, recipe_folder, folder, prompts, options.accept_failures, benchmarks)
        run_interruptibly(lambda: _run_session(plan, parts))
        if failures := accepted_failures(folder.path):
            folder.finish(RunState.FINISHED_WITH_FAILURES, failures)
    _raise_failures(run)
    return run


def _raise_failures(run: Path) -> None:
    """Raises FailedUnitsError if units failed for good."""
    if failures := accepted_failures(run):
        raise failures_error(run, failures)


async def _run_session(plan: RunPlan, parts: Parts) -> None:
    started = time.monotonic()
    async with open_session(plan, parts) as session:
        results = await run_rounds(session)
    finish(session, results, time.monotonic() - started)
