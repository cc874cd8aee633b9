"""Rules between the keys of repair turns, repair tasks and reviews.

Part of the third step of loading a recipe. The one rule: a section that could make no row is said before
anything is asked.
"""

from collections.abc import Callable, Iterator

from synth.config import Recipe
from synth.recipe.finding import Finding

_PAGE = "docs/architecture/repair.md"
_SECTIONS = ("repair", "repair_tasks", "review")


def _programs_are_there(recipe: Recipe) -> Iterator[Finding]:
    data = recipe.data
    if data is None or (data.makes_tasks and data.solve is not None):
        return
    for name in _SECTIONS:
        if getattr(data, name) is not None:
            yield Finding(
                (("data", name), ("data", "solve")),
                "needs candidates of tasks, but the recipe makes none",
                "add `instruct: {}` and `solve: {n: 8}` under `data`",
                see=_PAGE,
            )


REPAIR_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (_programs_are_there,)
