"""Makes the plan of a recipe.

Place in the flow: a loaded recipe -> here -> `forecast`. The one rule: nothing is started, asked of an engine
or downloaded; the only thing that is written is the store of tokens, which the training will read.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from posttrain.core.policy import find_policy, resolve_model
from posttrain.evaluate.suite import Suites
from posttrain.placement.machine import find_placement
from posttrain.plan.calls import expected_rows, plan_data, plan_evaluations
from posttrain.plan.earlier import earlier_run
from posttrain.plan.forecast import Forecast, PlannedPhase
from posttrain.plan.trainings import Machine, plan_jobs_with_data, plan_made_data
from posttrain.standalone import dpo_jobs, kto_jobs, sft_jobs
from synth.cards import find_cards
from synth.config import Recipe
from synth.errors import RecipeError
from synth.recipe import LoadedRecipe
from synth.roles import ROLES


def plan_recipe(loaded: LoadedRecipe, runs_dir: Path, suites: Suites) -> Forecast:
    """The phases of `codemill run`, or of `codemill sft`, `dpo` and `kto` where the recipe makes no data.
    Raises what reading its data sets raises."""
    recipe, machine = loaded.recipe, Machine(find_cards(), runs_dir)
    if recipe.data is None:
        out = runs_dir / recipe.name
        jobs = [
            make(recipe, loaded.source, out)
            for make, section in ((sft_jobs, recipe.sft), (dpo_jobs, recipe.dpo), (kto_jobs, recipe.kto))
            if section is not None
        ]
        phases = [phase for chain in jobs for phase in plan_jobs_with_data(chain, machine)]
    else:
        phases = list(_rounds(recipe, loaded.source.parent, machine))
    phases += plan_evaluations(recipe, loaded.source.parent, suites)
    return Forecast(
        recipe=recipe.name, phases=tuple(phases), notes=tuple(_notes(recipe, loaded.source.parent))
    )


def _placed(recipe: Recipe, recipe_folder: Path) -> Sequence[str]:
    """Which GPUs serve and which train; or what a run would be refused for."""
    try:
        return find_placement(recipe, recipe_folder, empty=True).words
    except RecipeError as refused:
        return [f"refused on this machine: {one.where} {one.message}; {one.fix}" for one in refused.problems]


def _rounds(recipe: Recipe, recipe_folder: Path, machine: Machine) -> Iterator[PlannedPhase]:
    data, earlier = recipe.data, earlier_run(machine.runs_dir, recipe)
    assert data is not None
    policy = find_policy(resolve_model(recipe.policy.model, recipe_folder)).base
    for round_ in range(1, recipe.loop.rounds + 1):
        yield from plan_data(recipe, data, round_, earlier)
        for path, config in recipe.trainings.items():
            name = path.rpartition(".")[2]
            rows = expected_rows(name, data, earlier)
            yield plan_made_data(name, round_, config, policy, recipe.policy.dtype, rows, machine)


def _notes(recipe: Recipe, recipe_folder: Path) -> Iterator[str]:
    yield from _placed(recipe, recipe_folder)
    if any(config.save_minutes for config in recipe.trainings.values()):
        yield "a state is also saved every `save_minutes`; two are kept until the training is done"
    if recipe.data is not None:
        yield "bounds take every seed to become a task and every answer to be as long as it may"
    if all(recipe.prices.of_role(role) is None for role in ROLES):
        yield "no prices: the recipe has no `prices`"
