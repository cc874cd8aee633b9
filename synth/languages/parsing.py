"""Parse checks by tree-sitter. Grammars are loaded on first use, so importing this module is cheap.

The one rule: a check says the first error in words or None, and never raises on a program's text.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from synth.grammar.loader import load_grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


@lru_cache(maxsize=64)
def get_parser(grammar: str) -> "Parser":
    """The tree-sitter parser of a grammar. Raises LookupError for an unknown grammar."""
    from tree_sitter import Parser

    return Parser(load_grammar(grammar))


def tree_error(code: str, grammar: str) -> str | None:
    """The first syntax error of the text in words, or None."""
    tree = get_parser(grammar).parse(code.encode("utf-8", "surrogatepass"))
    if not tree.root_node.has_error:
        return None
    node = _first_error(tree.root_node)
    line = node.start_point[0] + 1
    if node.is_missing:
        return f"line {line}: {node.type!r} is missing"
    return (
        f"line {line}: unexpected {code.splitlines()[line - 1].strip()[:60]!r}"
        if line <= len(code.splitlines())
        else f"line {line}: unexpected end"
    )


def _first_error(root: "Node") -> "Node":
    """The first error node in text order; without recursion, since hostile code nests deeply."""
    node = root
    while not (node.is_error or node.is_missing):
        deeper = next((child for child in node.children if child.has_error or child.is_missing), None)
        if deeper is None:
            return node
        node = deeper
    return node
