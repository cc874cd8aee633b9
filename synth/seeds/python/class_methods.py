"""What a Python class takes: its constructor and the methods that can be called with shared types.

Place in the flow: the cutter asks which classes of a file can be seeds, and reference execution which calls
to try. The one rule: what an annotation states is taken; what it leaves open is tried as an int, then as a
text.
"""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from synth.languages.python.annotations import read_annotation
from synth.seeds.python.module_index import ModuleIndex
from synth.values import ValueType

_SLOTS = frozenset({"int", "float", "str", "bool"})
_OPEN = (ValueType("int"), ValueType("str"))


class DraftMethod(NamedTuple):
    """A method, or the constructor, with a type for each parameter that has no default."""

    name: str
    names: tuple[str, ...]
    kinds: tuple[ValueType, ...]


class DraftClass(NamedTuple):
    """A class as it may be called, before it is known what its methods give."""

    name: str
    constructor: DraftMethod
    methods: tuple[DraftMethod, ...]


def class_names(index: ModuleIndex) -> Iterator[str]:
    """The classes of a file that have something to call."""
    for name in index.statements:
        statement = index.find(name)
        if isinstance(statement, ast.ClassDef) and len(list(public_methods(statement))) > 1:
            yield name


def public_methods(owner: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Plain methods of an object that say nothing on stdout."""
    for member in owner.body:
        if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
            names = {node.id for node in ast.walk(member) if isinstance(node, ast.Name)}
            if not member.decorator_list and not names & {"print", "input", "open"} and member.args.args:
                yield member


def draft_classes(code: str, name: str) -> list[DraftClass]:
    """The ways to call a class of a closed program, the likeliest first; empty if its constructor asks for
    values that no slot holds."""
    index = ModuleIndex.read(code)
    statement = index.find(name) if index is not None else None
    if not isinstance(statement, ast.ClassDef):
        return []
    ways = []
    for open_kind in _OPEN:
        if (way := _draft(statement, open_kind)) is not None and way not in ways:
            ways.append(way)
    return ways


def _draft(owner: ast.ClassDef, open_kind: ValueType) -> DraftClass | None:
    made = next(
        (one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None
    )
    constructor = DraftMethod("__init__", (), ()) if made is None else _draft_method(made, open_kind)
    methods = tuple(
        found for one in public_methods(owner) if (found := _draft_method(one, open_kind)) is not None
    )
    if constructor is None or len(methods) < 2:
        return None
    return DraftClass(owner.name, constructor, methods)


def _draft_method(method: ast.FunctionDef, open_kind: ValueType) -> DraftMethod | None:
    taken = method.args
    if any(default is None for default in taken.kw_defaults):
        return None
    parameters = [*taken.posonlyargs, *taken.args][1:]
    parameters = parameters[: len(parameters) - len(taken.defaults)] if taken.defaults else parameters
    kinds = []
    for one in parameters:
        options = read_annotation(one.annotation) if one.annotation is not None else None
        kinds.append(open_kind if options is None else next(filter(_has_slot, options), None))
    found = tuple(kind for kind in kinds if kind is not None)
    return (
        DraftMethod(method.name, tuple(one.arg for one in parameters), found) if None not in kinds else None
    )


def _has_slot(kind: ValueType) -> bool:
    return kind.kind in _SLOTS or (kind.kind == "list" and kind.inner[0].kind in _SLOTS)
