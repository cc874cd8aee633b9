"""Typed signatures for Python functions, as a ranked list to try: read from annotations, else guessed from
defaults, documentation, use and names.

A guess is cheap: the reference stage runs the function on inputs of each candidate and keeps the one that
works best, so this module needs to be right within a few tries, not at once. The one rule: only types that
every language shares (`synth.values`) are ever proposed.
"""

import ast
from typing import NamedTuple

from synth.languages.python.annotations import read_annotation
from synth.languages.python.usage import read_clues
from synth.languages.spec import NotAdapted
from synth.languages.support.guessing import (
    MAX_CANDIDATES,
    MAX_PARAMETERS,
    NULL,
    UNKNOWN,
    best_first,
)
from synth.values import Signature, ValueType


class GivenParameter(NamedTuple):
    """One parameter of a Python function, and the types to try for it."""

    name: str
    types: tuple[ValueType, ...]
    """The likeliest first; empty if its annotation names a type that no other language has."""
    optional: bool
    """Whether it has a default."""
    keyword: bool = False
    """Whether it can only be given by its name."""

    @property
    def is_left_out(self) -> bool:
        """Whether its default has to do: nothing can be given for it that means something."""
        return self.optional and self.types in ((), (NULL,))


def read_parameters(function: ast.FunctionDef, skip: int = 0) -> list[GivenParameter]:
    """The parameters of a function that shared values can be given for, without the first `skip` (`self`) and
    without optional ones that are left to their defaults. Raises NotAdapted."""
    arguments = function.args
    given = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(given) - len(arguments.defaults)) + list(arguments.defaults)
    found = [
        _parameter(argument, default, function)
        for argument, default in list(zip(given, defaults, strict=True))[skip:]
    ]
    while found and found[-1].is_left_out:
        found.pop()
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            found.append(_parameter(argument, None, function)._replace(keyword=True))
    if missing := next((one.name for one in found if not one.types), ""):
        raise NotAdapted(f"a parameter has no type that every language shares: {missing}")
    if len(found) > MAX_PARAMETERS:
        raise NotAdapted(f"more than {MAX_PARAMETERS} parameters")
    return found


def _parameter(argument: ast.arg, default: ast.expr | None, function: ast.FunctionDef) -> GivenParameter:
    types = _types(argument, default, function)
    return GivenParameter(argument.arg, tuple(types), default is not None)


def _types(argument: ast.arg, default: ast.expr | None, function: ast.FunctionDef) -> list[ValueType]:
    """Types to try for one parameter, the likeliest first."""
    if argument.annotation is not None:
        stated = read_annotation(argument.annotation)
        if stated is not None:
            return stated
    clues = read_clues(argument.arg, default, function)
    if (
        isinstance(default, ast.Constant)
        and default.value is None
        and max(clues.points.values(), default=0) < 6
    ):
        return []
    found = clues.ranked()
    return found or ([] if default is not None else list(UNKNOWN))


def guess_signatures(parameters: list[GivenParameter], limit: int = MAX_CANDIDATES) -> tuple[Signature, ...]:
    """Candidate signatures, the likeliest first. The result type is `any`: the actual one is inferred from
    the returned values."""
    return tuple(best_first([parameter.types for parameter in parameters], limit))
