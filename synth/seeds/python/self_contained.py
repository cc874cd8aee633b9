"""Decides whether a snippet can run on its own: the gate before reference execution.

It covers only Python; other languages need a compiler to decide this, so their arbitrary source is
not yet run as references. The one rule: a `ClosedProgram` needs nothing to run beyond the pure part
of the standard library.
"""

import ast

from synth.filters.protocol import Reject
from synth.grammar.python_trees import parse_python
from synth.languages.registry import normalize_language
from synth.seeds.python.closure import ClosedProgram, close
from synth.seeds.python.module_index import ModuleIndex


def check_self_contained(code: str, language: str, entry_point: str = "") -> ClosedProgram | Reject:
    """The snippet as a self-contained program. `entry_point` defaults to the last function.

    Rejects: parse_error, not_self_contained, impure. Closing twice gives the same program.
    """
    if normalize_language(language) != "python":
        return Reject(
            "not_self_contained", {"language": language, "why": "only Python is closed over its file"}
        )
    index = ModuleIndex.read(code)
    if index is None:
        return Reject("parse_error", {"language": "python"})
    name = entry_point or last_function(code)
    if not name:
        return Reject("not_self_contained", {"needs": "", "why": "holds no function at the top level"})
    if index.is_method(name):
        return Reject("not_self_contained", {"needs": "self", "why": "is a method"})
    return close(index, name)


def last_function(code: str) -> str:
    """Name of the last top-level function of a Python text; empty if there is none."""
    tree = parse_python(code)
    names = (
        [statement.name for statement in tree.body if isinstance(statement, ast.FunctionDef)] if tree else []
    )
    return names[-1] if names else ""
