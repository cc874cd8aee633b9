"""Training alone: `codemill sft RECIPE` and `codemill dpo RECIPE`, on the data sets that the recipe names.

Place in the flow: command line -> here -> `launch`. The one rule: what is missing is said before a process
starts. Checkpoints go to `<out>/checkpoints/{coarse,fine,dpo}`, the log to `<out>/logs`.
"""

from pathlib import Path

from posttrain.core.data_files import data_files
from posttrain.core.jobs import DpoJob, SftJob, make_job, planned_policy
from posttrain.core.metrics_log import OnProgress
from posttrain.core.policy import find_policy, resolve_model
from posttrain.launch import run_trainers
from synth.config import DpoConfig, Recipe, SftConfig
from synth.errors import Problem, RecipeError
from synth.store.checkpoints import Checkpoint


def run_sft(
    recipe: Recipe, recipe_path: Path, out: Path, on_progress: OnProgress | None = None
) -> Checkpoint:
    """Train coarse, and fine where the recipe has it, in one process; the last
    policy. Raises CodemillError."""
    return run_trainers(sft_jobs(recipe, recipe_path, out), out / "logs" / "sft.log", on_progress)[-1]


def run_dpo(
    recipe: Recipe, recipe_path: Path, out: Path, on_progress: OnProgress | None = None
) -> Checkpoint:
    """Train on the recipe's preference data in a process of its own. Raises CodemillError."""
    return run_trainers(dpo_jobs(recipe, recipe_path, out), out / "logs" / "dpo.log", on_progress)[-1]


def sft_jobs(recipe: Recipe, recipe_path: Path, out: Path) -> list[SftJob | DpoJob]:
    """Coarse, and fine from its policy. Raises RecipeError or DatasetError."""
    sft = recipe.sft
    if sft is None:
        fix = "add an `sft` section with `coarse: {data: ...}`"
        raise RecipeError(Problem(f"{recipe_path}: sft", "is required for fine-tuning but missing", fix))
    stages: dict[str, SftConfig | DpoConfig] = {"coarse": sft.coarse}
    if sft.fine is not None:
        stages["fine"] = sft.fine
    return _chain(recipe, recipe_path, out, {f"sft.{name}": config for name, config in stages.items()})


def dpo_jobs(recipe: Recipe, recipe_path: Path, out: Path) -> list[SftJob | DpoJob]:
    """The one job. Raises RecipeError or DatasetError."""
    if recipe.dpo is None:
        fix = "add a `dpo` section with `data: ...`"
        raise RecipeError(
            Problem(f"{recipe_path}: dpo", "is required for preference optimization but missing", fix)
        )
    return _chain(recipe, recipe_path, out, {"dpo": recipe.dpo})


def _chain(
    recipe: Recipe, recipe_path: Path, out: Path, stages: dict[str, SftConfig | DpoConfig]
) -> list[SftJob | DpoJob]:
    """A job for each section of the recipe, each from the merged weights of the one before."""
    start = find_policy(resolve_model(recipe.policy.model, recipe_path.parent))
    jobs: list[SftJob | DpoJob] = []
    for section, config in stages.items():
        name = section.rpartition(".")[2]
        data = resolve_data(config.data, f"{section}.data", recipe_path)
        jobs.append(make_job(config, recipe, name, start, [data], out / "checkpoints" / name))
        start = planned_policy(jobs[-1]).without_adapter()
    return jobs


def resolve_data(data: str | None, key: str, recipe_path: Path) -> Path:
    """The data set that a recipe names, relative to the recipe. Raises RecipeError without a name,
    DatasetError when it is not there."""
    if data is None:
        raise RecipeError(
            Problem(
                f"{recipe_path}: {key}",
                "must name the data set to train on",
                f"{key}: data.jsonl",
                "docs/recipes.md",
            )
        )
    path = (recipe_path.parent / Path(data).expanduser()).resolve()
    data_files(path)
    return path
