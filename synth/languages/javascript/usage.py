"""Clues to the type of a JavaScript parameter: its default and its use.

The one rule: a clue is worth points and nothing more (`synth/languages/support/guessing.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from synth.grammar.node_types import names
from synth.grammar.trees import node_text, walk
from synth.languages.support.guessing import Clues, add_name

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_STR_MEMBERS: Final = names(
    "charAt charCodeAt codePointAt split toLowerCase toUpperCase trim trimStart trimEnd replace "
    "replaceAll substring substr startsWith endsWith padStart padEnd repeat match matchAll "
    "localeCompare normalize search"
)
_LIST_MEMBERS: Final = names(
    "push pop shift unshift splice sort reverse map filter reduce reduceRight forEach every some find "
    "findIndex findLast flat flatMap fill join entries"
)
_BOTH_MEMBERS: Final = names("length slice indexOf lastIndexOf includes concat at")
_NUMBER_MEMBERS: Final = names("toFixed toPrecision toExponential")
_MAP_MEMBERS: Final = names("hasOwnProperty has get set")
_EACH: Final = names("map filter forEach every some find findIndex flatMap")
_INTEGER_OPERATORS: Final = names("% & | ^ << >> >>> &= |= ^= %=")
_ARITHMETIC: Final = names("- * / ** -= *= /=")
_ORDER: Final = names("< > <= >= === !== == !=")
_CALLS: Final = {
    "parseInt": ("str", 2),
    "parseFloat": ("str", 2),
    "Number": ("str", 2),
    "String": ("number", 1),
    "isNaN": ("number", 2),
    "Number.isInteger": ("int", 5),
    "Number.isSafeInteger": ("int", 5),
    "Number.isFinite": ("number", 3),
    "Number.isNaN": ("number", 2),
    "Array.isArray": ("list", 8),
    "Object.keys": ("map", 6),
    "Object.values": ("map", 6),
    "Object.entries": ("map", 6),
    "Array.from": ("list", 2),
    "BigInt": ("int", 4),
}
_TYPEOF: Final = {"number": "number", "string": "str", "boolean": "bool", "object": "map", "bigint": "int"}
_DEFAULTS: Final = {
    "true": "bool",
    "false": "bool",
    "string": "str",
    "template_string": "str",
    "object": "map",
}
_MAX_DEPTH: Final = 2

Is = Callable[["Node"], bool]


def read_clues(name: str, default: "Node | None", function: "Node", text: bytes) -> Clues:
    """What the function says about one of its parameters."""

    def is_it(node: "Node") -> bool:
        return node.type == "identifier" and node_text(node, text) == name

    clues = _read_uses(function, is_it, text, 0)
    _from_default(default, clues, text)
    add_name(name, clues.points)
    return clues


def _from_default(default: "Node | None", clues: Clues, text: bytes) -> None:
    if default is None:
        return
    if default.type == "unary_expression" and default.named_children:
        default = default.named_children[0]
    if default.type == "number":
        clues.points["float" if b"." in text[default.start_byte : default.end_byte] else "int"] += 8
    elif default.type == "array":
        clues.points["list"] += 6
        if default.named_children:
            clues.inner = clues.inner or Clues()
            _from_default(default.named_children[0], clues.inner, text)
    elif default.type in _DEFAULTS:
        clues.points[_DEFAULTS[default.type]] += 8


def _read_uses(function: "Node", is_it: Is, text: bytes, depth: int) -> Clues:
    """The clues of every node below the function to what `is_it` recognizes."""
    clues, loops = Clues(), set[str]()
    for node in walk(function):
        _from_use(is_it, node, text, clues.points)
        loops |= set(_element_names(is_it, node, text, clues.points))
    if depth < _MAX_DEPTH:

        def is_inside(node: "Node") -> bool:
            of = node.child_by_field_name("object") if node.type == "subscript_expression" else None
            return (of is not None and is_it(of)) or (
                node.type == "identifier" and node_text(node, text) in loops
            )

        inner = _read_uses(function, is_inside, text, depth + 1)
        clues.inner = inner if inner.points else None
    return clues


def _element_names(is_it: Is, node: "Node", text: bytes, points: Counter[str]) -> Iterator[str]:
    """Names of the elements in a loop over it, or in a function that is called with each."""
    left: Node | None = None
    if node.type == "for_in_statement":
        source, operator = node.child_by_field_name("right"), node.child_by_field_name("operator")
        if source is not None and is_it(source):
            is_of = operator is None or node_text(operator, text) == "of"
            points["list" if is_of else "map"] += 3
            points["str" if is_of else "list"] += 1
            left = node.child_by_field_name("left") if is_of else None
    elif node.type == "call_expression":
        left = _first_parameter(is_it, node, text)
    if left is None:
        return
    if left.type == "identifier":
        yield node_text(left, text)
    elif left.type == "array_pattern":
        points["pairs" if len(left.named_children) == 2 else "triples"] += 5


def _first_parameter(is_it: Is, call: "Node", text: bytes) -> "Node | None":
    """`v` of `xs.map((v) => …)`."""
    called, given = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if called is None or given is None or called.type != "member_expression" or not given.named_children:
        return None
    of, name = called.child_by_field_name("object"), called.child_by_field_name("property")
    if of is None or name is None or not is_it(of) or node_text(name, text) not in _EACH:
        return None
    function = given.named_children[0]
    if (alone := function.child_by_field_name("parameter")) is not None:
        return alone
    parameters = function.child_by_field_name("parameters")
    return parameters.named_children[0] if parameters is not None and parameters.named_children else None


def _from_use(is_it: Is, node: "Node", text: bytes, points: Counter[str]) -> None:
    """Points from one node of the function's tree."""
    kind = node.type
    if kind == "member_expression":
        of, name = node.child_by_field_name("object"), node.child_by_field_name("property")
        if of is not None and name is not None and is_it(of):
            _from_member(node_text(name, text), points)
    elif kind == "subscript_expression":
        of, at = node.child_by_field_name("object"), node.child_by_field_name("index")
        if of is not None and is_it(of):
            points["list"] += 3
            points["str"] += 2
        if at is not None and is_it(at):
            points["int"] += 2
    elif kind == "call_expression":
        _from_call(is_it, node, text, points)
    elif kind in ("binary_expression", "augmented_assignment_expression"):
        _from_operator(is_it, node, text, points)
    elif kind == "update_expression" and any(map(is_it, node.named_children)):
        points["int"] += 4
    elif kind == "spread_element" and any(map(is_it, node.named_children)):
        points["list"] += 2
        points["str"] += 2
    elif kind == "variable_declarator":
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and value is not None and name.type == "array_pattern" and is_it(value):
            points["pair" if len(name.named_children) == 2 else "list"] += 4


def _from_member(name: str, points: Counter[str]) -> None:
    for family, members, weight in (
        ("str", _STR_MEMBERS, 6),
        ("list", _LIST_MEMBERS, 6),
        ("number", _NUMBER_MEMBERS, 6),
        ("map", _MAP_MEMBERS, 4),
        ("list", _BOTH_MEMBERS, 2),
        ("str", _BOTH_MEMBERS, 2),
    ):
        if name in members:
            points[family] += weight
    if name == "toString":
        points["int"] += 3


def _from_call(is_it: Is, node: "Node", text: bytes, points: Counter[str]) -> None:
    called, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if called is None or given is None or not any(map(is_it, given.named_children)):
        return
    name = node_text(called, text)
    if name in _CALLS:
        family, weight = _CALLS[name]
        points[family] += weight
    elif name.startswith("Math."):
        points["number"] += 4


def _from_operator(is_it: Is, node: "Node", text: bytes, points: Counter[str]) -> None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return
    between = text[left.end_byte : right.start_byte].decode("utf-8", "replace").strip()
    if left.type == "unary_expression" and right.type == "string" and any(map(is_it, left.named_children)):
        family = _TYPEOF.get(node_text(right, text).strip("'\""))
        points[family or "map"] += 8 if family else 0
    if not is_it(left) and not is_it(right):
        return
    other = right if is_it(left) else left
    if between in _INTEGER_OPERATORS:
        points["int"] += 4
    elif between in _ARITHMETIC:
        points["number"] += 2
    elif between in ("+", "+="):
        points["str" if other.type in ("string", "template_string") else "number"] += (
            4 if other.type in ("string", "template_string", "number") else 1
        )
    elif between in _ORDER:
        if other.type == "number":
            points["number"] += 3
        elif other.type == "string":
            points["str"] += 3
        elif between in ("<", ">", "<=", ">="):
            points["number"] += 1
    elif between == "in" and is_it(right):
        points["map"] += 4
