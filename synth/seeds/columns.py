"""Whether a data set has the columns that the recipe names, asked before anything is read or spent."""

import difflib
from collections.abc import Iterable

from synth.errors import Problem, RecipeError


def check_columns(key: str, column: str, found: Iterable[str], source: str) -> None:
    """Raises RecipeError if the data set has columns but not this one; it names the nearest."""
    columns = list(found)
    if column in columns:
        return
    near = difflib.get_close_matches(column, columns, n=1, cutoff=0.5)
    raise RecipeError(
        Problem(
            f"{key} = {column!r}",
            f"is no column of {source}, which has {', '.join(columns[:40])}",
            f"write {near[0]}" if near else "name the column, or another data set",
            "docs/architecture/seeds.md",
        )
    )
