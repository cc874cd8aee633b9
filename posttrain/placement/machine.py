"""The placement of a recipe on this machine.

Place in the flow: recipe -> here -> `rules`. The one rule: what is refused for the cards' whole size is
refused before a run folder is made; what others have taken of them is looked at when the run's own processes
have ended.
"""

import importlib.metadata
from pathlib import Path

import psutil

from posttrain.core.policy import find_policy, resolve_model
from posttrain.placement.rules import NO_CARDS, Placement, place
from synth.cards import find_cards
from synth.config import EngineBaseConfig, Recipe


def find_placement(recipe: Recipe, recipe_folder: Path, *, empty: bool) -> Placement:
    """Where the recipe's children work; `empty` takes the cards as if nobody used them. Raises
    RecipeError."""
    cards = find_cards()
    if empty:
        cards = tuple(card._replace(free=card.memory) for card in cards)
    if not cards and recipe.devices is None:
        return NO_CARDS
    model = find_policy(resolve_model(recipe.policy.model, recipe_folder)).base
    on_cpu = [role for role, config in recipe.engines.items() if _is_for_cpus(config)]
    return place(recipe, model, cards, frozenset(on_cpu), psutil.virtual_memory().total)


def _is_for_cpus(config: EngineBaseConfig) -> bool:
    """Whether the installed build of the engine's package uses no GPU: the first found of its distributions
    is another than the first named, or says so in its version."""
    names = config.needs_package.distributions if config.needs_package is not None else ()
    for name in names:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return name != names[0] or "cpu" in version
    return False
