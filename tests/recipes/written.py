"""A recipe as a test writes it."""

from collections.abc import Sequence
from pathlib import Path

from synth.recipe import LoadedRecipe, load_recipe


def load_text(folder: Path, text: str, changes: Sequence[str]) -> LoadedRecipe:
    """The recipe with these changes, checked without a look at the machine. Raises RecipeError."""
    file = folder / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    return load_recipe(file, changes, machine=False)
