"""What several commands take, and the first step of each: reading the recipe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import print_warnings

if TYPE_CHECKING:
    from synth.recipe import LoadedRecipe

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="Path of a recipe, or its name inside recipes/.")
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Folder that contains the run folders.")]

RUNS = Path("runs")


def load(recipe: str, overrides: list[str] | None) -> "LoadedRecipe":
    """The checked recipe; its warnings are printed. Raises RecipeError."""
    from synth.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or ())
    print_warnings(loaded.warnings)
    return loaded


def folder(loaded: "LoadedRecipe", runs_dir: Path) -> Path:
    """The run folder of a recipe."""
    return runs_dir / loaded.recipe.name
