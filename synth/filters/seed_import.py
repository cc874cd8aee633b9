"""Rejects Python solutions that take the seed itself out of the library that the sandbox can import.

A seed of the standard library or of an installed package can be imported where its task is solved: `from
string import capwords` would pass as a solution of `capwords`. The module is not hidden in the sandbox, since
other modules of the library need it. The one rule: such a solution may import the pure modules of `purity`,
and of them neither the seed's module nor anything of its name; every other door to a module is refused.
"""

import ast
import sys
from collections.abc import Iterator

from synth.filters.protocol import Keep, Reject
from synth.records import Origin
from synth.seeds.python.purity import judge_module

IMPORTABLE = frozenset({"stdlib", "site-packages"})
"""Sources whose modules a program in the sandbox can import."""

_DOORS = frozenset(
    "__import__ __builtins__ __loader__ __spec__ __globals__ __subclasses__ __dict__ __getattribute__ "
    "__code__ __closure__ __self__ __mro__ __base__ __bases__ __reduce__ __reduce_ex__ __module__ __file__ "
    "exec eval compile globals locals vars getattr breakpoint attrgetter methodcaller modules".split()
)
"""Names through which a module can be had without importing it."""
_ALSO = frozenset({"typing_extensions", "random", "datetime"})
"""Impure, but of use to a solution, and no door to another module."""
_NOT_MODULES = frozenset({("datetime", "time"), ("collections", "abc")})
"""Attributes that are named like a module of the library, and are none or a harmless one."""


def seed_module(origin: Origin, language: str) -> str:
    """The module that holds the seed, where a program can import it; else empty."""
    if language != "python" or origin.source not in IMPORTABLE or not origin.path.endswith(".py"):
        return ""
    return origin.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def check_seed_import(code: str, module: str, name: str) -> Keep | Reject:
    """Whether the program is one of its own. `module` and `name` are those of the seed; code that does not
    parse is kept, since the parse check has its word."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Keep()
    for line, what in _doors(tree, _relatives(module), name):
        return Reject("imports_the_seed", {"line": line, "found": what[:80]})
    return Keep()


def _relatives(module: str) -> frozenset[str]:
    """The top package of the module, and the names under which its twins in C or Python go."""
    top = module.split(".")[0]
    base = top.lstrip("_").removeprefix("py") or top
    return frozenset({top, base, f"_{base}", f"_py{base}", f"py{base}", f"c{base}"})


def _doors(tree: ast.Module, relatives: frozenset[str], name: str) -> Iterator[tuple[int, str]]:
    imported = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names if not _may(one.name, relatives))
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            for one in node.names:
                taken = one.name in (name, "*") or one.name in _DOORS or _is_module(source, one.name)
                if node.level or not _may(source, relatives) or taken:
                    yield node.lineno, f"{source}.{one.name}"
        elif isinstance(node, ast.Attribute):
            root = imported.get(_root(node), "")
            inside = root and (node.attr == name or _is_module(root, node.attr))
            if inside or node.attr in _DOORS or (root and node.attr.startswith("_")):
                yield node.lineno, f"{root or '…'}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in _DOORS:
            yield node.lineno, node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from ((node.lineno, door) for door in ("__import__", "__builtins__") if door in node.value)


def _may(module: str, relatives: frozenset[str]) -> bool:
    top = module.split(".")[0]
    return (judge_module(module) == "pure" or top in _ALSO) and top not in relatives


def _is_module(owner: str, attribute: str) -> bool:
    """Whether the attribute of a module looks like another module that it imported for itself."""
    if attribute == owner.split(".")[0] or (owner.split(".")[0], attribute) in _NOT_MODULES:
        return False
    return attribute in sys.stdlib_module_names or attribute.startswith("_")


def _imported(tree: ast.Module) -> dict[str, str]:
    """Names that stand for an imported module or a part of one, aliases by assignment included."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                found[one.asname or one.name.split(".")[0]] = one.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            found.update({one.asname or one.name: node.module or "" for one in node.names})
    for _ in range(4):  # chains of aliases, however they are ordered
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.NamedExpr) and (root := found.get(_root(node.value), "")):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found.update({one.id: root for one in targets if isinstance(one, ast.Name)})
    return found


def _root(node: ast.expr) -> str:
    """The name at the start of `a.b.c`; empty for anything else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
