"""Rules between the keys about instructions."""

from collections.abc import Iterator

from synth.config import Recipe
from synth.recipe.finding import Finding

LEAST_SHAPES = 3
"""With fewer, one of them has more than 40% of the rows."""


def shapes_are_mixed(recipe: Recipe) -> Iterator[Finding]:
    """Shapes are taken in turn, so their number decides the largest share."""
    shapes = (
        recipe.data.instruct.shapes if recipe.data is not None and recipe.data.instruct is not None else ()
    )
    path = ("data", "instruct", "shapes")
    for at, shape in enumerate(shapes):
        if shape in shapes[:at]:
            yield Finding(((*path, at),), f"is listed twice: `{shape}`", "remove one of the two")
    if 0 < len(set(shapes)) < LEAST_SHAPES:
        expected = f"must name at least {LEAST_SHAPES} shapes, or one of them is more than 40% of the rows"
        yield Finding((path,), expected, "shapes: [plain, docstring, request, story, stub, brief]")
