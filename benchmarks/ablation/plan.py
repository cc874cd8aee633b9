"""The plan of one ablation: the recipe for each seed with its budget, the base policy, and the folder
for the results.

Place in the flow: command line -> here -> `experiment`. The one rule: one plan, one folder. The same plan
resumes where it stopped, also with more seeds; a different plan is rejected with a list of the differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from posttrain.core.policy import find_policy, resolve_model
from posttrain.pocket.heldout import POCKET_SUITE
from synth.config import DataConfig, EngineConfig, EvaluationConfig, PocketSeedsConfig, Recipe
from synth.errors import Problem, RecipeError, RunFolderError
from synth.policy import Policy, identify
from synth.prompts.library import PromptLibrary
from synth.recipe import LoadedRecipe, load_recipe
from synth.records import Record
from synth.store.atomic import write_bytes
from synth.store.run_folder import RunIdentity, differences
from synth.training_config import DpoConfig, SftConfig


class Budget(Record):
    """The amounts in one ablation, as set by the options of the command line."""

    seeds_count: int = Field(192, ge=1)
    """Snippets in each seed's generation phase."""
    tasks: int = Field(160, ge=2)
    """Held-out tasks."""
    answers: int = Field(8, ge=1)
    """Answers at temperature 1 per held-out question, in addition to one greedy answer."""
    max_samples: int = Field(384, ge=1)
    """Maximum SFT rows per arm."""
    max_pairs: int = Field(256, ge=1)
    """Maximum DPO pairs per arm."""


DEFAULT = Budget()
SMALL = Budget(seeds_count=24, tasks=16, answers=4, max_samples=64, max_pairs=32)


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """The recipe of one seed, in which the parts that an ablation needs are present."""

    recipe: Recipe
    folder: Path
    """Folder of the recipe file."""
    data: DataConfig
    engine: EngineConfig
    sft: SftConfig
    dpo: DpoConfig
    evaluation: EvaluationConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided before any compute is spent."""

    out: Path
    budget: Budget
    seeds: dict[int, SeedPlan]
    prompts: PromptLibrary
    base: Policy
    after_sft: bool
    """Also measure each arm after SFT only."""

    @property
    def first(self) -> SeedPlan:
        """The plan of the first seed; engine, sandbox and suite are the same for all seeds."""
        return next(iter(self.seeds.values()))


def make_plan(
    recipe: str, seeds: Sequence[int], budget: Budget, out: Path, *, after_sft: bool = False
) -> Plan:
    """Load and check the recipe for every seed. Raises RecipeError, PromptError, or RunFolderError for a
    folder of another plan."""
    plans = {seed: _seed_plan(load_recipe(recipe, _overrides(seed, budget))) for seed in seeds}
    first = next(iter(plans.values()))
    prompts = PromptLibrary.load(first.recipe.prompts)
    model = first.recipe.policy.model
    base = identify(find_policy(resolve_model(model, first.folder), model))
    plan = Plan(out, budget, plans, prompts, base, after_sft)
    claim_folder(plan)
    return plan


def _overrides(seed: int, budget: Budget) -> list[str]:
    """The recipe keys that an ablation sets; everything else stays unchanged."""
    return [
        f"seed={seed}",
        f"data.seeds.count={budget.seeds_count}",
        f"evaluation.tasks={budget.tasks}",
        f"evaluation.n={budget.answers}",
        "evaluation.k=[1]",
        "evaluation.greedy=true",
        "loop.rounds=1",
    ]


def _seed_plan(loaded: LoadedRecipe) -> SeedPlan:
    recipe = loaded.recipe
    data, sft, dpo, evaluation, engine = recipe.data, recipe.sft, recipe.dpo, recipe.evaluation, recipe.engine
    if (
        data is None
        or sft is None
        or dpo is None
        or evaluation is None
        or engine is None
        or data.solve is None
        or data.pairs is None
    ):
        expected = (
            "needs engine, data with solve and pairs, sft, dpo and evaluation: the arms differ in all of them"
        )
        raise RecipeError(Problem(str(loaded.source), expected, "--recipe quickstart"))
    if not isinstance(data.seeds, PocketSeedsConfig) or evaluation.suite != POCKET_SUITE:
        raise RecipeError(
            Problem(str(loaded.source), "needs seeds and suite of the pocket world", "--recipe quickstart")
        )
    return SeedPlan(recipe, loaded.source.parent, data, engine, sft.coarse, dpo, evaluation)


def claim_folder(plan: Plan) -> None:
    """Record the plan in its folder, or check that it matches the recorded one. Seeds may be added, so they
    are not compared."""
    path, now = plan.out / "plan.json", _identity(plan)
    if not path.is_file():
        write_bytes(path, now.model_dump_json(indent=1).encode())
        return
    try:
        before = RunIdentity.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunFolderError(
            Problem(
                str(path), f"cannot be read: {error.errors()[0]['msg']}", "give another folder with --out"
            )
        ) from error
    fix = "give another folder with --out, or the settings of before"
    changed = [
        Problem(
            f"{plan.out}: {found.key} = {found.new}",
            f"was made with {found.old}",
            fix,
            "benchmarks/ablation/README.md",
        )
        for found in differences(before, now)
    ]
    if changed:
        raise RunFolderError(*changed)


def _identity(plan: Plan) -> RunIdentity:
    recipe = plan.first.recipe.model_dump(mode="json", exclude={"seed"})
    made = {
        **recipe,
        "ablation": plan.budget.model_dump(mode="json"),
        "base_fingerprint": plan.base.fingerprint,
    }
    return RunIdentity(recipe=made, prompt_hashes=plan.prompts.hashes())
