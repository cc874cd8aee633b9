"""The adapter to tree-sitter: text in, syntax tree out. tree-sitter is imported on first use.

The one rule: positions are byte offsets into the UTF-8 text, so a slice of the bytes is the node's text,
exactly.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from synth.grammar.loader import NoGrammar, load_grammar
from synth.grammar.table import GRAMMARS

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree


@cache
def _parser(grammar: str) -> "Parser":
    """One parser a grammar and process: parsers cannot be pickled, so a worker makes its own."""
    from tree_sitter import Parser

    return Parser(load_grammar(grammar))


def has_grammar(language: str) -> bool:
    """Whether `parse` can read that language."""
    try:
        _parser(_grammar_name(language))
    except NoGrammar:
        return False
    return True


def _grammar_name(language: str) -> str:
    return GRAMMARS[language].grammar_name if language in GRAMMARS else language


def parse(text: bytes, language: str) -> "Tree":
    """The syntax tree. Raises NoGrammar. A text with errors has a tree too: look at `root_node.has_error`."""
    return _parser(_grammar_name(language)).parse(text)


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
    """The first ERROR or MISSING node, or None. Follows only branches that hold one."""
    if not root.has_error:
        return None
    for child in root.children:
        if child.is_error or child.is_missing:
            return child
        if child.has_error:
            return first_error(child) or child
    return root


def node_text(node: "Node", text: bytes) -> str:
    """The node's text."""
    return text[node.start_byte : node.end_byte].decode()
