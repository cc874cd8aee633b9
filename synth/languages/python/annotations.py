"""Python annotations as types that every language shares.

Place in the flow: `find_signature` reads exact types here, seeds read the types that are worth a try. The one
rule: one reader with two vocabularies; what an exact reading cannot be sure of it does not state.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from synth.values import ValueType, parse_type


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The names that a reading knows, and the types of what an annotation leaves open."""

    simple: Mapping[str, str]
    lists: frozenset[str]
    maps: frozenset[str]
    silent: frozenset[str]
    """Names that say nothing."""
    open_elements: tuple[ValueType, ...]
    """What stands for an element without a type."""
    open_map: ValueType
    chooses: bool
    """Whether it takes the likeliest of several types, and `tuple[int, ...]` for a list."""


_SIMPLE = {"int": "int", "float": "float", "str": "str", "bool": "bool"}
_EXACT = _Vocabulary(
    simple=_SIMPLE,
    lists=_words("list List"),
    maps=_words("dict Dict"),
    silent=_words("Any object"),
    open_elements=(parse_type("any"),),
    open_map=parse_type("map[any, any]"),
    chooses=False,
)
_GUESSED = _Vocabulary(
    simple=_SIMPLE | {"AnyStr": "str", "Text": "str", "SupportsInt": "int", "Real": "float"},
    lists=_words(
        "list List Sequence MutableSequence Iterable Collection Iterator Reversible Container Sized"
    ),
    maps=_words("dict Dict Mapping MutableMapping OrderedDict DefaultDict defaultdict Counter"),
    silent=_words("Any object T S K V U T_co Hashable Comparable"),
    open_elements=(parse_type("int"), parse_type("str")),
    open_map=parse_type("map[str, int]"),
    chooses=True,
)
_WRAPPERS = _words("Annotated Final Required NotRequired ReadOnly")
_TUPLES = _words("tuple Tuple")


def read_exact(node: ast.expr) -> ValueType | None:
    """The one type that the annotation states; None where it states none, several, or one that no other
    language has."""
    options = _read(node, _EXACT)
    if options is None:
        return parse_type("any")
    return options[0] if len(options) == 1 else None


def read_annotation(node: ast.expr) -> list[ValueType] | None:
    """Types to try, in order of preference. None: the annotation says nothing, so guess. Empty: it names a
    type that no other language has (a class, a callable, bytes), so no values can be given."""
    return _read(node, _GUESSED)


def _read(node: ast.expr, known: _Vocabulary) -> list[ValueType] | None:
    if isinstance(node, ast.Constant):
        return _read_constant(node, known)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([node.left, node.right], known)
    if isinstance(node, ast.Subscript):
        return _read_generic(_name(node.value), node.slice, known)
    return _read_name(_name(node), known)


def _read_constant(node: ast.Constant, known: _Vocabulary) -> list[ValueType] | None:
    """`None`, or an annotation in quotes."""
    if node.value is None:
        return [parse_type("null")]
    if not isinstance(node.value, str):
        return []
    try:
        return _read(ast.parse(node.value, mode="eval").body, known)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _name(node: ast.expr) -> str:
    """`typing.List` and `List` are the same name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _read_name(name: str, known: _Vocabulary) -> list[ValueType] | None:
    if name in known.simple:
        return [parse_type(known.simple[name])]
    if name in known.silent:
        return None
    if name in known.lists:
        return [ValueType("list", (item,)) for item in known.open_elements]
    return [known.open_map] if name in known.maps else []


def _read_generic(name: str, inner: ast.expr, known: _Vocabulary) -> list[ValueType] | None:
    parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if name in ("Optional", "Union"):
        return _union(parts, known)
    if name in _WRAPPERS:
        return _read(parts[0], known)
    if name in known.lists:
        return [ValueType("list", (item,)) for item in _element(parts[0], known)]
    if name in _TUPLES:
        return _read_tuple(parts, known)
    if name in known.maps:
        return _read_map(parts, known)
    if name == "Literal":
        plain = [part.operand if isinstance(part, ast.UnaryOp) else part for part in parts]
        values = [part.value for part in plain if isinstance(part, ast.Constant)]
        return _literals(list(values)) if len(values) == len(parts) else []
    return []


def _read_tuple(parts: list[ast.expr], known: _Vocabulary) -> list[ValueType]:
    if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
        items = _element(parts[0], known) if known.chooses else []
        return [ValueType("list", (item,)) for item in items]
    items = [item for part in parts for item in _likeliest(part, known)]
    return [ValueType("tuple", tuple(items))] if len(items) == len(parts) else []


def _read_map(parts: list[ast.expr], known: _Vocabulary) -> list[ValueType]:
    values = _element(parts[1], known) if len(parts) > 1 else [parse_type("int")]
    return [ValueType("map", (key, value)) for key in _likeliest(parts[0], known) for value in values]


def _element(node: ast.expr, known: _Vocabulary) -> list[ValueType]:
    """Type of what is inside a container."""
    found = _read(node, known)
    return list(known.open_elements) if found is None else found


def _likeliest(node: ast.expr, known: _Vocabulary) -> list[ValueType]:
    """The first type of what is inside a container; none where the reading may not choose."""
    options = _element(node, known)
    return options[:1] if known.chooses or len(options) == 1 else []


def _union(parts: list[ast.expr], known: _Vocabulary) -> list[ValueType] | None:
    """Each member in turn without `None`, which is mostly the default."""
    if not known.chooses:
        return []
    found: list[ValueType] = []
    silent = True
    for part in parts:
        options = _read(part, known)
        if options is not None:
            silent = False
            found += [option for option in options if option not in found]
    found.sort(key=lambda option: option.kind == "null")
    return None if silent else [option for option in found if option.kind != "null"] or found


def _literals(values: list[object]) -> list[ValueType]:
    kinds = {type(value).__name__ for value in values}
    return [parse_type(kind) for kind in ("str", "int", "bool") if kind in kinds]
