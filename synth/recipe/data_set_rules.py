"""Rules between the data sets that a training names, and the rows that the recipe makes itself.

Part of the third step of loading a recipe. The one rule: what is trained on in which share is decided by
keys that are there; nothing is guessed for one that is missing.
"""

from collections.abc import Callable, Iterator

from synth.config import Recipe
from synth.recipe.finding import Finding
from synth.recipe.source import KeyPath
from synth.training_data_config import ROUND, TrainingSetConfig


def _sections(recipe: Recipe) -> Iterator[tuple[KeyPath, tuple[TrainingSetConfig, ...]]]:
    for section, config in recipe.trainings.items():
        if config.data:
            yield (*section.split("."), "data"), config.data


def _shares_are_whole(recipe: Recipe) -> Iterator[Finding]:
    for path, sets in _sections(recipe):
        weighted = [one.weight is not None for one in sets]
        if not any(weighted):
            continue
        if not all(weighted):
            expected = "must have a `weight` for each data set, or for none: shares are of all rows"
            yield Finding((path,), expected, "give each a weight, or leave all of them out")
        elif recipe.data is not None and ROUND not in [one.source for one in sets]:
            expected = f"must say the share of the rows that each round makes: `{ROUND}` is not in the list"
            yield Finding((path, ("data",)), expected, f"add `{{source: {ROUND}, weight: 1.0}}`")


def _rounds_make_rows_once(recipe: Recipe) -> Iterator[Finding]:
    for path, sets in _sections(recipe):
        own = [one for one in sets if one.source == ROUND]
        if own and recipe.data is None:
            expected = f"cannot have `{ROUND}`: the recipe makes no rows, for it has no `data`"
            yield Finding((path, ("data",)), expected, "name data sets only")
        elif len(own) > 1:
            yield Finding((path,), f"has `{ROUND}` {len(own)} times", "leave one")
        elif own and (own[0].columns or own[0].is_loaded):
            expected = f"must give `{ROUND}` a weight alone: its columns are ours"
            yield Finding((path,), expected, f"{{source: {ROUND}, weight: 1.0}}")


DATA_SET_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (
    _shares_are_whole,
    _rounds_make_rows_once,
)
