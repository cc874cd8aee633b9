"""How Go states calls: tables of tests, `if got := f(x); got != want`, testify's assertions, callers."""

import re
from collections.abc import Callable
from typing import Final

from synth.grammar.nodes import Node
from synth.grammar.trees import node_text
from synth.languages.stated_calls import (
    UNKNOWN,
    CodePlace,
    ExampleSyntax,
    FieldsForm,
    FileImports,
    Form,
    ItemsForm,
    LiteralForm,
)
from synth.values import Value

_IMPORT: Final = re.compile(r"^\s*(?:import\s+)?(?:(\w+)\s+)?\"([\w./-]+)\"\s*$", re.MULTILINE)


def _read(node: Node, text: bytes, read: Callable[[Node], Form]) -> Form | None:
    """Lists, maps and records in braces; the parts of a list."""
    if node.type == "composite_literal":
        kind, body = node.child_by_field_name("type"), node.child_by_field_name("body")
        return _braced(kind, body, text, read) if kind is not None and body is not None else UNKNOWN
    if node.type == "slice_expression":
        return UNKNOWN
    if node.type in ("literal_element", "expression_list") and node.named_child_count == 1:
        return read(node.named_children[0])
    if node.type == "literal_value":
        return _list(node, read)
    if node.type == "type_conversion_expression":
        return UNKNOWN
    return None


def _braced(kind: Node, body: Node, text: bytes, read: Callable[[Node], Form]) -> Form:
    if kind.type in ("slice_type", "array_type", "implicit_length_array_type"):
        inner = kind.child_by_field_name("element")
        if inner is not None and inner.type == "struct_type":
            names = _field_names(inner, text)
            return ItemsForm(tuple(_record(one, names, text, read) for one in _elements(body)))
        return _list(body, read)
    if kind.type == "map_type":
        return _map(body, read)
    if kind.type == "struct_type":
        return _record(body, _field_names(kind, text), text, read)
    return _record(body, [], text, read)


def _elements(body: Node) -> list[Node]:
    """The elements of a body in braces, without the nodes around them."""
    found = []
    for one in body.named_children:
        inner = one.named_children[0] if one.type == "literal_element" and one.named_children else one
        if "comment" not in inner.type:
            found.append(inner)
    return found


def _list(body: Node, read: Callable[[Node], Form]) -> Form:
    elements = _elements(body)
    if any(one.type == "keyed_element" for one in elements):
        return UNKNOWN
    forms = [read(one) for one in elements]
    values = [form.value for form in forms if isinstance(form, LiteralForm)]
    return LiteralForm(values) if len(values) == len(forms) else ItemsForm(tuple(forms))


def _map(body: Node, read: Callable[[Node], Form]) -> Form:
    found: dict[Value, Value] = {}
    for pair in _elements(body):
        parts = [read(one) for one in pair.named_children] if pair.type == "keyed_element" else []
        known = [part.value for part in parts if isinstance(part, LiteralForm)]
        if len(known) != 2 or isinstance(known[0], list | dict):
            return UNKNOWN
        found[known[0]] = known[1]
    return LiteralForm(found)


def _field_names(struct: Node, text: bytes) -> list[str]:
    names = []
    for fields in struct.named_children:
        for one in fields.named_children:
            kind = one.child_by_field_name("type")
            names += [
                node_text(name, text)
                for name in one.named_children
                if name.type == "field_identifier" and name != kind
            ]
    return names


def _record(body: Node, names: list[str], text: bytes, read: Callable[[Node], Form]) -> Form:
    elements = _elements(body) if body.type == "literal_value" else []
    if not elements:
        return UNKNOWN
    if all(one.type == "keyed_element" for one in elements):
        pairs = [one.named_children for one in elements]
        return FieldsForm({node_text(pair[0], text): read(pair[1]) for pair in pairs if len(pair) == 2})
    if len(names) != len(elements):
        return UNKNOWN
    return FieldsForm({name: read(one) for name, one in zip(names, elements, strict=True)})


def find_imports(text: str, path: str) -> FileImports:
    """The packages that a file imports, by the end of their path; functions of its own folder need none."""
    names = {}
    for found in _IMPORT.finditer(text):
        tail = "/".join(found[2].split("/")[-2:])
        name = found[1] or found[2].rpartition("/")[2]
        if name not in (".", "_") and "/" in found[2]:
            names[name] = CodePlace(f"{tail}/")
    return FileImports(names, (path.rpartition("/")[0] + "/",))


SYNTAX: Final = ExampleSyntax(
    literals={
        "int_literal": "number",
        "float_literal": "number",
        "interpreted_string_literal": "text",
        "raw_string_literal": "text",
        "true": "true",
        "false": "false",
        "nil": "null",
    },
    calls={"call_expression": ("function", "arguments")},
    members={"selector_expression": ("operand", "field")},
    bindings={
        "short_var_declaration": ("left", "right"),
        "var_spec": ("name", "value"),
        "const_spec": ("name", "value"),
        "assignment_statement": ("left", "right"),
    },
    loops={"range_clause": ("left", "right")},
    inline={"func_literal": ("parameters", "body")},
    branches=frozenset({"if_statement", "for_statement", "expression_switch_statement", "select_statement"}),
    attempts=frozenset(),
    refuted=frozenset({"if_statement"}),
    reports=(".Error", ".Fatal", ".Fail", "panic("),
    equal=frozenset({"Equal", "EqualValues", "DeepEqual", "ElementsMatch", "Exactly"}),
    holds={"True": True, "False": False},
    constants={
        "math.MaxInt64": 2**63 - 1,
        "math.MinInt64": -(2**63),
        "math.MaxInt32": 2**31 - 1,
        "math.MinInt32": -(2**31),
        "math.MaxInt": 2**63 - 1,
        "math.MinInt": -(2**63),
        "math.Pi": 3.141592653589793,
    },
    same=frozenset(
        {"int64", "int32", "int", "uint", "uint64", "uint32", "float64", "string", "byte", "rune", "int8"}
    ),
    read=_read,
    imports=find_imports,
)
