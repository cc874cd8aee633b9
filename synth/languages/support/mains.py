"""Finds what a whole program starts with, in languages where that has a name: the class, object or file that
holds `main`.

Place in the flow: used by `whole_program` of Java, Kotlin and Scala. The one rule: any name will do; of
several types with a `main`, the public one counts, then `Main`, then the first.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from synth.languages.support.declarations import blanked

_PACKAGE_LINE = re.compile(r"^[ \t]*package[ \t]+[\w.]+[ \t]*;?", re.MULTILINE)


class OuterType(NamedTuple):
    """A type that stands outside all others: its heading, up to the brace, and its body without what is in
    inner braces."""

    name: str
    heading: str
    body: str


def without_package(code: str) -> str:
    """The program without its package: what it starts with lies in no folder. Line numbers stay."""
    found = _PACKAGE_LINE.search(blanked(code))
    return code if found is None else code[: found.start()] + code[found.end() :]


def outer_types(code: str, heading: re.Pattern[str]) -> list[OuterType]:
    """The types whose heading the pattern finds, which gives the name as group 1."""
    types, depth, outside, body = [], 0, "", ""
    for part in re.split("([{};])", blanked(code)):
        depth -= part == "}"
        if depth == 0 and part in ("}", ";"):
            named = list(heading.finditer(outside))
            if part == "}" and named:
                types.append(OuterType(named[-1][1], outside[named[-1].start() :], body))
            outside = body = ""
        elif depth == 0 and part != "{":
            outside += part
        elif depth == 1 and part != "{":
            body += part
        depth += part == "{"
    return types


def outside_types(code: str) -> str:
    """The text outside all braces, without comments and literals."""
    depth, text = 0, ""
    for part in re.split("([{}])", blanked(code)):
        depth += (part == "{") - (part == "}")
        text += part if depth == 0 and part != "}" else ""
    return text


def preferred(types: Sequence[OuterType]) -> OuterType | None:
    """The one that counts."""
    order = sorted(types, key=lambda one: (not re.match(r"public\b", one.heading), one.name != "Main"))
    return order[0] if order else None
