"""Packages of Python: what python3 has installed, what a text imports, and what a zygote may load before it.

Place in the flow: stated by the language; planning asks `lacking` and `preload`. The one rule: a program is
charged with an import unless the text alone shows that a package is missing, so `import` statements are read,
and nothing is run.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from synth.grammar.python_trees import parse_python
from synth.languages.package_use import ImportQuestion, MachinePackages, PackageUse

PRELOADED: Final = {
    "numpy": ("numpy", "numpy.random"),
    "pandas": ("pandas",),
    "scipy": ("scipy",),
    "sympy": ("sympy",),
}
"""Packages that a zygote may load: they start no thread, keep no folder of theirs in mind, and their state
after the import is that of a fresh process, but for random numbers, which the zygote seeds anew. numpy loads
its random numbers when they are first used, which costs 20 ms."""

_OWN: Final = frozenset({"__main__", "main", "solution"})
"""Names under which the program itself can be imported."""

_LINE: Final = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([^\n#;(]+))", re.MULTILINE)
_MACHINE: Final = (
    "import json, sys; "
    "sites = [path for path in sys.path if path.endswith(('site-packages', 'dist-packages'))]; "
    "own = [path for path in sys.path if path not in sites]; "
    "print(json.dumps([own, sites, sorted(sys.stdlib_module_names)]))"
)


def _environment(machine: MachinePackages, folder: str) -> Mapping[str, str]:
    """The standard library first: no package takes the place of one of its modules."""
    packages = ([folder] if folder else []) + list(machine.folders)
    return {"PYTHONPATH": ":".join([*machine.standard_path, *packages])} if packages else {}


def mentioned(text: str) -> frozenset[str]:
    """The top-level modules in lines that look like imports: fast, and also true of lines in a text."""
    return frozenset(
        name.strip().split(" ")[0].split(".")[0]
        for origin, names in _LINE.findall(text)
        for name in ([origin] if origin else names.split(","))
        if name.strip() and not name.startswith(".")
    )


def lacking(question: ImportQuestion) -> tuple[str, ...]:
    """What the tests import, outside of `try`, and nobody has; and what the program imports for sure, at its
    top and under no condition, if a known package provides it."""
    code, script, present, known = question
    asked = mentioned(code) | mentioned(script)
    present |= _OWN
    if not asked - present:
        return ()
    of_tests = {name for name in _imports(script, everywhere=True) if name not in present}
    of_program = {name for name in _imports(code, everywhere=False) if name not in present and name in known}
    return tuple(sorted(of_tests | of_program))


def _imports(text: str, everywhere: bool) -> set[str]:
    tree = parse_python(text) if text else None
    if tree is None:
        return set()
    found: set[str] = set()
    for node in _sure(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def _sure(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those in a `try` that may catch the end of an import."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not (isinstance(node, ast.Try) and node.handlers):
            waiting.extend(ast.iter_child_nodes(node))


def preload(code: str, script: str, present: frozenset[str]) -> tuple[str, ...]:
    """What a zygote loads for this program."""
    asked = {name for name in PRELOADED if name in code or name in script}
    chosen = asked & present & (mentioned(code) | mentioned(script)) if asked else set()
    return tuple(sorted(module for name in chosen for module in PRELOADED[name]))


PACKAGES: Final = PackageUse(
    manager="pip",
    environment=_environment,
    lacking=lacking,
    machine=("{python3}", "-I", "-B", "-c", _MACHINE),
)
