"""Recipes: YAML in, a checked `Recipe` out, or every problem at once. `load.py` tells the steps; others
import from here."""

from synth.recipe.load import (
    Loaded,
    LoadedRecipe,
    OptionValue,
    find_recipe,
    load_config,
    load_options,
    load_recipe,
    recipe_names,
)
from synth.recipe.manual import recipe_manual, recipe_schema

__all__ = [
    "Loaded",
    "LoadedRecipe",
    "OptionValue",
    "find_recipe",
    "load_config",
    "load_options",
    "load_recipe",
    "recipe_manual",
    "recipe_names",
    "recipe_schema",
]
