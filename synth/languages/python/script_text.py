"""What the text of a test script says: its tests, which of them it calls itself, where it may end itself.

It runs inside the sandbox, for `suite`. The one rule: what is read here is read before the program runs,
from text that the program has no part in.
"""

import __future__

import ast
import types
from collections.abc import Iterator
from typing import NamedTuple

FIXTURES = frozenset(
    "cache capfd capfdbinary caplog capsys capsysbinary doctest_namespace monkeypatch pytestconfig "
    "record_property recwarn request subtests testdir tmp_path tmp_path_factory tmpdir tmpdir_factory".split()
)
"""Arguments that pytest itself gives."""
_EXITS = frozenset({"exit", "quit", "SystemExit", "main"})
_SKIPS = frozenset({"skip", "skipTest", "SkipTest", "importorskip"})
_SETUPS = ("setup", "teardown")
_FLAGS = sum(
    {
        flag
        for name in __future__.all_feature_names
        if (flag := getattr(__future__, name).compiler_flag) > 0xFFFF
    }
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class ScriptText(NamedTuple):
    """The script, compiled, and the facts about it."""

    code: types.CodeType
    codes: dict[int, types.CodeType]
    """All its code objects by identity: what shows that a frame is the script's."""
    words: frozenset[str]
    """Every name and attribute in it, imports included."""
    assigned: frozenset[str]
    """Attributes that it assigns to."""
    imports: frozenset[str]
    """The modules that it imports, by their first names."""
    classes: tuple[str, ...]
    plain: tuple[str, ...]
    """Test functions and classes that it does not call itself, and that need nobody else to be run."""
    for_pytest: tuple[str, ...]
    """The same that need pytest."""
    examples: tuple[tuple[str, str, int], ...]
    """Name, text and line of its docstrings with examples, if the script has no other test."""
    exit_lines: frozenset[int]
    skip_lines: frozenset[int]
    last_lines: range
    """The lines of its last statement that does something."""

    def names(self, *words: str) -> bool:
        """Whether one of these words is in it."""
        return not self.words.isdisjoint(words)


def read_script(script: str, line: int, file: str, flags: int) -> ScriptText:
    """`line` lines stand before the script in its file; the program's future imports count for it too. Raises
    what `compile` raises."""
    tree = ast.parse("\n" * line + script, file)
    code = compile(tree, file, "exec", flags=flags & _FLAGS, dont_inherit=True)
    nodes = list(ast.walk(tree))
    words = frozenset(_words(nodes))
    tests = _uncalled_tests(tree)
    asks = {test.name: _needs_pytest(test, "pytest" in words) for test in tests}
    return ScriptText(
        code=code,
        codes=_inside(code),
        words=words,
        assigned=frozenset(_assigned(nodes)),
        imports=frozenset(_imports(nodes)),
        classes=tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef)),
        plain=tuple(name for name, needs in asks.items() if needs is False),
        for_pytest=tuple(name for name, needs in asks.items() if needs),
        examples=() if _has_tests(nodes, tests) else tuple(_examples(nodes)),
        exit_lines=frozenset(_lines(nodes, _EXITS)),
        skip_lines=frozenset(_lines(nodes, _SKIPS)),
        last_lines=_last_lines(tree),
    )


def _inside(code: types.CodeType) -> dict[int, types.CodeType]:
    found = {id(code): code}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            found |= _inside(inner)
    return found


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _words(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (part for alias in node.names for part in alias.name.split("."))
            yield from (getattr(node, "module", None) or "").split(".")
        elif name := _name(node):
            yield name


def _imports(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _assigned(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.attr


def _lines(nodes: list[ast.AST], names: frozenset[str]) -> Iterator[int]:
    """The lines of calls and mentions of these names."""
    for node in nodes:
        named = node.func if isinstance(node, ast.Call) else node
        if _name(named) in names:
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)  # type: ignore[attr-defined]


def _last_lines(tree: ast.Module) -> range:
    idle = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
    acts = [node for node in tree.body if not isinstance(node, idle) and not _is_constant(node)]
    return range(acts[-1].lineno, (acts[-1].end_lineno or 0) + 1) if acts else range(0)


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _uncalled_tests(tree: ast.Module) -> list[_Function | ast.ClassDef]:
    """Test functions and classes of the module that none of its statements leads to."""
    functions = {node.name: node for node in tree.body if isinstance(node, _Function)}
    waiting: list[ast.AST] = [node for node in tree.body if not isinstance(node, _Function | ast.ClassDef)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            waiting += [*node.bases, *node.body]
        elif isinstance(node, _Function):
            waiting += node.args.defaults
    reached: set[str] = set()
    while waiting:
        for found in ast.walk(waiting.pop()):
            if isinstance(found, ast.Name) and found.id not in reached:
                reached.add(found.id)
                waiting += functions[found.id].body if found.id in functions else ()
    return [
        node
        for node in tree.body
        if isinstance(node, _Function | ast.ClassDef) and node.name not in reached and _is_test(node)
    ]


def _is_test(node: _Function | ast.ClassDef) -> bool:
    if isinstance(node, ast.ClassDef):
        of_unittest = any(_name(base).endswith("TestCase") for base in node.bases)
        return node.name.startswith("Test") and not of_unittest and any(True for _ in _methods(node))
    return node.name.startswith("test_")


def _methods(node: ast.ClassDef) -> Iterator[_Function]:
    yield from (one for one in node.body if isinstance(one, _Function) and one.name.startswith("test_"))


def _required(node: _Function) -> list[str]:
    given = [*node.args.posonlyargs, *node.args.args]
    keyed = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    first = given[: len(given) - len(node.args.defaults)]
    return [argument.arg for argument in (*first, *(one for one, default in keyed if default is None))]


def _needs_pytest(node: _Function | ast.ClassDef, is_named: bool) -> bool | None:
    """Whether only pytest can run the test; None if nobody can, since nobody gives its arguments."""
    if isinstance(node, ast.ClassDef):
        inner = [one for one in node.body if isinstance(one, _Function)]
        own = [_required(one)[1:] for one in _methods(node)]
        return is_named or any(own) or any(one.name.lower().startswith(_SETUPS) for one in inner)
    needed = _required(node)
    if is_named or not needed:
        return is_named
    return True if FIXTURES.issuperset(needed) else None


def _has_tests(nodes: list[ast.AST], tests: list[_Function | ast.ClassDef]) -> bool:
    named = any(_name(node) in ("doctest", "unittest", "TestCase") for node in nodes)
    return (
        bool(tests) or named or any(isinstance(node, ast.Assert | ast.Raise | ast.ClassDef) for node in nodes)
    )


def _examples(nodes: list[ast.AST]) -> Iterator[tuple[str, str, int]]:
    for node in nodes:
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False) if node.body else None
            if text and ">>>" in text:
                yield getattr(node, "name", "script"), text, node.body[0].lineno - 1
