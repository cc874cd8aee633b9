"""Finds the named functions of a text with tree-sitter, in every language that states its node types.

The one rule: a function includes everything that belongs to it (decorators, `export`, template head) and is
found once: functions inside it are part of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synth.grammar.node_types import NodeTypes
from synth.grammar.trees import node_text, parse
from synth.languages.registry import get_language

if TYPE_CHECKING:
    from synth.grammar.nodes import Node


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a text. Lines count from 1; the common indentation is removed from `code`."""

    name: str
    code: str
    start_line: int
    end_line: int
    top_level: bool
    node: "Node"
    body: "Node | None"
    """A block, or the expression that is the function's whole body; None for a declaration."""
    text: bytes
    """The whole text that the nodes refer to."""
    node_types: NodeTypes
    changed: tuple[str, ...] = ()
    """The parameters through which it may change something of its caller."""


def find_functions(text: str, language: str) -> Iterator[Function]:
    """The functions in the order of the text. A text that does not parse gives only the functions
    recognized without an error inside; a language without node types gives none. Raises UnparsedError."""
    spoken, data = get_language(language), text.encode("utf-8", "surrogatepass")
    node_types = spoken.node_types
    stack = [parse(data, spoken.grammar).root_node] if node_types else []
    while stack and node_types:
        node = stack.pop()
        definition, name = _definition(node, data, node_types)
        if definition is None:
            stack.extend(reversed(node.named_children))
        elif name and not definition.has_error:
            changed = spoken.changed_arguments(definition, data) if spoken.changed_arguments else ()
            yield _make_function(definition, name, data, node_types, changed)


def _definition(node: "Node", text: bytes, node_types: NodeTypes) -> "tuple[Node | None, str]":
    """The function that this node defines, and its name; (None, "") if it defines none."""
    if node.type in node_types.functions:
        return node, _name(node, text)
    value = node.child_by_field_name("value") if node.type in node_types.binders else None
    if value is not None and value.type in node_types.anonymous:
        return value, _name(node, text)
    return None, ""


def _name(node: "Node", text: bytes) -> str:
    """The field `name`, or in C and C++ the innermost declarator."""
    found = node.child_by_field_name("name")
    while found is None and (inner := node.child_by_field_name("declarator")) is not None:
        node = inner
        if node.type == "reference_declarator" and node.named_children:
            node = node.named_children[-1]
        if node.child_by_field_name("declarator") is None:
            found = node
    return node_text(found, text) if found is not None else ""


def _make_function(
    node: "Node", name: str, text: bytes, node_types: NodeTypes, changed: tuple[str, ...]
) -> Function:
    outer = _outermost(node, node_types)
    first = _documentation(outer, text, node_types) if node_types.documented_before else outer
    return Function(
        name=name,
        code=_dedented(first, outer, text),
        start_line=first.start_point.row + 1,
        end_line=outer.end_point.row + 1,
        top_level=outer.parent is None or outer.parent.parent is None,
        node=node,
        body=node.child_by_field_name("body"),
        text=text,
        node_types=node_types,
        changed=changed,
    )


def _outermost(node: "Node", node_types: NodeTypes) -> "Node":
    """The function with its decorators, its `export` or the declaration that names it."""
    belongs = node_types.wrappers | node_types.binders | {"lexical_declaration", "variable_declaration"}
    while (parent := node.parent) is not None and parent.type in belongs:
        node = parent
    return node


def _documentation(node: "Node", text: bytes, node_types: NodeTypes) -> "Node":
    """The first of the comments right before the node, or the node itself."""
    siblings = node.parent.named_children if node.parent is not None else []
    first = node
    for before in reversed(siblings[: siblings.index(node)] if node in siblings else []):
        between = text[before.end_byte : first.start_byte]
        if before.type not in node_types.comments or between.strip() or between.count(b"\n") > 1:
            break
        first = before
    return first


def _dedented(first: "Node", node: "Node", text: bytes) -> str:
    """The text from `first` to the end of the node, without the leading white space of its first line on
    every line that starts with it."""
    line_start = text.rfind(b"\n", 0, first.start_byte) + 1
    indent = text[line_start : first.start_byte]
    code = text[first.start_byte : node.end_byte]
    if indent and not indent.strip():
        code = code.replace(b"\n" + indent, b"\n")
    return code.decode("utf-8", "surrogatepass")
