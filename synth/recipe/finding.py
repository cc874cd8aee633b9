"""What a check of a recipe says: a value that is fine by itself and wrong beside another value, the disk
or the machine."""

from typing import NamedTuple

from synth.recipe.source import KeyPath


class Finding(NamedTuple):
    """One thing that does not fit. `paths[0]` is where it is shown; a finding is dropped when any of its
    paths is itself in error."""

    paths: tuple[KeyPath, ...]
    message: str
    fix: str
    fatal: bool = True
    """A finding that is not fatal becomes a warning, and the recipe loads."""
    see: str = "docs/recipes.md"
