"""Text and the name of a grammar in, syntax tree or first error out: what every reader of syntax asks.

Place in the flow: `languages` checks programs here, function cutting, FIM and mutants read trees here. The
text is parsed in a process of its own (`parser_process.py`); a text that costs too much raises
`UnparsedError`. The one rule: positions are byte offsets into the UTF-8 text, so a slice of the bytes is the
node's text, exactly.
"""

from collections.abc import Iterator
from typing import NamedTuple

from synth.grammar.loader import GRAMMARS, NoGrammar
from synth.grammar.nodes import Node, Tree
from synth.grammar.parser_process import Answer, parsers


class ParseError(NamedTuple):
    """The first syntax error of a text."""

    line: int
    """From 1."""
    message: str


def has_grammar(grammar: str) -> bool:
    """Whether `parse` can read texts by that grammar."""
    return grammar in GRAMMARS


def parse(text: bytes, grammar: str, depth: int | None = None) -> Tree:
    """The syntax tree, down to that depth. Raises NoGrammar, UnparsedError. A text with errors has a tree
    too: look at `root_node.has_error`."""
    _need(grammar)
    return parsers().ask("tree", grammar, text, lambda answer: Tree(text, answer.head, answer.body), depth)


def parse_error(code: str, grammar: str) -> ParseError | None:
    """The first syntax error of the code, or None. Raises NoGrammar, UnparsedError."""
    _need(grammar)
    return _ask("error", grammar, code)


def native_error(code: str, parser: str) -> ParseError | None:
    """The first syntax error by a language's own parser (`NATIVE`), or None. Raises UnparsedError."""
    return _ask("native", parser, code)


def _need(grammar: str) -> None:
    if grammar not in GRAMMARS:
        raise NoGrammar(grammar)


def _ask(kind: str, by: str, code: str) -> ParseError | None:
    return parsers().ask(kind, by, code.encode("utf-8", "surrogatepass"), _first_error)


def _first_error(answer: Answer) -> ParseError | None:
    error = answer.head["error"]
    return None if error is None else ParseError(int(error[0]), str(error[1]))


def walk(root: Node, skip: frozenset[str] = frozenset()) -> Iterator[Node]:
    """All nodes below `root` in the order of the text, `root` first; nothing below a node whose type is in
    `skip`, unless it is `root`."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if node.type not in skip or node == root:
            stack.extend(reversed(node.children))


def node_text(node: Node, text: bytes) -> str:
    """The node's text."""
    return text[node.start_byte : node.end_byte].decode()
