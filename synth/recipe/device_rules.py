"""Rules between `devices` and the parts of a recipe that GPUs are given to. Pure: which GPUs there are is
seen when a run starts.

The one rule: a GPU is named for somebody who can use it, and once.
"""

from collections.abc import Callable, Iterator

from synth.config import EngineConfig, Recipe
from synth.recipe.finding import Finding

_SEE = "docs/architecture/training.md"


def _numbers_are_of_cards(recipe: Recipe) -> Iterator[Finding]:
    for role, numbers in _named(recipe):
        if not numbers:
            yield Finding((("devices", role),), "must name at least one GPU", f"{role}: [0]", see=_SEE)
        for place, number in enumerate(numbers):
            path = ("devices", role, place)
            if number < 0:
                yield Finding(
                    (path,), "must be 0 or more: GPUs are numbered from 0", f"{role}: [0]", see=_SEE
                )
            elif number in numbers[:place]:
                yield Finding((path,), f"is named twice: {number}", "remove one of the two", see=_SEE)


def _named_roles_use_cards(recipe: Recipe) -> Iterator[Finding]:
    engines: dict[str, EngineConfig] = recipe.engines
    for role, numbers in _named(recipe):
        path = ("devices", role)
        if role == "trainer":
            if not recipe.trainings:
                yield Finding((path,), "names GPUs, but the recipe trains nothing", "remove it", see=_SEE)
            continue
        config = engines.get(role)
        if config is None:
            yield Finding((path,), f"names GPUs, but the recipe has no `{role}`", "remove it", see=_SEE)
        elif not config.uses_cards:
            expected = f"names GPUs, but the {role} uses none of this machine"
            yield Finding((path, (role,)), expected, "remove it", see=_SEE)
        elif config.stated_cards not in (None, len(numbers)):
            expected = (
                f"must name {config.stated_cards} GPUs: over so many the arguments of `{role}` spread it"
            )
            fix = f"{role}: {list(range(config.stated_cards or 1))}"
            yield Finding((path, (role, "extra_args")), expected, fix, see=_SEE)


def _named(recipe: Recipe) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The roles that the recipe names GPUs for."""
    for role in type(recipe.devices).model_fields if recipe.devices is not None else ():
        if (numbers := getattr(recipe.devices, role)) is not None:
            yield role, numbers


DEVICE_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (
    _numbers_are_of_cards,
    _named_roles_use_cards,
)
