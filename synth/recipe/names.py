"""The names in a recipe that stand for something codemill ships: languages and prompt sets.

The one rule: aliases are accepted, but later stages only see the language's own name.
"""

from collections.abc import Iterator
from pathlib import Path

from synth.config import CodeSeedsConfig, HubSeedsConfig, Recipe
from synth.errors import PromptError, UserError
from synth.languages.registry import get_language, normalize_language
from synth.prompts.library import PromptLibrary
from synth.recipe.checks import language_lists
from synth.recipe.finding import Finding
from synth.recipe.source import Document, KeyPath, lookup


def check_names(recipe: Recipe, prompts: Path | None = None) -> Iterator[Finding]:
    """Unknown languages, each with the nearest known one, and problems of the prompt set (in `prompts`, or in
    our own folder)."""
    yield from _check_prompts(recipe, prompts)
    for path, name in languages_named(recipe):
        try:
            get_language(name)
        except UserError as error:
            problem = error.problems[0]
            yield Finding((path,), problem.message, problem.fix)
    yield from _check_limits(recipe)


def _check_limits(recipe: Recipe) -> Iterator[Finding]:
    """The languages that are limited are known, and among those that are read."""
    seeds = recipe.data.seeds if recipe.data is not None else None
    if not isinstance(seeds, CodeSeedsConfig):
        return
    read = getattr(seeds, "languages", None)
    known = set(map(normalize_language, read)) if read is not None else None
    for name in seeds.limits:
        path = ("data", "seeds", "limits", name)
        try:
            language = get_language(name).name
        except UserError as error:
            yield Finding((path,), error.problems[0].message, error.problems[0].fix)
            continue
        if known is not None and language not in known:
            yield Finding((path,), "is not among `data.seeds.languages`", f"add {language} there")


def _check_prompts(recipe: Recipe, root: Path | None) -> Iterator[Finding]:
    """The set must have a prompt for each stage in use, with the variables that the default set declares,
    since the stages supply those."""
    try:
        problems = PromptLibrary.load(recipe.prompts, root).check(_prompt_uses(recipe))
    except PromptError as error:
        problems = list(error.problems)
    for problem in problems:
        yield Finding((("prompts",),), f"{problem.where} {problem.message}", problem.fix, see=problem.see)


def _prompt_uses(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    names = [*recipe.data.asking] if recipe.data is not None else []
    if "inputs" in names and recipe.data is not None:
        wanted = {"validator": recipe.data.inputs.validator, "generator": recipe.data.inputs.generator}
        names += [f"inputs_{program}" for program, is_wanted in wanted.items() if is_wanted]
    names += ["solve"] if recipe.evaluation is not None and recipe.evaluation.suite is not None else []
    default = PromptLibrary.load("default")
    uses = {name: default.prompts[name].header.variables for name in names}
    instruct = recipe.data.instruct if recipe.data is not None and recipe.data.solve is not None else None
    for shape in instruct.shapes if instruct is not None else ():
        if shape != "plain":
            uses[f"solve.{shape}"] = default.prompts["solve"].header.variables
    return uses


def languages_named(recipe: Recipe) -> Iterator[tuple[KeyPath, str]]:
    """Every language that the recipe names, with its path."""
    for path, languages in language_lists(recipe):
        for index, name in enumerate(languages):
            yield (*path, index), name
    if recipe.data is not None and isinstance(recipe.data.seeds, HubSeedsConfig):
        yield ("data", "seeds", "language"), recipe.data.seeds.language


def resolve_languages(document: Document, recipe: Recipe) -> None:
    """Write every language by its own name, in place."""
    for path, name in languages_named(recipe):
        holder = lookup(document.data, path[:-1])
        if isinstance(holder, dict | list) and lookup(document.data, path) is not None:
            # the path was found in the data
            holder[path[-1]] = get_language(name).name  # type: ignore[index]
