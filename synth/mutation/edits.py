"""Mutants: a program with one small slip, such as another operator, a negated condition, a constant one off.

Place in the flow: a program and the name of its grammar in, mutants out; the audit and the controls of
`codemill verify` ask whether tests notice them. The one rule: an edit changes what the program does wherever
that can be told from its text, so boundaries (`<` to `<=`), loops, types, imports and tests are left alone.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from synth.grammar.loader import NoGrammar
from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import node_text, parse
from synth.mutation.rules import RULES, EditRules


class EditKind(StrEnum):
    """What an edit changes, in the order in which kinds take turns. Those after `call` are made by
    `first_order` alone."""

    OPERATOR = "operator"
    CONDITION = "condition"
    RETURN = "return"
    CONSTANT = "constant"
    BOOLEAN = "boolean"
    CALL = "call"
    COMPARISON = "comparison"
    UNARY = "unary"
    STRING = "string"
    INDEX = "index"
    BRANCH = "branch"
    STATEMENT = "statement"
    ARGUMENTS = "arguments"


class Edit(NamedTuple):
    """Bytes to replace."""

    start: int
    end: int
    new: str
    kind: EditKind


class Mutant(NamedTuple):
    """The whole program after one edit."""

    line: int
    """Of the original, from 1."""
    words: str
    """What was changed, for people."""
    kind: EditKind
    code: str


SWAPS: Final[Mapping[str, str]] = {
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "*",
    "//": "*",
    "%": "*",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
    "===": "!==",
    "!==": "===",
    "~=": "==",
    "&&": "||",
    "||": "&&",
    "and": "or",
    "or": "and",
    "in": "not in",
    "is": "is not",
}
_WITHOUT_RULES: Final = EditRules(functions=frozenset(), integers=frozenset(), conditionals=frozenset())
_GUARD: Final = "__main__"
_SHOWN: Final = 60


def make_mutants(code: str, grammar: str, most: int, seed: int = 0) -> list[Mutant]:
    """At most so many mutants, spread over kinds and places by the seed, each text once; none where the code
    does not parse, costs its parser too much, or has no grammar."""
    text = code.encode("utf-8", "surrogatepass")
    found = find_edits(text, grammar)
    made: dict[str, Mutant] = {}
    for edit in _in_turns(found, seed):
        if len(made) == most:
            break
        mutant = apply_edit(text, edit)
        if mutant.code != code:
            made.setdefault(mutant.code, mutant)
    return sorted(made.values(), key=lambda mutant: mutant.line)


def apply_edit(text: bytes, edit: Edit) -> Mutant:
    """The program after the edit."""
    old = text[edit.start : edit.end].decode("utf-8", "surrogatepass")
    code = (text[: edit.start] + edit.new.encode() + text[edit.end :]).decode("utf-8", "surrogatepass")
    words = f"{_shown(old)} becomes {_shown(edit.new)}"
    return Mutant(text.count(b"\n", 0, edit.start) + 1, words, edit.kind, code)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return f"`{line if len(line) <= _SHOWN else line[: _SHOWN - 1] + '…'}`" if line else "nothing"


def find_edits(text: bytes, grammar: str) -> list[Edit]:
    """Every edit of the text, in its order; none where it cannot be read."""
    try:
        root = parse(text, grammar).root_node
    except (UnparsedError, NoGrammar):
        return []
    if root.has_error and grammar in RULES:
        return []
    rules = RULES.get(grammar, _WITHOUT_RULES)
    return [edit for node in _edited(root, rules, text) for edit in _edits_of(node, rules, text)]


def _in_turns(edits: list[Edit], seed: int) -> Iterator[Edit]:
    """One of each kind, then the next of each; within a kind in an order of the seed's."""
    kinds: defaultdict[EditKind, list[Edit]] = defaultdict(list)
    for edit in edits:
        kinds[edit.kind].append(edit)
    for some in kinds.values():
        random.Random(seed).shuffle(some)
    while any(kinds.values()):
        for kind in EditKind:
            if kinds[kind]:
                yield kinds[kind].pop()


def _edited(root: Node, rules: EditRules, text: bytes) -> Iterator[Node]:
    """The nodes that may be edited. Not recursive, since programs may be deeply nested."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in rules.excluded or _is_guard(node, text):
            continue
        yield node
        waiting += reversed(node.children)


def _is_guard(node: Node, text: bytes) -> bool:
    """Whether it is Python's `if __name__ == "__main__"`, which tests seldom enter."""
    if node.type != "if_statement":
        return False
    condition = node.child_by_field_name("condition")
    return condition is not None and _GUARD in node_text(condition, text)


def _edits_of(node: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    children = node.children
    if _is_binary(children):
        middle = children[1]
        yield Edit(middle.start_byte, middle.end_byte, SWAPS[middle.type], EditKind.OPERATOR)
    if node.type in rules.conditionals:
        yield from _negated(node, rules, text)
    if node.type in rules.returns and rules.nothing:
        yield from _returns_nothing(node, rules, text)
    if node.type in rules.integers:
        yield from _one_more(node, text)
    if not children and (said := node_text(node, text)) in rules.booleans and node.type != "string_content":
        yield Edit(node.start_byte, node.end_byte, rules.booleans[said], EditKind.BOOLEAN)
    if node.type in rules.calls and _is_call(node):
        yield Edit(node.start_byte, node.end_byte, rules.empty, EditKind.CALL)


def _is_binary(children: list[Node]) -> bool:
    if len(children) != 3:
        return False
    left, middle, right = children
    return left.is_named and right.is_named and not middle.is_named and middle.type in SWAPS


def _negated(node: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    condition = node.child_by_field_name("condition")
    if condition is None or "let" in condition.type:
        return
    if condition.type == "condition_clause":
        inner = condition.child_by_field_name("value")
        if inner is None or condition.named_child_count != 1 or "declaration" in inner.type:
            return
        condition = inner
    said = node_text(condition, text)
    if condition.type == "parenthesized_expression":
        said = said[1:-1]
    new = rules.negation.replace("CONDITION", said)
    if condition.type == "parenthesized_expression":
        new = f"({new})"
    yield Edit(condition.start_byte, condition.end_byte, new, EditKind.CONDITION)


def _returns_nothing(node: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    word = node.children[0] if node.children else None
    values = node.named_children
    if word is None or word.type != "return" or not values:
        return
    start, end = values[0].start_byte, values[-1].end_byte
    if text[start:end].decode("utf-8", "replace") != rules.nothing:
        yield Edit(start, end, rules.nothing, EditKind.RETURN)


def _one_more(node: Node, text: bytes) -> Iterator[Edit]:
    said = node_text(node, text)
    if said.isascii() and said.isdigit() and len(said) < 10 and (said == "0" or said[0] != "0"):
        yield Edit(node.start_byte, node.end_byte, str(int(said) + 1), EditKind.CONSTANT)


def _is_call(node: Node) -> bool:
    """Whether the statement is a call and nothing else."""
    inner = node.named_children
    return len(inner) == 1 and ("call" in inner[0].type or "invocation" in inner[0].type)
