"""The names of a Python file: which statements bind them, and what a statement needs.

The one rule: the meaning of a name is never guessed. A condition that has one outcome in every Python that
runs seeds (`TYPE_CHECKING`, a version, an import that cannot fail) is decided; any other compound statement
comes whole or not at all.
"""

import ast
import io
import symtable
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from synth.filters.protocol import Reject
from synth.grammar.python_trees import parse_python
from synth.seeds.python.older_syntax import write_older
from synth.seeds.python.purity import always_there

FUTURE = "from __future__ import annotations\n"
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
AnyImport = ast.Import | ast.ImportFrom
Lines = tuple[int, int]
"""The first and the last line of a piece of code, both counted from 1."""


class UnclosedName(Exception):
    """Why a function cannot be closed."""

    def __init__(self, reason: str, needs: str, why: str) -> None:
        super().__init__(why)
        self.reject = Reject(reason, {"needs": needs, "why": why})


@dataclass(slots=True, eq=False)
class ModuleIndex:
    """The top-level statements of a file, by the names that they bind or change."""

    lines: list[str]
    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    """In the order of the file."""
    stars: list[ast.ImportFrom] = field(default_factory=list)
    """`from module import *`."""
    future: bool = False
    """Whether the file postpones evaluation of annotations."""

    @classmethod
    def read(cls, text: str, is_near: Callable[[ast.ImportFrom], bool] | None = None) -> "ModuleIndex | None":
        """The index, or None for a text that does not parse. `is_near` says whether a module lies in the same
        tree, so that its import cannot fail."""
        tree = parse_python(text)
        if tree is None:
            text = write_older(text)
            tree = parse_python(text)
        if tree is None:
            return None
        index = cls(io.StringIO(text, newline=None).readlines())
        for statement in _reachable(tree.body, is_near or (lambda _: False)):
            index._add(statement)
        return index

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            self.future = self.future or any(alias.name == "annotations" for alias in statement.names)
            return
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            self.stars.append(statement)
            return
        changed = () if isinstance(statement, Definition) else _changed_names(statement)
        for name in dict.fromkeys([*bound_names(statement), *changed]):
            self.statements.setdefault(name, []).append(statement)

    def find(self, entry_point: str) -> ast.stmt | None:
        """The one statement that binds the name of a function or class, overloads apart; None if there is
        none or if there are several."""
        found = [
            statement for statement in self.statements.get(entry_point, []) if not _is_overload(statement)
        ]
        return found[0] if len(found) == 1 else None

    def is_method(self, entry_point: str) -> bool:
        """Whether the function was cut from a class: it takes `self` or `cls`, or has a decorator that
        only methods have."""
        statement = self.find(entry_point)
        if not isinstance(statement, ast.FunctionDef):
            return False
        arguments = statement.args.posonlyargs + statement.args.args
        decorators = {item.id for item in statement.decorator_list if isinstance(item, ast.Name)}
        return bool(arguments and arguments[0].arg in ("self", "cls")) or bool(
            decorators & {"staticmethod", "classmethod", "property"}
        )

    def source(self, statement: ast.stmt, without: Iterable[Lines] = ()) -> str:
        """The statement's own text, decorators included, without the lines given."""
        if statement.col_offset and statement.lineno != statement.end_lineno:
            return ast.unparse(statement) + "\n"  # it stood under a condition: its lines are indented
        first, last = lines_of(statement)
        left_out = {line for start, end in without for line in range(start, end + 1)}
        lines = {number: self.lines[number - 1] for number in range(first, last + 1)}
        lines[last] = _bytes_of(lines[last], None, statement.end_col_offset)
        if not getattr(statement, "decorator_list", None):
            lines[first] = _bytes_of(lines[first], statement.col_offset, None)
        return "".join(line for number, line in lines.items() if number not in left_out).rstrip() + "\n"

    def needs(self, text: str) -> frozenset[str]:
        """Outside names that a piece of the file needs, now or when its functions are called. Raises
        UnclosedName if it binds one of them."""
        return _free_names(text, self.future)


def lines_of(statement: ast.stmt) -> Lines:
    """Where a statement stands, decorators included."""
    decorators = statement.decorator_list if isinstance(statement, Definition) else []
    first = min([statement.lineno, *(item.lineno for item in decorators)])
    return first, statement.end_lineno or first


def _bytes_of(line: str, start: int | None, end: int | None) -> str:
    return line.encode("utf-8", "surrogatepass")[start:end].decode("utf-8", "surrogatepass")


def _is_overload(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef) and any(
        ast.unparse(item) in ("overload", "typing.overload") for item in statement.decorator_list
    )


# --- conditions that are decided ----------------------------------------------------------------------------


def _reachable(
    statements: Iterable[ast.stmt], is_near: Callable[[ast.ImportFrom], bool]
) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, one level deep where the condition is known."""
    for statement in statements:
        branch: list[ast.stmt] | None = None
        if isinstance(statement, ast.If):
            outcome = _outcome(statement.test)
            branch = None if outcome is None else statement.body if outcome else statement.orelse
        elif isinstance(statement, ast.Try):
            branch = _branch(statement, is_near)
        if branch is None:
            yield statement
        else:
            yield from _reachable(branch, is_near)


def _outcome(test: ast.expr) -> bool | None:
    """What a condition is in this Python, in a module that is imported; None if that is not certain."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _outcome(test.operand)
        return None if inner is None else not inner
    text = ast.unparse(test)
    if text in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'", "'__main__' == __name__"):
        return False
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = ast.unparse(test.left), test.comparators[0]
        if isinstance(right, ast.Tuple) and left == "sys.version_info":
            return _compare(sys.version_info[:3], test.ops[0], right)
        if isinstance(right, ast.Constant) and left in ("sys.version_info[0]", "sys.version_info.major"):
            return _compare(sys.version_info[0], test.ops[0], right)
    return None


def _compare(version: tuple[int, ...] | int, operator: ast.cmpop, right: ast.expr) -> bool | None:
    try:
        bound = ast.literal_eval(right)
        pairs = {ast.GtE: version >= bound, ast.Gt: version > bound, ast.Lt: version < bound}
        pairs |= {ast.LtE: version <= bound, ast.Eq: version == bound, ast.NotEq: version != bound}
    except (ValueError, TypeError):
        return None
    return pairs.get(type(operator))


def _branch(statement: ast.Try, is_near: Callable[[ast.ImportFrom], bool]) -> list[ast.stmt] | None:
    """The branch of `try: import …` that is taken where seeds run: with the standard library and the modules
    of the same tree, and nothing else."""
    handler = next((item for item in statement.handlers if _catches_import(item)), None)
    if handler is None:
        return None
    imports = [item for item in statement.body if isinstance(item, AnyImport)]
    there = [_cannot_fail(item, is_near) for item in imports]
    if imports and imports[0] is statement.body[0] and not there[0]:
        return [*handler.body, *statement.finalbody]
    if len(imports) == len(statement.body) and all(there):
        return [*statement.body, *statement.orelse, *statement.finalbody]
    return None


def _catches_import(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception"})


def _cannot_fail(statement: AnyImport, is_near: Callable[[ast.ImportFrom], bool]) -> bool:
    if isinstance(statement, ast.Import):
        return all(always_there(alias.name) for alias in statement.names)
    return (statement.level == 0 and always_there(statement.module or "")) or is_near(statement)


# --- names --------------------------------------------------------------------------------------------------


def bound_names(statement: ast.stmt) -> Iterator[str]:
    """Names that a top-level statement may bind. For compound statements: every name
    assigned anywhere inside."""
    if isinstance(statement, Definition):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            yield node.asname or node.name.split(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif isinstance(node, Definition):
            yield node.name


def _changed_names(statement: ast.stmt) -> Iterator[str]:
    """Names whose object a statement changes: `TABLE[k] = v`, `f.cache = {}`, `ITEMS.append(x)`."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            yield from _root_name(node)
        elif isinstance(node, ast.Expr) and isinstance(call := node.value, ast.Call):
            yield from _root_name(call.func) if isinstance(call.func, ast.Attribute) else ()


def _root_name(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _free_names(source: str, future: bool) -> frozenset[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable((FUTURE if future else "") + source, "seed", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnclosedName(
            "not_self_contained", "", f"cannot be read alone: {type(error).__name__}"
        ) from error
    own = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()
    }
    used = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    for child in table.get_children():
        used |= _global_names(child)
    return frozenset(used - own)


def _global_names(table: symtable.SymbolTable) -> set[str]:
    """Global names used in a function or class, at any depth. Raises UnclosedName if one is bound there."""
    found: set[str] = set()
    for symbol in table.get_symbols():
        if symbol.is_declared_global() and symbol.is_assigned():
            raise UnclosedName("impure", symbol.get_name(), "is a global that the function changes")
        if symbol.is_global() and symbol.is_referenced():
            found.add(symbol.get_name())
    for child in table.get_children():
        found |= _global_names(child)
    return found
