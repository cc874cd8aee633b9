"""The names of a Python file: which statements bind and need them, and the closure of a function
over its file.

`ModuleIndex.close` gives the function together with the imports, constants, classes and helper functions that
it needs, transitively, or says why that is impossible. The one rule: every name that the closed program uses
is bound in it or is a pure builtin, so it runs alone. The meaning of a name is never guessed: a name that is
bound twice, or only under a condition, is rejected.
"""

import ast
import io
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from synth.filters.protocol import Reject
from synth.grammar.python_trees import parse_python
from synth.seeds.python.purity import IMPURE_BUILTINS, PURE_BUILTINS, judge_module

MAX_PULLED = 16
"""Code with more statements than this is a library, not a function."""

_FUTURE = "from __future__ import annotations\n"
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class ClosedProgram:
    """A self-contained Python program. The entry point is its last definition."""

    code: str
    entry_point: str
    pulled: tuple[str, ...]
    """Names pulled in from the file."""


class _Refused(Exception):
    def __init__(self, reason: str, needs: str, why: str) -> None:
        self.reject = Reject(reason, {"needs": needs, "why": why})


@dataclass(slots=True)
class ModuleIndex:
    """The top-level statements of a file, by the name that they bind."""

    lines: list[str]
    bindings: dict[str, ast.stmt]
    ambiguous: set[str]
    """Names that are bound more than once or under a condition."""
    future: bool
    """Whether the file postpones evaluation of annotations."""
    _needs: dict[int, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "ModuleIndex | None":
        """The index, or None for a text that does not parse."""
        tree = parse_python(text)
        if tree is None:
            return None
        index = cls(io.StringIO(text, newline=None).readlines(), {}, set(), False)
        for statement in tree.body:
            index._add(statement)
        return index

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            self.future = self.future or any(alias.name == "annotations" for alias in statement.names)
            return
        simple = isinstance(statement, _Definition | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)
        for name in _bound_names(statement):
            if name in self.bindings or not simple:
                self.ambiguous.add(name)
            self.bindings[name] = statement

    def is_method(self, entry_point: str) -> bool:
        """Whether the function was cut from a class: it takes `self` or `cls`, or has a decorator that
        only methods have."""
        statement = self.bindings.get(entry_point)
        if not isinstance(statement, ast.FunctionDef):
            return False
        arguments = statement.args.posonlyargs + statement.args.args
        decorators = {item.id for item in statement.decorator_list if isinstance(item, ast.Name)}
        return bool(arguments and arguments[0].arg in ("self", "cls")) or bool(
            decorators & {"staticmethod", "classmethod", "property"}
        )

    def close(self, entry_point: str) -> ClosedProgram | Reject:
        """The function of that name with everything that it needs. Rejects: not_self_contained, impure."""
        try:
            return self._close(entry_point)
        except _Refused as refused:
            return refused.reject

    def _close(self, entry_point: str) -> ClosedProgram:
        imports: set[str] = set()
        pulled: dict[str, ast.stmt] = {}
        queue, seen = [entry_point], {entry_point}
        while queue:
            name = queue.pop()
            statement = self._find(name)
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports.add(_import_line(statement, name))
            elif statement is not None:
                pulled[name] = statement
                new = self._needed(statement) - seen
                seen |= new
                queue.extend(sorted(new))
        if len(pulled) > MAX_PULLED:
            raise _Refused("not_self_contained", entry_point, f"needs {len(pulled)} statements of its file")
        return self._assemble(entry_point, imports, pulled)

    def _find(self, name: str) -> ast.stmt | None:
        """The statement that binds the name; None for a pure builtin."""
        if name in self.ambiguous:
            raise _Refused("not_self_contained", name, "is bound twice or under a condition")
        if name in self.bindings:
            return self.bindings[name]
        if name in IMPURE_BUILTINS:
            raise _Refused("impure", name, "is a builtin with effects")
        if name not in PURE_BUILTINS:
            raise _Refused("not_self_contained", name, "is not bound in the file")
        return None

    def _needed(self, statement: ast.stmt) -> frozenset[str]:
        """Outside names that the statement needs, now or when its functions are called."""
        key = id(statement)
        if key not in self._needs:
            _check_inner_imports(statement)
            self._needs[key] = _free_names(self._source(statement), self.future)
        return self._needs[key]

    def _source(self, statement: ast.stmt) -> str:
        """The statement's own text, decorators included."""
        decorators = statement.decorator_list if isinstance(statement, _Definition) else []
        first = min([statement.lineno, *(item.lineno for item in decorators)])
        lines = self.lines[first - 1 : statement.end_lineno]
        end = statement.end_col_offset or 0
        lines[-1] = lines[-1].encode("utf-8", "surrogatepass")[:end].decode("utf-8", "surrogatepass")
        lines[0] = (
            lines[0]
            if decorators
            else lines[0]
            .encode("utf-8", "surrogatepass")[statement.col_offset :]
            .decode("utf-8", "surrogatepass")
        )
        return "".join(lines).rstrip() + "\n"

    def _assemble(self, entry_point: str, imports: set[str], pulled: dict[str, ast.stmt]) -> ClosedProgram:
        """Imports first, then the pulled-in statements in file order, the entry point last."""
        entry = pulled.get(entry_point)
        if not isinstance(entry, ast.FunctionDef):
            raise _Refused("not_self_contained", entry_point, "is no plain function of the file")
        helpers = sorted(
            {id(item): item for item in pulled.values() if item is not entry}.values(),
            key=lambda item: item.lineno,
        )
        head = ([_FUTURE] if self.future else []) + sorted(imports)
        parts = ["".join(head)] if head else []
        parts += [self._source(item) for item in [*helpers, entry]]
        return ClosedProgram("\n".join(parts), entry_point, tuple(sorted(set(pulled) - {entry_point})))


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    """Names that a top-level statement may bind. For compound statements: every name
    assigned anywhere inside."""
    if isinstance(statement, _Definition):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            yield node.asname or node.name.split(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif isinstance(node, _Definition):
            yield node.name


def _import_line(statement: ast.Import | ast.ImportFrom, name: str) -> str:
    """An import of that one name. Raises _Refused if the module is not pure."""
    alias = next(item for item in statement.names if (item.asname or item.name.split(".")[0]) == name)
    module = (
        "." * statement.level + (statement.module or "")
        if isinstance(statement, ast.ImportFrom)
        else alias.name
    )
    _check_module(module, alias.name if isinstance(statement, ast.ImportFrom) else "")
    renamed = f" as {alias.asname}" if alias.asname else ""
    if isinstance(statement, ast.ImportFrom):
        return f"from {module} import {alias.name}{renamed}\n"
    return f"import {alias.name}{renamed}\n"


def _check_module(module: str, member: str = "") -> None:
    """`from urllib import parse` is judged as `urllib.parse`."""
    judgement = (
        judge_module(f"{module}.{member}")
        if member and judge_module(module) != "pure"
        else judge_module(module)
    )
    if judgement != "pure":
        reason = "impure" if judgement == "impure" else "not_self_contained"
        raise _Refused(reason, module, "is not on the list of pure modules")


def _check_inner_imports(statement: ast.stmt) -> None:
    """Imports inside functions count too."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                _check_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                _check_module("." * node.level + (node.module or ""), alias.name)


def _free_names(source: str, future: bool) -> frozenset[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable((_FUTURE if future else "") + source, "seed", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _Refused("not_self_contained", "", f"cannot be read alone: {type(error).__name__}") from error
    own = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()
    }
    used = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    for child in table.get_children():
        used |= _global_names(child)
    return frozenset(used - own)


def _global_names(table: symtable.SymbolTable) -> set[str]:
    """Global names used in a function or class, at any depth. Raises _Refused if one is bound there."""
    found: set[str] = set()
    for symbol in table.get_symbols():
        if symbol.is_declared_global() and symbol.is_assigned():
            raise _Refused("impure", symbol.get_name(), "is a global that the function changes")
        if symbol.is_global() and symbol.is_referenced():
            found.add(symbol.get_name())
    for child in table.get_children():
        found |= _global_names(child)
    return found
