"""First-order mutants of a module: its source with one small edit each, made on the syntax tree.

An edit stands for a slip that a person could make: another comparison, a condition that always holds, a value
one off, an argument left out. The one rule: an edit changes what the module does. Docstrings, annotations,
type variables, imports and assertions (which state what types cannot) are left as they are.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple


class Mutant(NamedTuple):
    """The source of the whole module after one edit. `line` is that of the original source."""

    line: int
    edit: str
    source: str


class _Place(NamedTuple):
    """Where a node hangs in the tree."""

    owner: ast.AST
    field: str
    at: int | None = None

    def put(self, node: object) -> None:
        if self.at is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.at] = node


class _Edit(NamedTuple):
    """Puts `new` where `old` is. The words say what it does."""

    place: _Place
    old: object
    new: object
    words: str


_COMPARISONS: Final[Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_OPERATORS: Final[Mapping[type[ast.AST], type[ast.AST]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_FUNCTIONS: Final[Mapping[str, str]] = {"min": "max", "max": "min", "any": "all", "all": "any"}
_REMOVABLE = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete)
_SILENT = (ast.Assert, ast.Import, ast.ImportFrom)
_SILENT_FIELDS = frozenset({"annotation", "returns"})


def make_mutants(source: str) -> list[Mutant]:
    """Every mutant of the source, in the order of its lines, each text once."""
    tree = ast.parse(source)
    found: dict[str, Mutant] = {}
    original = ast.unparse(tree)
    for edit, line in list(_edits(tree)):
        edit.place.put(edit.new)
        text = ast.unparse(ast.fix_missing_locations(tree))
        edit.place.put(edit.old)
        if text != original:
            found.setdefault(text, Mutant(line, edit.words, text))
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _edits(tree: ast.Module) -> Iterator[tuple[_Edit, int]]:
    for place, node in _walk(tree, _Place(tree, "")):
        line = getattr(node, "lineno", 0)
        yield from ((edit, line) for edit in _edits_of(place, node))


def _walk(node: ast.AST, place: _Place) -> Iterator[tuple[_Place, ast.AST]]:
    """Every node that may be edited, with its place; the node itself first."""
    yield place, node
    for field, value in ast.iter_fields(node):
        if field in _SILENT_FIELDS:
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST) and not _is_silent(child):
                yield from _walk(child, _Place(node, field, index))


def _is_silent(node: ast.AST) -> bool:
    """Whether it changes nothing that the module does."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
    return isinstance(node, _SILENT)


def _edits_of(place: _Place, node: ast.AST) -> Iterator[_Edit]:
    yield from _condition(place, node)
    match node:
        case ast.Compare(ops=ops):
            yield from _comparisons(node, ops)
        case ast.BoolOp(op=op) | ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _OPERATORS:
            other = _OPERATORS[type(op)]
            yield _Edit(_Place(node, "op"), op, other(), f"{type(op).__name__} -> {other.__name__}")
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _Edit(place, node, operand, "`not` removed")
        case ast.Constant(value=value) if (other_value := _another(value)) is not None:
            yield _Edit(_Place(node, "value"), value, other_value, f"{value!r} -> {other_value!r}")
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield _Edit(_Place(node, "value"), value, ast.Constant(None), "returns None")
        case ast.Slice():
            yield from _slice_ends(node)
        case ast.Call():
            yield from _call(node)
    if isinstance(node, _REMOVABLE):
        yield _Edit(place, node, ast.Pass(), "statement removed")


def _condition(place: _Place, node: ast.AST) -> Iterator[_Edit]:
    """A condition that always or never holds; a loop that never ends is not made."""
    if isinstance(place.owner, ast.comprehension) and place.field == "ifs":
        yield from (_Edit(place, node, ast.Constant(value), f"if {value}") for value in (True, False))
    elif isinstance(place.owner, ast.If | ast.IfExp | ast.While) and place.field == "test":
        values = (False,) if isinstance(place.owner, ast.While) else (True, False)
        yield from (_Edit(place, node, ast.Constant(value), f"if {value}") for value in values)


def _comparisons(node: ast.Compare, operators: Sequence[ast.cmpop]) -> Iterator[_Edit]:
    for index, operator in enumerate(operators):
        for other in _COMPARISONS[type(operator)]:
            words = f"{type(operator).__name__} -> {other.__name__}"
            yield _Edit(_Place(node, "ops", index), operator, other(), words)


def _another(value: object) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "~"
        case bytes():
            return value + b"~"
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _slice_ends(node: ast.Slice) -> Iterator[_Edit]:
    for field in ("lower", "upper"):
        end = getattr(node, field)
        if end is not None:
            yield _Edit(_Place(node, field), end, None, f"{field} end of the slice removed")


def _call(node: ast.Call) -> Iterator[_Edit]:
    """Each keyword left out, the first two arguments swapped, one function taken for another."""
    for at, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            fewer = node.keywords[:at] + node.keywords[at + 1 :]
            yield _Edit(_Place(node, "keywords"), node.keywords, fewer, f"argument {keyword.arg} removed")
    if len(node.args) > 1 and not any(isinstance(one, ast.Starred) for one in node.args[:2]):
        swapped = [node.args[1], node.args[0], *node.args[2:]]
        yield _Edit(_Place(node, "args"), node.args, swapped, "first two arguments swapped")
    if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        other = _FUNCTIONS[node.func.id]
        yield _Edit(_Place(node.func, "id"), node.func.id, other, f"{node.func.id} -> {other}")
