"""Which Python classes can be seeds, and what they take: the constructor and the methods that can be called
with shared types.

Place in the flow: `classes.py` states this for the cutter and for reference execution. The one rule: what an
annotation states is taken; what it leaves open is tried as an int, then as a text.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

from synth.grammar.python_trees import parse_python
from synth.languages.classes import ClassSeeds, DraftClass, DraftMethod, FoundClass, has_slot
from synth.languages.python.annotations import read_annotation
from synth.values import ValueType

_OPEN: Final = (ValueType("int"), ValueType("str"))
_PROBE: Final = """

def codemill_neutral(value, depth=0):
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return kind is not str or value.isascii()
    return kind is list and depth < 2 and all(codemill_neutral(one, depth + 1) for one in value)


def codemill_probe(made, calls):
    made, given = {name}(*made), []
    for name, *values in calls:
        try:
            result = getattr(made, name)(*values)
        except Exception as error:
            given.append(["raised"])
            continue
        neutral = codemill_neutral(result)
        given.append(["gave", list(result) if type(result) is list else result] if neutral else ["other"])
    return given
"""


def public_methods(owner: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Plain methods of an object that say nothing on stdout."""
    for member in owner.body:
        if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
            names = {node.id for node in ast.walk(member) if isinstance(node, ast.Name)}
            if not member.decorator_list and not names & {"print", "input", "open"} and member.args.args:
                yield member


def _find(text: str) -> Sequence[FoundClass]:
    tree = parse_python(text) if re.search(r"^class\s", text, re.MULTILINE) else None
    found = []
    for statement in tree.body if tree is not None else ():
        if isinstance(statement, ast.ClassDef):
            methods = tuple(one.name for one in public_methods(statement))
            if len(methods) > 1:
                end = statement.end_lineno or statement.lineno
                found.append(FoundClass(statement.name, statement.lineno, end, methods))
    return found


def _draft(code: str, name: str) -> Sequence[DraftClass]:
    """Empty if its constructor asks for values that no slot holds."""
    tree = parse_python(code)
    classes = [
        one for one in (tree.body if tree else ()) if isinstance(one, ast.ClassDef) and one.name == name
    ]
    ways = (_draft_class(code, classes[-1], kind) for kind in _OPEN if classes)
    return list(dict.fromkeys(way for way in ways if way is not None))


def _draft_class(code: str, owner: ast.ClassDef, open_kind: ValueType) -> DraftClass | None:
    made = next(
        (one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None
    )
    constructor = DraftMethod("__init__", (), ()) if made is None else _draft_method(made, open_kind)
    methods = tuple(
        found for one in public_methods(owner) if (found := _draft_method(one, open_kind)) is not None
    )
    if constructor is None or len(methods) < 2:
        return None
    return DraftClass(code, owner.name, constructor, methods)


def _draft_method(method: ast.FunctionDef, open_kind: ValueType) -> DraftMethod | None:
    taken = method.args
    if any(default is None for default in taken.kw_defaults):
        return None
    parameters = [*taken.posonlyargs, *taken.args][1:]
    parameters = parameters[: len(parameters) - len(taken.defaults)] if taken.defaults else parameters
    kinds = []
    for one in parameters:
        options = read_annotation(one.annotation) if one.annotation is not None else None
        kinds.append(open_kind if options is None else next(filter(has_slot, options), None))
    found = tuple(kind for kind in kinds if kind is not None)
    return (
        DraftMethod(method.name, tuple(one.arg for one in parameters), found) if None not in kinds else None
    )


def _probe(draft: DraftClass) -> str:
    return draft.code + _PROBE.replace("{name}", draft.name)


SEEDS: Final = ClassSeeds(_find, _draft, _probe)
