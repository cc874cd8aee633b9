"""The quality filter of cut functions: placeholders, tests, functions without a result, too short, too long.

The one rule: each rejection has one reason from the closed list and the evidence for it, so a person
can check it.
"""

import re
from typing import TYPE_CHECKING

from synth.filters.protocol import Reject
from synth.seeds.functions import Function
from synth.token_estimate import estimate_tokens

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_TEST_NAME = re.compile(
    r"(?i:test|bench(mark)?)(?![a-z])|(test|Test|Benchmark)[A-Z_]|set_?[Uu]p(Class|Module)?$|tear_?[Dd]own"
)
_TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|__tests__|specs?|benchmarks?|idle_test)/"
    r"|(^|/)(test_[^/]*|conftest|[^/]*_test|[^/]*[.](test|spec))[.]\w+$"
)
_TEST_ATTRIBUTE = re.compile(rb"\b(?:test|rstest|bench)\b")
_PLACEHOLDERS = frozenset(
    {"pass_statement", "ellipsis", "raise_statement", "throw_statement", "empty_statement"}
)
_GIVES_UP = re.compile(r"(todo|unimplemented|panic|unreachable)!?\s*\(")
_DELEGATION = re.compile(r"return\s+(?:await\s+)?[A-Za-z_][\w.:]*(?:->\w+)?\(([\w\s.,*&=]*)\)\s*;?$")
_INNER = frozenset(
    "function_definition lambda class_definition function_declaration function_expression "
    "arrow_function method_definition "
    "generator_function generator_function_declaration class_declaration class".split()
)


def check_quality(function: Function, path: str, *, min_lines: int, max_tokens: int) -> Reject | None:
    """The first reason to reject the function, or None. `path` is the file's path, relative to its source."""
    return (
        _check_test(function, path)
        or _check_stub(function)
        or _check_result(function)
        or _check_length(function.code, min_lines, max_tokens)
    )


def is_test_path(path: str) -> bool:
    """Whether a file lies where tests lie, or is named as tests are."""
    return _TEST_PATH.search(path) is not None


def _check_test(function: Function, path: str) -> Reject | None:
    if _TEST_NAME.match(function.name):
        return Reject("test_code", {"name": function.name})
    if found := _TEST_PATH.search(path):
        return Reject("test_code", {"path": found.group().strip("/")})
    if _is_marked_as_test(function):
        return Reject("test_code", {"attribute": "test"})
    return None


def _is_marked_as_test(function: Function) -> bool:
    """Whether an attribute before the function, or before a module around it, says that it is a test."""
    node: Node | None = function.node
    while node is not None:
        before = node.prev_named_sibling if node.type in ("function_item", "mod_item") else None
        while before is not None and before.type in ("attribute_item", "line_comment", "block_comment"):
            text = function.text[before.start_byte : before.end_byte]
            if before.type == "attribute_item" and _TEST_ATTRIBUTE.search(text):
                return True
            before = before.prev_named_sibling
        node = node.parent
    return False


def statements(function: Function) -> "list[Node]":
    """The statements of the body, without comments or docstring."""
    body = function.body
    if body is None:
        return []
    if body.type not in function.node_types.blocks and not body.type.endswith(("block", "body")):
        return [body]
    inner = [child for child in body.named_children if child.type not in function.node_types.comments]
    if inner and inner[0].type == "statement_list":
        inner = [child for child in inner[0].named_children if child.type not in function.node_types.comments]
    return inner[1:] if inner and _is_docstring(inner[0]) else inner


def _is_docstring(node: "Node") -> bool:
    return node.type == "string" or (
        node.type == "expression_statement"
        and node.named_child_count == 1
        and node.named_children[0].type == "string"
    )


def _check_stub(function: Function) -> Reject | None:
    body = statements(function)
    if not body:
        return Reject("stub_body", {"body": "empty"})
    if all(_is_placeholder(statement, function.text) for statement in body):
        return Reject("stub_body", {"body": "placeholder"})
    text = function.text[body[0].start_byte : body[0].end_byte].decode("utf-8", "replace")
    if len(body) == 1 and _DELEGATION.match(text):
        return Reject("stub_body", {"body": "delegation"})
    return None


def _is_placeholder(node: "Node", text: bytes) -> bool:
    if node.type == "expression_statement" and node.named_child_count == 1:
        node = node.named_children[0]
    return node.type in _PLACEHOLDERS or bool(
        _GIVES_UP.match(text[node.start_byte : node.end_byte].decode("utf-8", "replace"))
    )


def _check_result(function: Function) -> Reject | None:
    """Typed languages state the result in the function's head; in the others there must be a `return`
    with a value. A function that may change an argument has that for a result."""
    if function.changed:
        return None
    node_types = function.node_types
    if not node_types.result_field:
        return _check_return_statements(function)
    kind = function.node.child_by_field_name(node_types.result_field)
    void = kind is None or function.text[kind.start_byte : kind.end_byte].decode() == node_types.void
    return Reject("no_return", {"type": node_types.void or "none"}) if void else None


def _check_return_statements(function: Function) -> Reject | None:
    stack, returns = [function.body] if function.body is not None else [], False
    if function.node.type == "arrow_function" and stack and stack[0].type not in function.node_types.blocks:
        return None
    while stack:
        node = stack.pop()
        if node.type in ("yield", "yield_expression"):
            listed = function.node_types.lists_generators
            return None if listed else Reject("no_return", {"kind": "generator"})
        returns = returns or (node.type == "return_statement" and node.named_child_count > 0)
        stack.extend(child for child in node.named_children if child.type not in _INNER)
    return None if returns else Reject("no_return")


def _check_length(code: str, min_lines: int, max_tokens: int) -> Reject | None:
    lines = sum(1 for line in code.splitlines() if line.strip())
    if lines < min_lines:
        return Reject("too_short", {"lines": lines, "limit": min_lines})
    tokens = estimate_tokens(code)
    return Reject("too_long", {"tokens": tokens, "limit": max_tokens}) if tokens > max_tokens else None
