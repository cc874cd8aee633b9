"""How C and C++ state calls: `assert`, the macros of common test libraries, callers."""

import re
from collections.abc import Callable
from typing import Final

from synth.grammar.nodes import Node
from synth.grammar.trees import node_text
from synth.languages.stated_calls import ExampleSyntax, FileImports, Form, NameForm

_INCLUDE: Final = re.compile(r"^[ \t]*#[ \t]*include[ \t]*\"([\w./-]+)\"", re.MULTILINE)
_TEMPLATE: Final = re.compile(r"<[^<>]*>")


def _read(node: Node, text: bytes, read: Callable[[Node], Form]) -> Form | None:
    """Names in namespaces, and values of a type in braces."""
    if node.type in ("qualified_identifier", "template_function", "template_type"):
        name = node_text(node, text)
        for _ in range(3):
            name = _TEMPLATE.sub("", name)
        return NameForm(tuple(part.strip() for part in name.split("::") if part.strip()))
    if node.type == "compound_literal_expression":
        value = node.child_by_field_name("value")
        return read(value) if value is not None else None
    return None


def find_imports(text: str, path: str) -> FileImports:
    """The headers of its tree that a file includes."""
    return FileImports(
        {}, tuple(re.sub(r"^(?:\.\.?/)+|\.\w+$", "", found[1]) for found in _INCLUDE.finditer(text))
    )


SYNTAX: Final = ExampleSyntax(
    literals={
        "number_literal": "number",
        "string_literal": "text",
        "raw_string_literal": "text",
        "char_literal": "text",
        "true": "true",
        "false": "false",
    },
    lists=frozenset({"initializer_list"}),
    calls={"call_expression": ("function", "arguments")},
    wrappers=frozenset(
        {"parenthesized_expression", "condition_clause", "cast_expression", "expression_statement"}
    ),
    members={"field_expression": ("argument", "field")},
    bindings={"init_declarator": ("declarator", "value"), "assignment_expression": ("left", "right")},
    loops={"for_range_loop": ("declarator", "right")},
    equal=frozenset(
        "ASSERT_EQ EXPECT_EQ CHECK_EQ ASSERT_STREQ EXPECT_STREQ EXPECT_DOUBLE_EQ ASSERT_DOUBLE_EQ".split()
    ),
    holds={
        "assert": True,
        "ASSERT_TRUE": True,
        "EXPECT_TRUE": True,
        "CHECK": True,
        "REQUIRE": True,
        "ASSERT_FALSE": False,
        "EXPECT_FALSE": False,
    },
    constants={"INT_MAX": 2**31 - 1, "INT_MIN": -(2**31), "INFINITY": float("inf")},
    same=frozenset({"std.string", "string", "std.vector", "std.array", "vector", "array"}),
    namespaces=True,
    read=_read,
    imports=find_imports,
)
