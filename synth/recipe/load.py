"""Loads a recipe: YAML, flags, models, rules, paths, machine. All problems are raised at once, before
anything is spent.

Place in the flow: the first step of every command. The one rule: a loaded recipe is complete and checked,
with absolute paths; no later stage reads the file again.
"""

import copy
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from synth.config import Recipe
from synth.errors import Problem, RecipeError
from synth.recipe.checks import check_rules
from synth.recipe.explain import error_paths, explain, nearest
from synth.recipe.finding import Finding
from synth.recipe.machine import check_machine
from synth.recipe.names import check_names, resolve_languages
from synth.recipe.paths import check_paths, resolve_paths
from synth.recipe.shape import model_at
from synth.recipe.source import (
    SEE,
    Document,
    KeyPath,
    Plain,
    apply_overrides,
    lookup,
    put,
    read_document,
    read_text,
)
from synth.resources import resource_folder

ConfigT = TypeVar("ConfigT", bound=BaseModel)

_SUFFIXES = (".yaml", ".yml")
_ROUNDS_OF_PRUNING = 20
_LINE = re.compile(r":(\d+)(?::|$)")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[ConfigT]):
    """A recipe that passed every check."""

    recipe: ConfigT
    source: Path
    """The file, absolute."""
    resolved: str
    """YAML text of the whole recipe, with every default written out."""
    warnings: tuple[Problem, ...] = ()


LoadedRecipe = Loaded[Recipe]


def load_recipe(
    path_or_name: str | Path, overrides: Sequence[str] = (), *, machine: bool = True
) -> LoadedRecipe:
    """Load a recipe by path, or by its name inside `recipes/`. `overrides` are texts `a.b=value`.

    With `machine` false, missing toolchains and packages are not reported. Raises RecipeError with all
    problems at once.
    """
    source = find_recipe(path_or_name)
    return _checked(_read(source, overrides), source, machine)


class OptionValue(NamedTuple):
    """What an option of a command says: a value, its key in the recipe, and the option as it was written."""

    path: KeyPath
    value: Plain
    shown: str


def load_options(
    command: str, options: Iterable[OptionValue], overrides: Sequence[str] = (), *, machine: bool = True
) -> LoadedRecipe:
    """The recipe that a command's options state, as `load_recipe` loads one from a file. Paths are relative
    to the current folder, and `command` is what messages call the missing file. Raises RecipeError."""
    document = Document(command)
    for option in options:
        put(document, option.path, option.value, option.shown)
    apply_overrides(document, overrides)
    return _checked(document, Path.cwd() / command, machine)


def _checked(document: Document, source: Path, machine: bool) -> LoadedRecipe:
    recipe, sound = _validate(document, Recipe)
    warnings = (
        _report(document, _findings(sound, source.parent, machine), _doubtful(document, sound))
        if sound is not None
        else []
    )
    if document.problems or recipe is None or sound is None:
        raise RecipeError(*_in_order(document.problems))
    resolve_paths(sound, source.parent)
    resolve_languages(sound, recipe)
    resolved = Recipe.model_validate(sound.data)
    return Loaded(resolved, source, _dump(resolved), tuple(warnings))


def load_config(
    path_or_name: str | Path, model: type[ConfigT], overrides: Sequence[str] = ()
) -> Loaded[ConfigT]:
    """Load a YAML file into another strict model (for example the pocket model's own recipe), with
    the same messages."""
    source = find_recipe(path_or_name)
    document = _read(source, overrides)
    config, _ = _validate(document, model)
    if document.problems or config is None:
        raise RecipeError(*_in_order(document.problems))
    return Loaded(config, source, _dump(config))


def find_recipe(path_or_name: str | Path) -> Path:
    """The recipe's file: the path itself, or the name inside `recipes/`, with or without its
    suffix. Raises RecipeError."""
    given = Path(path_or_name).expanduser()
    folder = resource_folder("recipes")
    inside = Path(*given.parts[1:]) if given.parts[:1] == ("recipes",) else given
    candidates = [given, *(folder / f"{inside}{suffix}" for suffix in ("", *_SUFFIXES))]
    found = next((path for path in candidates if path.is_file()), None)
    if found is not None:
        return found.resolve()
    known = list(recipe_names(folder))
    close = nearest(inside.with_suffix("").as_posix(), known)
    fix = f"did you mean {close}?" if close else f"name a file, or one of: {', '.join(known)}"
    raise RecipeError(
        Problem(str(path_or_name), f"is neither a file nor the name of a recipe in {folder}", fix, SEE)
    )


def recipe_names(folder: Path) -> Iterator[str]:
    """Names of the recipes in a folder, for example `quickstart` and `pocket/pretrain`."""
    yield from sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.y*ml"))


def _read(source: Path, overrides: Sequence[str]) -> Document:
    name = _display_name(source)
    text = read_text(source)
    if isinstance(text, Problem):
        raise RecipeError(text)
    document = read_document(text, name)
    if document.problems and not document.data:
        raise RecipeError(*document.problems)
    apply_overrides(document, overrides)
    return document


def _display_name(source: Path) -> str:
    try:
        return str(source.relative_to(Path.cwd()))
    except ValueError:
        return str(source)


def _validate(document: Document, model: type[ConfigT]) -> tuple[ConfigT | None, Document | None]:
    """The model, if the data is valid; and the largest valid part of the document, so that the other checks
    can go on.

    Pydantic stops at the first error in a block. Removing that and validating again finds the
    errors behind it.
    """
    sound = copy.deepcopy(document)
    reported: set[KeyPath] = set()
    for _ in range(_ROUNDS_OF_PRUNING):
        try:
            config = model.model_validate(sound.data)
        except ValidationError as error:
            grouped = error_paths(sound, model, error)
            for path, details in grouped.items():
                if path not in reported:
                    document.problems.append(explain(sound, model, path, details))
            reported.update(grouped)
            left = [_prune(sound, path, details[0]["type"]) for path, details in grouped.items()]
            if not all(left):
                return None, None
        else:
            return (config if not reported else None), sound
    return None, None


def _prune(document: Document, path: KeyPath, kind: str) -> bool:
    """Remove what is wrong, or the block that lacks a key. A run without a name gets a placeholder. False:
    nothing is left."""
    if path == ("name",):
        document.data["name"] = "unnamed"
        return True
    target = path[:-1] if kind == "missing" else path
    holder = lookup(document.data, target[:-1])
    if not target:
        return False
    if isinstance(holder, dict):
        holder.pop(str(target[-1]), None)
    elif isinstance(holder, list):
        return _prune(document, target[:-1], "")
    return True


def _doubtful(document: Document, sound: Document) -> set[KeyPath]:
    """The paths that were removed, and for a misspelt key also the one that was probably meant."""
    gone = {
        path
        for path in document.places
        if path and not _absent(document.data, path) and _absent(sound.data, path)
    }
    for path in list(gone):
        model = model_at(Recipe, document.data, path[:-1])
        meant = (
            nearest(str(path[-1]), model.model_fields)
            if model is not None and path[-1] not in model.model_fields
            else None
        )
        gone |= {(*path[:-1], meant)} if meant else set()
    return gone


def _absent(data: Plain, path: KeyPath) -> bool:
    holder = lookup(data, path[:-1])
    if isinstance(holder, list):
        return not (isinstance(path[-1], int) and path[-1] < len(holder))
    return not (isinstance(holder, dict) and path[-1] in holder)


def _findings(sound: Document, folder: Path, machine: bool) -> list[Finding]:
    recipe = Recipe.model_validate(sound.data)
    findings = [*check_rules(recipe), *check_names(recipe), *check_paths(sound, folder)]
    return [*findings, *check_machine(recipe)] if machine else findings


def _report(document: Document, findings: Iterable[Finding], pruned: set[KeyPath]) -> list[Problem]:
    """Add fatal findings to the document's problems and return the others. Findings about an invalid key
    are left out."""
    warnings: list[Problem] = []
    for finding in findings:
        if any(_related(path, gone) for path in finding.paths for gone in pruned):
            continue
        problem = Problem(document.where(finding.paths[0]), finding.message, finding.fix, finding.see)
        (document.problems if finding.fatal else warnings).append(problem)
    return warnings


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by line, with problems of flags last."""

    def line(problem: Problem) -> int:
        found = _LINE.search(problem.where)
        return int(found.group(1)) if found and not problem.where.startswith("--set") else sys.maxsize

    return sorted(problems, key=line)


def _related(path: KeyPath, gone: KeyPath) -> bool:
    """Whether the removed key is this one, or a block around it."""
    return path[: len(gone)] == gone


def _dump(config: BaseModel) -> str:
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
