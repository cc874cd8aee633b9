"""Training without the loop: `codemill sft`, `codemill dpo` and `codemill kto RECIPE`, on the data sets that
the recipe names.

Place in the flow: command line -> here -> `launch`. The one rule: missing data is reported before a process
starts. Checkpoints go to `<out>/checkpoints/{coarse,fine,dpo,kto}`, the log to `<out>/logs`.
"""

from contextlib import nullcontext
from pathlib import Path

from posttrain.core.brought_data import bring
from posttrain.core.data_files import data_files
from posttrain.core.jobs import TrainingJob, TrainingSet, make_job, one_adapter, planned_policy
from posttrain.core.metrics_log import OnProgress
from posttrain.core.policy import find_policy, resolve_model
from posttrain.launch import run_trainers
from posttrain.launcher import node_rank
from posttrain.placement.machine import find_placement
from synth.cards import Card, find_cards
from synth.config import Recipe
from synth.errors import Problem, RecipeError
from synth.roles import ROLES
from synth.store.checkpoints import Checkpoint
from synth.store.lock import locked
from synth.store.model_card import write_model_cards
from synth.training_config import TrainConfig, TrainingConfig


def run_sft(
    recipe: Recipe, recipe_path: Path, out: Path, on_progress: OnProgress | None = None
) -> Checkpoint:
    """Train coarse, and fine if the recipe has it, in one process. Returns the last
    policy. Raises CodemillError."""
    jobs = sft_jobs(recipe, recipe_path, out)
    return _run(recipe, jobs, out, "sft", on_progress, _cards(recipe, recipe_path, dpo=None, kto=None))


def run_dpo(
    recipe: Recipe, recipe_path: Path, out: Path, on_progress: OnProgress | None = None
) -> Checkpoint:
    """Train on the recipe's preference data in a separate process. Raises CodemillError."""
    jobs = dpo_jobs(recipe, recipe_path, out)
    return _run(recipe, jobs, out, "dpo", on_progress, _cards(recipe, recipe_path, sft=None, kto=None))


def _run(
    recipe: Recipe,
    jobs: list[TrainingJob],
    out: Path,
    name: str,
    on_progress: OnProgress | None,
    cards: tuple[Card, ...] | None,
) -> Checkpoint:
    """The last job's policy. The folder belongs to the first node; the others work in it for the first."""
    rank = node_rank(recipe.launch)
    log = out / "logs" / (f"{name}.log" if rank == 0 else f"{name}.node{rank}.log")
    with locked(out) if rank == 0 else nullcontext():
        last = run_trainers(jobs, log, on_progress, cards=cards, launch=recipe.launch)[-1]
        if rank == 0:
            write_model_cards(out)
        return last


def run_kto(
    recipe: Recipe, recipe_path: Path, out: Path, on_progress: OnProgress | None = None
) -> Checkpoint:
    """Train on the recipe's labelled answers in a separate process. Raises CodemillError."""
    jobs = kto_jobs(recipe, recipe_path, out)
    return _run(recipe, jobs, out, "kto", on_progress, _cards(recipe, recipe_path, sft=None, dpo=None))


def _cards(recipe: Recipe, recipe_path: Path, **left_out: None) -> tuple[Card, ...] | None:
    """The trainer's cards, with no engine beside it; what is left out is not trained now. Raises RecipeError
    where a training does not fit them."""
    alone = recipe.model_copy(update={**dict.fromkeys(ROLES), **left_out})
    return find_placement(alone, recipe_path.parent, empty=False).trainer


def sft_jobs(recipe: Recipe, recipe_path: Path, out: Path) -> list[TrainingJob]:
    """The coarse job, and the fine job that starts from its policy. Raises RecipeError or DatasetError."""
    sft = recipe.sft
    if sft is None:
        fix = "add an `sft` section with `coarse: {data: ...}`"
        raise RecipeError(Problem(f"{recipe_path}: sft", "is required for fine-tuning but missing", fix))
    stages: dict[str, TrainingConfig] = {"coarse": sft.coarse}
    if sft.fine is not None:
        stages["fine"] = sft.fine
    return _chain(recipe, recipe_path, out, {f"sft.{name}": config for name, config in stages.items()})


def dpo_jobs(recipe: Recipe, recipe_path: Path, out: Path) -> list[TrainingJob]:
    """The single DPO job. Raises RecipeError or DatasetError."""
    if recipe.dpo is None:
        fix = "add a `dpo` section with `data: ...`"
        raise RecipeError(
            Problem(f"{recipe_path}: dpo", "is required for preference optimization but missing", fix)
        )
    return _chain(recipe, recipe_path, out, {"dpo": recipe.dpo})


def kto_jobs(recipe: Recipe, recipe_path: Path, out: Path) -> list[TrainingJob]:
    """The single KTO job. Raises RecipeError or DatasetError."""
    if recipe.kto is None:
        fix = "add a `kto` section with `data: ...`"
        raise RecipeError(Problem(f"{recipe_path}: kto", "is required for this training but missing", fix))
    return _chain(recipe, recipe_path, out, {"kto": recipe.kto})


def _chain(
    recipe: Recipe, recipe_path: Path, out: Path, stages: dict[str, TrainingConfig]
) -> list[TrainingJob]:
    """One job per section of the recipe, each starting from the policy of the previous one."""
    trains_on = one_adapter(recipe, bool(find_cards()))
    start = find_policy(resolve_model(recipe.policy.model, recipe_path.parent))
    jobs: list[TrainingJob] = []
    for section, config in stages.items():
        name = section.rpartition(".")[2]
        data = find_data(config, f"{section}.data", recipe_path, out)
        held = [config.eval_data] if config.eval_data else []
        held_out = [_held_out(one, recipe_path) for one in held]
        folder = out / "checkpoints" / name
        jobs.append(make_job(config, recipe, name, start, data, folder, eval_data=held_out))
        start = planned_policy(jobs[-1])
        start = start if trains_on else start.without_adapter()
    return jobs


def find_data(config: TrainConfig, key: str, recipe_path: Path, out: Path) -> list[TrainingSet]:
    """The data sets that a section names, relative to the recipe, without the rows of rounds. Raises
    RecipeError if there is none, and as `bring` does."""
    found = bring(config.data, key, recipe_path.parent, out)
    if not found:
        raise RecipeError(
            Problem(
                f"{recipe_path}: {key}",
                "must name the data set to train on",
                f"{key}: data.jsonl",
                "docs/recipes.md",
            )
        )
    return found


def _held_out(data: str, recipe_path: Path) -> Path:
    """A data set to measure on, relative to the recipe. Raises DatasetError if it does not exist."""
    path = (recipe_path.parent / Path(data).expanduser()).resolve()
    data_files(path)
    return path
