"""Functions that do something else first: a statement at the beginning of every function of a program.

Place in the flow: stubs, early exits, skips and other programs that solve nothing are made from a right
program this way, so that names, types and imports fit the tests. The one rule: all the rest of the program
stays as it is; what follows the statement is only never reached.
"""

from collections.abc import Callable, Iterator
from typing import Final

from synth.grammar.loader import NoGrammar
from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import node_text, parse, walk
from synth.mutation.rules import RULES, EditRules

Statement = Callable[[str], str | None]
"""(declared type of the result, or empty) -> the statement, or None for a function to leave alone."""

_RESULT_FIELDS: Final = ("result", "return_type", "returns", "type")
_OPENS: Final = ("{", ":")


def with_first_statement(code: str, grammar: str, statement: Statement) -> str | None:
    """The program with the statement at the beginning of each function; None where there is no function to
    put it in, or the code cannot be read."""
    rules = RULES.get(grammar)
    if rules is None:
        return None
    text = code.encode("utf-8", "surrogatepass")
    try:
        root = parse(text, grammar).root_node
    except (UnparsedError, NoGrammar):
        return None
    places = [] if root.has_error else list(_places(root, rules, text, statement))
    for at, words in sorted(places, reverse=True):
        text = text[:at] + words.encode() + text[at:]
    return text.decode("utf-8", "surrogatepass") if places else None


def result_type(function: Node, text: bytes) -> str:
    """The words of its declared result; empty where it declares none."""
    for name in _RESULT_FIELDS:
        found = function.child_by_field_name(name)
        if found is not None:
            return node_text(found, text).strip().removeprefix(":").strip()
    return ""


def _places(root: Node, rules: EditRules, text: bytes, statement: Statement) -> Iterator[tuple[int, str]]:
    for node in walk(root):
        if node.type not in rules.functions:
            continue
        words = statement(result_type(node, text))
        place = _start(node, rules, text) if words is not None else None
        if place is not None:
            yield place[0], f"{words}{place[1]}"


def _start(function: Node, rules: EditRules, text: bytes) -> tuple[int, str] | None:
    """Where the body of a function begins, and what has to stand between a statement and the rest of it."""
    body = function.child_by_field_name("body")
    if body is None:
        body = next((child for child in function.named_children if child.type in rules.body), None)
    if body is None:
        return None
    if body.type == "function_body" and body.named_child_count == 1:
        body = body.named_children[0]
    if rules.layout:
        return _before_first_line(body, text)
    if body.children and body.children[0].type == "{":
        return body.children[0].end_byte, " "
    if any(child.type in _OPENS for child in function.children) or "arrow" in function.type:
        return None  # an expression stands for the body
    return body.start_byte, "; "


def _before_first_line(body: Node, text: bytes) -> tuple[int, str]:
    line = text.rfind(b"\n", 0, body.start_byte) + 1
    before = text[line : body.start_byte]
    return body.start_byte, f"\n{before.decode()}" if not before.strip() else "; "
