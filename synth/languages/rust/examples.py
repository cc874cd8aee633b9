"""How Rust states calls: `assert_eq!` and its like, tables in loops, and the examples of `///` comments."""

import re
from collections.abc import Callable
from typing import Final

from synth.grammar.nodes import Node
from synth.grammar.trees import node_text
from synth.languages.stated_calls import CodePlace, ExampleSyntax, FileImports, Form, NameForm

_MACRO: Final = re.compile(r"\b(assert(?:_eq|_ne)?|debug_assert(?:_eq)?)!\s*\(")
_LIST: Final = re.compile(r"\bvec!\s*([\[(])")
_DOCUMENT: Final = re.compile(r"^[ \t]*//[/!] ?(.*)$", re.MULTILINE)
_FENCE: Final = re.compile(r"```(?:rust|should_panic)?\s*\n(.*?)```", re.DOTALL)
_USE: Final = re.compile(r"\buse\s+(?:crate|super|self|[a-z_]\w*)::([\w:]*?)(?:::)?(\{[^}]*\}|\w+|\*)\s*;")


def prepare(text: str) -> str:
    """The text with calls and lists in the place of macros, whose insides the grammar does not read."""
    return _LIST.sub(r" \1", _MACRO.sub(r"\1(", text))


def find_documents(text: str) -> list[str]:
    """The programs in the comments before functions and at the head of a file."""
    if "///" not in text and "//!" not in text:
        return []
    lines = [found[1] for line in text.splitlines() if (found := _DOCUMENT.match(line))]
    return [found[1].replace("\n# ", "\n") for found in _FENCE.finditer("\n".join(lines) + "\n")]


def _read(node: Node, text: bytes, read: Callable[[Node], Form]) -> Form | None:
    if node.type == "scoped_identifier":
        path = tuple(part for part in re.split(r"::(?:<[^>]*>)?", node_text(node, text)) if part)
        return NameForm(path)
    if node.type == "generic_function":
        inner = node.child_by_field_name("function")
        return read(inner) if inner is not None else None
    return None


def find_imports(text: str, path: str) -> FileImports:
    """Functions that a file uses of other modules of its crate; `super::*` is the file itself."""
    names: dict[str, CodePlace] = {}
    for found in _USE.finditer(text):
        module = found[1].replace("::", "/").strip("/")
        for name in re.findall(r"\w+", found[2]):
            if module and name != "self":
                names[name] = CodePlace(module, name)
    return FileImports(names)


SYNTAX: Final = ExampleSyntax(
    literals={
        "integer_literal": "number",
        "float_literal": "number",
        "string_literal": "text",
        "raw_string_literal": "text",
        "char_literal": "text",
        "boolean_literal": "bool",
    },
    lists=frozenset({"array_expression"}),
    tuples=frozenset({"tuple_expression"}),
    calls={"call_expression": ("function", "arguments")},
    members={"field_expression": ("value", "field")},
    wrappers=frozenset({"parenthesized_expression", "reference_expression", "expression_statement"}),
    bindings={"let_declaration": ("pattern", "value"), "assignment_expression": ("left", "right")},
    loops={"for_expression": ("pattern", "value")},
    inline={"closure_expression": ("parameters", "body")},
    branches=frozenset(
        {"if_expression", "while_expression", "for_expression", "loop_expression", "match_expression"}
    ),
    attempts=frozenset(),
    equal=frozenset({"assert_eq", "debug_assert_eq"}),
    holds={"assert": True, "debug_assert": True},
    constants={
        "None": None,
        "i32.MAX": 2**31 - 1,
        "i64.MAX": 2**63 - 1,
        "i32.MIN": -(2**31),
        "u32.MAX": 2**32 - 1,
    },
    same=frozenset(
        ".to_string .to_owned .into .to_vec .clone .as_str .as_slice String.from Some Ok Box.new "
        "Vec.from .as_ref .iter .into_iter .unwrap".split()
    ),
    namespaces=True,
    prepare=prepare,
    documents=find_documents,
    frame="fn session() {\n{body}\n}",
    read=_read,
    imports=find_imports,
)
