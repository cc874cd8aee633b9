"""The roles in which a recipe asks models, and which engine answers where a role has none of its own.

The one rule: a role is a section of the recipe of that name. Whoever needs the engines of a recipe asks here
or `Recipe.engines`, so another role is a row of this table and a field.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

ENGINE: Final = "engine"
"""The policy, which writes solutions."""
TEACHER: Final = "teacher"
TESTER: Final = "tester"
JUDGE: Final = "judge"

ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ENGINE: "solutions",
        TEACHER: "instructions",
        TESTER: "test inputs, and programs about them",
        JUDGE: "judgements",
    }
)
"""What each writes."""
_STANDS_IN: Final[Mapping[str, str]] = MappingProxyType({TEACHER: ENGINE, TESTER: TEACHER, JUDGE: TEACHER})


def and_stand_ins(role: str) -> Iterator[str]:
    """The role, and those that answer for it where the recipe leaves it out, the nearest first."""
    at: str | None = role
    while at is not None:
        yield at
        at = _STANDS_IN.get(at)


def journal_part(role: str) -> str:
    """The folder of its journal and logs, below those of the run; empty for the engine itself."""
    return "" if role == ENGINE else role
