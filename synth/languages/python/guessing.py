"""Typed signatures for Python functions, as a ranked list to try: read from annotations, else guessed from
defaults, documentation, use and names.

A guess is cheap: the reference stage runs the function on inputs of each candidate and keeps the one that
works best, so this module needs to be right within a few tries, not at once. The one rule: only types that
every language shares (`synth.values`) are ever proposed.
"""

import ast
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

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
from synth.values import Signature, ValueType, parse_type

_CERTAIN: Final = 6
"""Points that tell what an optional parameter without a type is for."""
_MAX_ALIASES: Final = 3
_SETS: Final = frozenset("set Set frozenset FrozenSet AbstractSet MutableSet".split())
_BYTES: Final = frozenset({"bytes", "bytearray"})


class GivenParameter(NamedTuple):
    """One parameter of a Python function, and the types to try for it."""

    name: str
    types: tuple[ValueType, ...]
    """The likeliest first; empty if its annotation names a type that no other language has."""
    optional: bool
    """Whether it has a default."""
    keyword: bool = False
    """Whether it can only be given by its name."""
    built: "Construction | None" = None
    """How its value is made, if it is an object of a class of the program."""
    rest: bool = False
    """Whether it takes all positional arguments that are left (`*args`)."""
    fixed: str = ""
    """What is passed for it in every call, if nothing else can be."""

    @property
    def is_left_out(self) -> bool:
        """Whether its default has to do: nothing can be given for it that means something."""
        return self.optional and self.types in ((), (NULL,))


class Construction(NamedTuple):
    """A call that makes an object, of a class of the program by the parameters of its constructor."""

    name: str
    parameters: tuple[GivenParameter, ...]
    """One without a name of its own is called as the object is."""
    helper: str = ""
    """The function that is called, if it has to be written first."""


class TakesItself(NotAdapted):
    """An object of a class cannot be made without another one."""


@dataclass(slots=True)
class Names:
    """What the names of a program mean in annotations."""

    aliases: dict[str, ast.expr] = field(default_factory=dict)
    """Names that stand for another type: `Point = tuple[float, float]`."""
    build: Callable[[str], Construction | None] = lambda name: None
    """How an object of a class of the program is made; None if it is no class of it. Raises NotAdapted."""


def read_parameters(
    function: ast.FunctionDef, skip: int = 0, names: Names | None = None
) -> list[GivenParameter]:
    """The parameters of a function that shared values can be given for, without the first `skip` (`self`) and
    without optional ones that are left to their defaults. Raises NotAdapted."""
    names = names or Names()
    arguments = function.args
    given = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(given) - len(arguments.defaults)) + list(arguments.defaults)
    found = [
        _parameter(argument, default, function, names)
        for argument, default in list(zip(given, defaults, strict=True))[skip:]
    ]
    if not arguments.posonlyargs:
        found = [one for one in found if not one.is_left_out]
    while found and found[-1].is_left_out:
        found.pop()
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            found.append(_parameter(argument, None, function, names)._replace(keyword=True))
    if arguments.vararg is not None and not found:
        found.append(_rest(arguments.vararg, function))
    if missing := next(
        (one.name for one in found if not one.types and one.built is None and not one.fixed), ""
    ):
        raise NotAdapted(f"a parameter has no type that every language shares: {missing}")
    if len(found) > MAX_PARAMETERS:
        raise NotAdapted(f"more than {MAX_PARAMETERS} parameters")
    return found


def _parameter(
    argument: ast.arg, default: ast.expr | None, function: ast.FunctionDef, names: Names
) -> GivenParameter:
    if argument.annotation is not None:
        annotation = _without_aliases(argument.annotation, names)
        if default is None:
            try:
                built = names.build(_class_name(annotation)) or _convert(annotation)
            except TakesItself:
                if not _may_be_none(annotation):
                    raise
                return GivenParameter(argument.arg, (), False, fixed="None")
            if built is not None:
                return GivenParameter(argument.arg, (), False, built=built)
        argument = ast.arg(argument.arg, annotation)
    types = _types(argument, default, function)
    if default is None and (not types or argument.annotation is None):
        record = _record(argument.arg, function)
        if record is not None:
            return GivenParameter(argument.arg, (), False, built=record)
    return GivenParameter(argument.arg, tuple(types), default is not None)


def _rest(argument: ast.arg, function: ast.FunctionDef) -> GivenParameter:
    stated = read_annotation(argument.annotation) if argument.annotation is not None else None
    inner = stated if stated is not None else (parse_type("int"), parse_type("str"))
    lists = [ValueType("list", (kind,)) for kind in inner]
    if stated is None:
        clues = read_clues(argument.arg, None, function).ranked()
        lists = [kind for kind in clues if kind.kind == "list"] or lists
    return GivenParameter(argument.arg, tuple(lists), False, rest=True)


def _class_name(annotation: ast.expr) -> str:
    """The name of a class that stands alone, in quotes or not, or beside `None`."""
    text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
    plain = (
        re.sub(r"\s*\|\s*None$|^Optional\[(.*)\]$|\[[\w, ]*\]$", r"\1", text) if isinstance(text, str) else ""
    )
    return plain if plain.isidentifier() else ""


def _may_be_none(annotation: ast.expr) -> bool:
    return re.search(r"\bNone\b|\bOptional\b", ast.unparse(annotation)) is not None


def _convert(annotation: ast.expr) -> Construction | None:
    """How a value that languages do not share is made of one that they do: a set of a list, bytes of text."""
    node = without_none(annotation)
    name = ast.unparse(node.value if isinstance(node, ast.Subscript) else node).rpartition(".")[2]
    if name in _BYTES:
        text = Construction("str.encode", (GivenParameter("", (parse_type("str"),), False),))
        return text if name == "bytes" else Construction(name, (GivenParameter("", (), False, built=text),))
    if name not in _SETS:
        return None
    items = ast.Name("list", ast.Load())
    kinds = read_annotation(ast.Subscript(items, node.slice) if isinstance(node, ast.Subscript) else items)
    made = "frozenset" if name.lower() == "frozenset" else "set"
    return Construction(made, (GivenParameter("", tuple(kinds), False),)) if kinds else None


def _record(name: str, function: ast.FunctionDef) -> Construction | None:
    """An object with the fields that are read of the parameter, if nothing else is done with it."""
    fields: dict[str, None] = {}
    read, called = set[int](), set[int]()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            if not isinstance(node.ctx, ast.Load) or id(node) in called:
                return None
            read.add(id(node.value))
            fields[node.attr] = None
    uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
    if not fields or any(id(node) not in read for node in uses):
        return None
    given = (_field(one, name, function) for one in fields)
    return Construction("SimpleNamespace", tuple(given), "from types import SimpleNamespace\n")


def _field(field_name: str, owner: str, function: ast.FunctionDef) -> GivenParameter:
    """A field, by its name and by what is done with it."""
    seen = _FieldAsName(owner, field_name).visit(copy.deepcopy(function))
    types = (
        read_clues(f"{owner}_{field_name}", None, seen).ranked()
        or read_clues(
            field_name, None, ast.FunctionDef(name="", args=function.args, body=[], decorator_list=[])
        ).ranked()
    )
    return GivenParameter(field_name, tuple(types or UNKNOWN[:2]), False, keyword=True)


class _FieldAsName(ast.NodeTransformer):
    """Writes a name of its own for a field of a parameter."""

    def __init__(self, owner: str, field_name: str) -> None:
        self._owner, self._field = owner, field_name

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """`p.x` as `p_x`."""
        self.generic_visit(node)
        is_it = isinstance(node.value, ast.Name) and node.value.id == self._owner and node.attr == self._field
        return ast.Name(f"{self._owner}_{self._field}", node.ctx) if is_it else node


def without_none(annotation: ast.expr) -> ast.expr:
    """What a value is that may also be None."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        sides = annotation.left, annotation.right
        return next(
            (one for one in sides if not (isinstance(one, ast.Constant) and one.value is None)), sides[0]
        )
    is_optional = isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith("Optional")
    return annotation.slice if is_optional and isinstance(annotation, ast.Subscript) else annotation


def _without_aliases(annotation: ast.expr, names: Names) -> ast.expr:
    for _ in range(_MAX_ALIASES):
        used = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
        if not used & set(names.aliases):
            break
        annotation = _Unaliased(names.aliases).visit(copy.deepcopy(annotation))
    return annotation


class _Unaliased(ast.NodeTransformer):
    """Writes what a name stands for in its place."""

    def __init__(self, aliases: dict[str, ast.expr]) -> None:
        self._aliases = aliases

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The type of an alias, or the name itself."""
        return self._aliases.get(node.id, node)


def _types(argument: ast.arg, default: ast.expr | None, function: ast.FunctionDef) -> list[ValueType]:
    """Types to try for one parameter, the likeliest first."""
    if argument.annotation is not None:
        stated = read_annotation(argument.annotation)
        if stated is not None:
            return stated
    clues = read_clues(argument.arg, default, function)
    strongest = max(clues.points.values(), default=0)
    if isinstance(default, ast.Constant) and default.value is None and strongest < _CERTAIN:
        return []
    found = clues.ranked()
    return found or ([] if default is not None else list(UNKNOWN))


def guess_signatures(parameters: list[GivenParameter], limit: int = MAX_CANDIDATES) -> tuple[Signature, ...]:
    """Candidate signatures, the likeliest first. The result type is `any`: the actual one is inferred from
    the returned values."""
    return tuple(best_first([parameter.types for parameter in parameters], limit))
