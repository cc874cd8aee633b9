"""The other modules of a Python file's tree, as far as its `from … import` names them.

The one rule: a module is found by its place in the tree alone, as Python would find it if the tree, or a
folder above the file, were on its path; no path of this machine is searched.
"""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from synth.filters.protocol import Reject
from synth.grammar.trees import node_text
from synth.languages.closing import Neighbours
from synth.seeds.functions import Function
from synth.seeds.python.closure import WHOLE_CLASS, ClosedProgram, close
from synth.seeds.python.module_index import ModuleIndex
from synth.seeds.python.module_objects import NoTree
from synth.seeds.python.purity import always_there


class PythonTree(NoTree):
    """The modules of the tree around one file."""

    def __init__(self, texts: Neighbours, path: str, text: str) -> None:
        self._texts = texts
        self._paths: dict[int, str] = {}
        self._known: dict[str, ModuleIndex | None] = {}
        self.index = self._read(path, text)
        """The file itself, or None if it does not parse."""

    def close(self, function: Function, shown_tokens: int) -> ClosedProgram | Reject:
        """The function or method of the file with everything that it needs, as `closure.close` gives it."""
        if self.index is None:
            return Reject(
                "not_self_contained",
                {"needs": function.name, "why": "stands in a file that this Python cannot parse"},
            )
        entry_point = _qualified_name(function)
        if not entry_point:
            why = "stands inside another function, class or condition"
            return Reject("not_self_contained", {"needs": function.name, "why": why})
        return close(self.index, entry_point, self, shown_tokens)

    def close_class(self, name: str, shown_tokens: int) -> str | Reject:
        """The program of a class of the file, with the public methods that print nothing, and everything that
        they need."""
        assert self.index is not None, "asked for the classes of a file that parses"
        found = close(self.index, f"{name}.{WHOLE_CLASS}", self, shown_tokens)
        return found if isinstance(found, Reject) else found.code

    def find(self, module: ModuleIndex, statement: ast.ImportFrom) -> ModuleIndex | None:
        """The module of the tree that the statement imports from, or None."""
        return self._find(self._paths[id(module)], statement)

    def _find(self, path: str, statement: ast.ImportFrom) -> ModuleIndex | None:
        for place in _places(path, statement):
            if place not in self._known:
                self._known[place] = None  # a circle of imports ends here
                text = self._texts.text(place)
                self._known[place] = None if text is None else self._read(place, text)
            if (found := self._known[place]) is not None:
                return found
        return None

    def _read(self, path: str, text: str) -> ModuleIndex | None:
        index = ModuleIndex.read(text, lambda statement: self._is_there(path, statement))
        if index is not None:
            self._paths[id(index)] = path
            self._known[path] = index
        return index

    def _is_there(self, path: str, statement: ast.ImportFrom) -> bool:
        return any(
            self._known.get(place) or self._texts.text(place) is not None
            for place in _places(path, statement)
        )


def _places(path: str, statement: ast.ImportFrom) -> Iterator[str]:
    """Where the module may lie, paths from the tree's root."""
    parts = [part for part in (statement.module or "").split(".") if part]
    folders = list(PurePosixPath(path).parent.parts)
    if statement.level:
        up = len(folders) - statement.level + 1
        starts = [folders[:up]] if up >= 0 else []
    elif always_there(statement.module or ""):
        starts = []
    else:
        starts = [folders[:depth] for depth in range(len(folders) + 1)]
    for start in starts:
        whole = "/".join([*start, *parts])
        if parts:
            yield f"{whole}.py"
        yield f"{whole}/__init__.py" if whole else "__init__.py"


def _qualified_name(function: Function) -> str:
    """`f` of a top-level function, `Class.f` of a method of a top-level class, empty for others."""
    if function.top_level:
        return function.name
    node = function.node.parent
    while node is not None and node.type in ("decorated_definition", "block"):
        node = node.parent
    name = node.child_by_field_name("name") if node is not None and node.type == "class_definition" else None
    parent = node.parent if node is not None else None
    if parent is not None and parent.type == "decorated_definition":
        parent = parent.parent
    is_outermost = parent is not None and parent.parent is None
    return f"{node_text(name, function.text)}.{function.name}" if name is not None and is_outermost else ""
