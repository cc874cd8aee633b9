"""The console command `codemill`: composes what `synth` offers with the commands that make models.

The one rule: importing this module imports nothing heavy. Each command imports what it needs when it runs.
"""

from pathlib import Path
from typing import Annotated

import typer

from synth.cli import doctor, views
from synth.cli.app import Overrides, app, print_warnings

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="Path, or a name inside recipes/.")]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Folder that holds the run folders.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin again: the old run folder is moved aside, not deleted.")]
Fork = Annotated[str | None, typer.Option("--fork", metavar="NAME", help="Run the changed recipe under a new name, beside the old run.")]

pocket = typer.Typer(help="The pocket model, the embedded default.", no_args_is_help=True)


@app.command()
def run(recipe: RecipeArgument, set_: Overrides = None, runs_dir: RunsDir = Path("runs"), fresh: Fresh = False, fork: Fork = None) -> None:
    """Run a recipe: data, training, evaluation, round after round. The same command goes on where it stopped."""
    from synth.recipe import load_recipe

    loaded = load_recipe(recipe, set_ or ())
    print_warnings(loaded.warnings)
    from posttrain.loop import run_recipe

    run_recipe(loaded, runs_dir, fresh=fresh, fork=fork)


doctor.register(app)
views.register(app)
app.add_typer(pocket, name="pocket")


def main() -> None:
    """Entry point of the console command."""
    app()


if __name__ == "__main__":
    main()
