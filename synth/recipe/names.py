"""The names in a recipe that stand for something codemill ships: languages and prompt sets.

The one rule: an alias is accepted, and what the later stages see is the language's own name.
"""

from collections.abc import Iterator

from synth.config import HubSeeds, Recipe
from synth.errors import UserError
from synth.languages.registry import get_language
from synth.recipe.checks import language_lists
from synth.recipe.finding import Finding
from synth.recipe.source import Document, KeyPath, lookup


def check_names(recipe: Recipe) -> Iterator[Finding]:
    """Unknown languages, each with the nearest known one."""
    for path, name in languages_named(recipe):
        try:
            get_language(name)
        except UserError as error:
            problem = error.problems[0]
            yield Finding((path,), problem.expected, problem.fix)


def languages_named(recipe: Recipe) -> Iterator[tuple[KeyPath, str]]:
    """Every language that the recipe names, with its path."""
    for path, languages in language_lists(recipe):
        for index, name in enumerate(languages):
            yield (*path, index), name
    if recipe.data is not None and isinstance(recipe.data.seeds, HubSeeds):
        yield ("data", "seeds", "language"), recipe.data.seeds.language


def resolve_languages(document: Document, recipe: Recipe) -> None:
    """Write every language by its own name, in place."""
    for path, name in languages_named(recipe):
        holder = lookup(document.data, path[:-1])
        if isinstance(holder, dict | list) and lookup(document.data, path) is not None:
            holder[path[-1]] = get_language(name).name  # type: ignore[index]  # the path was found in the data
