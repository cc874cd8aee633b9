"""The node types of a grammar that matter to us: functions, blocks, comments, expressions.

Place in the flow: a language states its own (`Language.node_types`); function cutting and FIM read them. The
one rule: data alone; a node type is a name in the language's tree-sitter grammar.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTypes:
    """The node types of one language."""

    functions: frozenset[str]
    """Nodes that define a named function; an anonymous function counts when it is bound to a name
    (`binders`)."""
    blocks: frozenset[str]
    """Nodes whose named children are statements."""
    comments: frozenset[str] = frozenset({"comment"})
    expressions: frozenset[str] = frozenset()
    """Nodes that are expressions although their names do not end in `_expression`."""
    wrappers: frozenset[str] = frozenset()
    """Nodes that stand around a function and belong to it: decorators, templates, `export`."""
    binders: frozenset[str] = frozenset()
    """Nodes that give a name to the anonymous function in their field `value`."""
    anonymous: frozenset[str] = frozenset()
    result_field: str = ""
    """The field of a function that holds its result type; a function without it returns nothing. Empty: only
    a `return` with a value says that a function returns something."""
    documented_before: bool = False
    """Whether comments right before a function belong to it (JSDoc)."""
    lists_generators: bool = False
    """Whether the language's adapter lists what a generator yields: it then counts as a function with a
    result."""
    void: str = ""
    """The result type of a function that returns nothing, where there is a word for it."""

    def is_expression(self, node_type: str) -> bool:
        """Whether a node of that type is an expression."""
        return node_type in self.expressions or node_type.endswith("_expression")


def names(text: str) -> frozenset[str]:
    """The words of a text, as a set of node types."""
    return frozenset(text.split())
