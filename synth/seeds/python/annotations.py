"""Python annotations as types that every language shares.

The one rule: None means "the annotation says nothing" (`Any`, a type variable): guess; an empty list means
"it names a type that no other language has" (a class, a callable, bytes): such a parameter cannot be given
values.
"""

import ast

from synth.values import ValueType, parse_type

_SIMPLE = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "AnyStr": "str",
    "Text": "str",
    "SupportsInt": "int",
    "Real": "float",
}
_LISTS = frozenset(
    "list List Sequence MutableSequence Iterable Collection Iterator Reversible Container Sized".split()
)
_MAPS = frozenset("dict Dict Mapping MutableMapping OrderedDict DefaultDict defaultdict Counter".split())
_SILENT = frozenset("Any object T S K V U T_co Hashable Comparable".split())
_WRAPPERS = frozenset("Annotated Final Required NotRequired ReadOnly".split())


def read_annotation(node: ast.expr) -> list[ValueType] | None:
    """Types in order of preference; None when the annotation says nothing; empty when no shared type fits."""
    if isinstance(node, ast.Constant):
        return _read_constant(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([node.left, node.right])
    if isinstance(node, ast.Subscript):
        return _read_generic(_name(node.value), node.slice)
    return _read_name(_name(node))


def _read_constant(node: ast.Constant) -> list[ValueType] | None:
    """`None`, or an annotation in quotes."""
    if node.value is None:
        return [parse_type("null")]
    if not isinstance(node.value, str):
        return []
    try:
        return read_annotation(ast.parse(node.value, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _name(node: ast.expr) -> str:
    """`typing.List` and `List` are the same name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _read_name(name: str) -> list[ValueType] | None:
    if name in _SIMPLE:
        return [parse_type(_SIMPLE[name])]
    if name in _SILENT:
        return None
    if name in _LISTS:
        return [parse_type("list[int]"), parse_type("list[str]")]
    return [parse_type("map[str, int]")] if name in _MAPS else []


def _read_generic(name: str, inner: ast.expr) -> list[ValueType] | None:
    parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if name in ("Optional", "Union"):
        return _union(parts)
    if name in _WRAPPERS:
        return read_annotation(parts[0])
    if name in _LISTS or (name in ("tuple", "Tuple") and len(parts) == 2 and _is_ellipsis(parts[1])):
        return [ValueType("list", (item,)) for item in _element(parts[0])]
    if name in ("tuple", "Tuple"):
        firsts = [options[0] for part in parts if (options := _element(part))]
        return [ValueType("tuple", tuple(firsts))] if len(firsts) == len(parts) else []
    if name in _MAPS:
        keys, values = _element(parts[0]), _element(parts[1]) if len(parts) > 1 else [parse_type("int")]
        return [ValueType("map", (key, value)) for key in keys[:1] for value in values]
    if name == "Literal" and all(isinstance(part, ast.Constant) for part in parts):
        return _literals([part.value for part in parts if isinstance(part, ast.Constant)])
    return []


def _element(node: ast.expr) -> list[ValueType]:
    """Type of what is inside a container; an element that says nothing is an int."""
    found = read_annotation(node)
    return [parse_type("int"), parse_type("str")] if found is None else found


def _union(parts: list[ast.expr]) -> list[ValueType] | None:
    """Each member in turn; `None` last, since it is mostly the default."""
    found: list[ValueType] = []
    silent = True
    for part in parts:
        options = read_annotation(part)
        if options is not None:
            silent = False
            found += [option for option in options if option not in found]
    found.sort(key=lambda option: option.kind == "null")
    return None if silent else [option for option in found if option.kind != "null"] or found


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _literals(values: list[object]) -> list[ValueType]:
    kinds = {type(value).__name__ for value in values}
    return [parse_type(kind) for kind in ("str", "int", "bool") if kind in kinds]
