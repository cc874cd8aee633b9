"""Reads declarations of real Java code: the parameters, modifiers and constructors of a syntax tree.

The one rule: a reader of nodes decides nothing about what can be called.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
from synth.languages.java.shared_types import SCALARS, JavaType, TypeReader
from synth.languages.support.changes import edited

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

TYPES: Final = frozenset(
    {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}
)
_ANNOTATIONS: Final = frozenset({"marker_annotation", "annotation"})


class JavaParameter(NamedTuple):
    """A parameter with a shared type."""

    name: str
    type: JavaType


def without_annotations(text: bytes) -> bytes:
    """They name types that are not there (`@Override` of a method whose class came without what it extends),
    and do nothing."""
    if b"@" not in text:
        return text
    found = [one for one in walk(parse(text, "java").root_node) if one.type in _ANNOTATIONS]
    return edited(text, [(one.start_byte, one.end_byte, b"") for one in found if one.parent is not None])


def only_throws(maker: "Node") -> bool:
    """Whether it only forbids objects."""
    body = maker.child_by_field_name("body")
    return body is not None and [one.type for one in body.named_children][:1] == ["throw_statement"]


def constructors(owner: "Node") -> list["Node"]:
    """Those that the class states."""
    body = owner.child_by_field_name("body")
    inside = body.named_children if body is not None else []
    return [one for one in inside if one.type == "constructor_declaration"]


def parameter_nodes(node: "Node") -> list["Node"]:
    """Of a method, a constructor or a record."""
    declared = node.child_by_field_name("parameters")
    inside = declared.named_children if declared is not None else []
    return [one for one in inside if one.type in ("formal_parameter", "spread_parameter")]


def read_parameter(node: "Node", reader: TypeReader) -> JavaParameter:
    """Raises NotAdapted for a type that is not shared."""
    name = name_of(node, reader.text)
    if node.type == "spread_parameter":
        kinds = [one for one in node.named_children if one.type not in ("modifiers", "variable_declarator")]
        return JavaParameter(name, reader.array_of(reader.read(kinds[0] if kinds else None), 1))
    kind = reader.read(node.child_by_field_name("type"))
    more = node.child_by_field_name("dimensions")
    if more is not None:
        kind = reader.array_of(kind, node_text(more, reader.text).count("["))
    return JavaParameter(name, kind)


def name_of(node: "Node", text: bytes) -> str:
    """The name that a declaration or a parameter binds; empty if it binds none."""
    found = node.child_by_field_name("name")
    if found is None:
        inner = next((one for one in node.named_children if one.type == "variable_declarator"), None)
        found = inner.child_by_field_name("name") if inner is not None else None
    return node_text(found, text) if found is not None else ""


def modifier_nodes(node: "Node") -> list["Node"]:
    """The modifiers and annotations before a declaration."""
    found = next((one for one in node.named_children if one.type == "modifiers"), None)
    return found.children if found is not None else []


def modifiers(node: "Node", text: bytes) -> set[str]:
    """The same as words."""
    return {node_text(one, text) for one in modifier_nodes(node)}


def variable_choices(nodes: Iterable["Node"], text: bytes) -> list[dict[str, JavaType]]:
    """What may stand for the type variables that these declare, the likeliest first."""
    bounds: dict[str, str] = {}
    for node in nodes:
        declared = node.child_by_field_name("type_parameters")
        for one in declared.named_children if declared is not None else ():
            names = [child for child in one.named_children if child.type == "type_identifier"]
            if names:
                bounds[node_text(names[0], text)] = node_text(one, text)
    if not bounds:
        return [{}]
    numbers = any("Number" in bound for bound in bounds.values())
    return [
        dict.fromkeys(bounds, SCALARS[tried])
        for tried in (("Integer", "Double") if numbers else ("Integer", "String"))
    ]
