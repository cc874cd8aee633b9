"""The console command `codemill`: composes what `synth` offers with the commands that make models.

The one rule: importing this module imports nothing heavy. Each command imports what it needs when it runs,
after the recipe was checked.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli import doctor, exec, verify, views
from synth.cli.app import Overrides, app, print_warnings

if TYPE_CHECKING:
    from posttrain.core.jobs import TrainingProgress
    from posttrain.loop.session import Parts
    from synth.recipe import LoadedRecipe

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="Path, or a name inside recipes/.")]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Folder that holds the run folders.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Begin again: the old run folder is moved aside, not deleted.")
]
Fork = Annotated[
    str | None,
    typer.Option(
        "--fork", metavar="NAME", help="Run the changed recipe under a new name, beside the old run."
    ),
]

_RUNS = Path("runs")


@app.command()
def run(
    recipe: RecipeArgument,
    set_: Overrides = None,
    runs_dir: RunsDir = _RUNS,
    fresh: Fresh = False,
    fork: Fork = None,
) -> None:
    """Run a recipe: data, training, evaluation, round after round. The same command goes on where it
    stopped."""
    loaded = _load(recipe, set_)
    from posttrain.loop.run import run_recipe

    run_recipe(loaded, runs_dir, _parts(), fresh=fresh, fork=fork)


@app.command()
def sft(recipe: RecipeArgument, set_: Overrides = None, runs_dir: RunsDir = _RUNS) -> None:
    """Fine-tune alone, on the data sets that the recipe names in `sft.coarse.data` and `sft.fine.data`."""
    loaded = _load(recipe, set_)
    from posttrain.standalone import run_sft

    print(run_sft(loaded.recipe, loaded.source, _folder(loaded, runs_dir), _show).folder)


@app.command()
def dpo(recipe: RecipeArgument, set_: Overrides = None, runs_dir: RunsDir = _RUNS) -> None:
    """Optimize preferences alone, on the data set that the recipe names in `dpo.data`."""
    loaded = _load(recipe, set_)
    from posttrain.standalone import run_dpo

    print(run_dpo(loaded.recipe, loaded.source, _folder(loaded, runs_dir), _show).folder)


@app.command("eval")
def evaluate(recipe: RecipeArgument, set_: Overrides = None, runs_dir: RunsDir = _RUNS) -> None:
    """Evaluate the recipe's policy alone, on the suite that it names in `evaluation.suite`."""
    loaded = _load(recipe, set_)
    from posttrain.loop.run import evaluate_recipe

    evaluate_recipe(loaded, runs_dir, _parts())


pocket = typer.Typer(help="The pocket model, the embedded default.", no_args_is_help=True)


@pocket.command()
def pretrain(recipe: RecipeArgument, set_: Overrides = None) -> None:
    """Train the pocket model from scratch, as its recipe says."""
    from posttrain.pocket.pretrain import pretrain_recipe

    pretrain_recipe(recipe, set_ or ())


def _load(recipe: str, overrides: list[str] | None) -> "LoadedRecipe":
    from synth.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or ())
    print_warnings(loaded.warnings)
    return loaded


def _parts() -> "Parts":
    """What a run is made of: the terminal that it speaks to, and the one world that ships."""
    from posttrain.loop.session import Parts
    from posttrain.pocket.world import POCKET_WORLD
    from synth.cli.progress import ProgressDisplay

    return Parts(ProgressDisplay(), POCKET_WORLD)


def _folder(loaded: "LoadedRecipe", runs_dir: Path) -> Path:
    return runs_dir / loaded.recipe.name


def _show(step: "TrainingProgress") -> None:
    """One plain line for each twentieth of the steps."""
    if step.step % max(1, step.total // 20) == 0 or step.step == step.total:
        print(f"{step.job}: step {step.step} of {step.total}, loss {step.loss:.4f}", flush=True)


doctor.register(app)
views.register(app)
exec.register(app)
verify.register(app)
app.add_typer(pocket, name="pocket")


def main() -> None:
    """Entry point of the console command."""
    app()


if __name__ == "__main__":
    main()
