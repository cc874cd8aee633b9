"""The modules of synth and posttrain, their imports and their docstrings, read from the source for the tests
of this folder."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def module_name(file: Path) -> str:
    """`synth/store/shards.py` is `synth.store.shards`; a package goes by its folder."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> Mapping[str, Path]:
    files = [*ROOT.glob("synth/**/*.py"), *ROOT.glob("posttrain/**/*.py")]
    return {module_name(file): file for file in files}


@cache
def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """Every module that the tree imports, anywhere in it. `from synth import ids` counts as `synth.ids` when
    that is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide their layer"
            base = node.module or ""
            yield from (full if (full := f"{base}.{alias.name}") in known else base for alias in node.names)


@cache
def graph() -> Mapping[str, set[str]]:
    """The modules that each module imports, lazily or not."""
    files = sources()
    return {name: set(imported(parse(file), set(files))) for name, file in files.items()}


def docstrings(tree: ast.AST) -> Iterator[str]:
    """Docstrings of the module, its classes and its functions, and those that stand below an attribute."""
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            yield ast.get_docstring(node, clean=False) or ""
            yield from _below_attributes(node.body)


def _below_attributes(body: list[ast.stmt]) -> Iterator[str]:
    for one, after in pairwise(body):
        if isinstance(one, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr):
            value = after.value
            yield value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def constants(tree: ast.AST) -> set[str]:
    """The texts in the code, docstrings aside."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
