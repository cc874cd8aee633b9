"""How a Python result that languages do not share is written as one that they do: a set as a sorted list,
bytes as numbers, what yields as a list, an object by its fields, its elements or its text.

Place in the flow: `adapting.py` asks here for the function that it appends. The one rule: the head or the
`return`s of the function say what it gives; nothing is converted on a guess.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from synth.languages.python.guessing import without_none

MOST_LISTED: Final = 1000
"""Elements that are taken of what yields, which may have no end."""
_INNER = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_KINDS: Final = {
    "sets": "set Set frozenset FrozenSet AbstractSet MutableSet",
    "numbers": "bytes bytearray memoryview",
    "elements": "Iterator Generator deque Deque range map filter zip reversed iter islice chain "
    "KeysView ValuesView ItemsView",
    "text": "Decimal Fraction UUID PurePath PurePosixPath PureWindowsPath IPv4Address IPv6Address",
}
_KIND_OF: Final = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_METHODS: Final = {"keys": "elements", "values": "elements", "items": "elements", "encode": "numbers"}


class Conversion(NamedTuple):
    """What is done with a result; `{}` stands for it."""

    written: str
    imports: str = ""


_WRITTEN: Final = {
    "sets": Conversion("sorted({})"),
    "numbers": Conversion("list({})"),
    "elements": Conversion(f"list(islice({{}}, {MOST_LISTED}))", "from itertools import islice"),
    "text": Conversion("str({})"),
}


def find_conversion(
    function: ast.FunctionDef, classes: Mapping[str, ast.ClassDef], owner: str = ""
) -> Conversion | None:
    """How the results of a function or of a method of the class `owner` are converted; None if they need not
    be, or if there is no way to."""
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function)):
        return _WRITTEN["elements"]
    if (stated := function.returns) is not None:
        name = _name(without_none(stated))
        found = _by_name(owner if name == "Self" else name, classes)
        return found if found is None or not _gives_none(function, stated) else _or_none(found)
    returned = [node.value for node in own_nodes(function) if isinstance(node, ast.Return) and node.value]
    found = next((one for value in returned if (one := _by_value(value, classes, owner)) is not None), None)
    return _or_none(found) if found is not None and _gives_none(function, None) else found


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of the function, without those of functions inside it."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _INNER):
            stack.extend(ast.iter_child_nodes(node))


def _name(annotation: ast.expr) -> str:
    text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
    return re.sub(r"\[.*|\s*\|\s*None$", "", str(text), flags=re.DOTALL).rpartition(".")[2].strip()


def _gives_none(function: ast.FunctionDef, stated: ast.expr | None) -> bool:
    if stated is not None:
        return re.search(r"\bNone\b|\bOptional\b", ast.unparse(stated)) is not None
    return any(
        isinstance(node, ast.Return)
        and (node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None))
        for node in own_nodes(function)
    )


def _or_none(found: Conversion) -> Conversion:
    return Conversion(f"None if {{0}} is None else {found.written.replace('{}', '{0}')}", found.imports)


def _by_name(name: str, classes: Mapping[str, ast.ClassDef]) -> Conversion | None:
    if name in classes:
        return _by_class(classes[name])
    return _WRITTEN[_KIND_OF[name]] if name in _KIND_OF else None


def _by_class(owner: ast.ClassDef) -> Conversion | None:
    """By the elements of the object if it has some, else by its fields, else by its text."""
    bases = {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in owner.bases}
    methods = {one.name for one in owner.body if isinstance(one, ast.FunctionDef)}
    if "NamedTuple" in bases:
        return Conversion("tuple({})")
    if bases & {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}:
        return Conversion("{}.name")
    if "__iter__" in methods:
        return _WRITTEN["elements"]
    if methods & {"__repr__", "__str__"}:
        return _WRITTEN["text"]
    is_dataclass = any("dataclass" in ast.unparse(item) for item in owner.decorator_list)
    return Conversion("astuple({})", "from dataclasses import astuple") if is_dataclass else None


def _by_value(value: ast.expr, classes: Mapping[str, ast.ClassDef], owner: str) -> Conversion | None:
    if isinstance(value, ast.Set | ast.SetComp):
        return _WRITTEN["sets"]
    if isinstance(value, ast.GeneratorExp):
        return _WRITTEN["elements"]
    if isinstance(value, ast.Constant):
        return _WRITTEN["numbers"] if isinstance(value.value, bytes) else None
    if isinstance(value, ast.Name) and value.id == "self" and owner in classes:
        return _by_class(classes[owner])
    if not isinstance(value, ast.Call):
        return None
    called = value.func
    if isinstance(called, ast.Attribute) and called.attr in _METHODS:
        return _WRITTEN[_METHODS[called.attr]]
    if isinstance(called, ast.Attribute) and called.attr == "join":
        is_bytes = isinstance(called.value, ast.Constant) and isinstance(called.value.value, bytes)
        return _WRITTEN["numbers"] if is_bytes else None
    if isinstance(called, ast.Name | ast.Attribute):
        return _by_name(ast.unparse(called).rpartition(".")[2], classes)
    return None
