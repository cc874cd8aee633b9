"""The adapter to tree-sitter: text and the name of a grammar in, syntax tree or first error out.

Place in the flow: `languages` checks programs here, function cutting, FIM and mutants read trees here. The
one rule: positions are byte offsets into the UTF-8 text, so a slice of the bytes is the node's text, exactly.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from synth.grammar.loader import NoGrammar, load_grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree


class ParseError(NamedTuple):
    """The first syntax error of a text."""

    line: int
    """From 1."""
    message: str


@cache
def _parser(grammar: str) -> "Parser":
    """One parser a grammar and process: parsers cannot be pickled, so a worker makes its own."""
    from tree_sitter import Parser

    return Parser(load_grammar(grammar))


def has_grammar(grammar: str) -> bool:
    """Whether `parse` can read texts by that grammar."""
    try:
        load_grammar(grammar)
    except NoGrammar:
        return False
    return True


def parse(text: bytes, grammar: str) -> "Tree":
    """The syntax tree. Raises NoGrammar. A text with errors has a tree too: look at `root_node.has_error`."""
    return _parser(grammar).parse(text)


def parse_error(code: str, grammar: str) -> ParseError | None:
    """The first syntax error of the code, or None. Raises NoGrammar."""
    error = first_error(parse(code.encode("utf-8", "surrogatepass"), grammar).root_node)
    if error is None:
        return None
    message = f"missing {error.type}" if error.is_missing else "unexpected text"
    return ParseError(error.start_point.row + 1, message)


def walk(root: "Node", skip: frozenset[str] = frozenset()) -> Iterator["Node"]:
    """All nodes below `root` in the order of the text, `root` first; nothing below a node whose type is in
    `skip`, unless it is `root`."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if node.type not in skip or node is root:
            stack.extend(reversed(node.children))


def first_error(root: "Node") -> "Node | None":
    """The first ERROR or MISSING node, or None. Follows only branches that hold one; without recursion, since
    hostile code nests deeply."""
    if not root.has_error:
        return None
    node = root
    while inner := next((child for child in node.children if child.has_error or child.is_missing), None):
        node = inner
        if node.is_error or node.is_missing:
            break
    return node


def node_text(node: "Node", text: bytes) -> str:
    """The node's text."""
    return text[node.start_byte : node.end_byte].decode()
