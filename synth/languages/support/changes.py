"""Which parameters a function may change for its caller: written through, called a method of, or handed
on.

Place in the flow: a language says which parameters can carry a change at all (an array, a reference);
this module reads the body. The one rule: it says "may"; whether a call really changes an argument is seen
when the function runs.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synth.grammar.trees import node_text, walk

if TYPE_CHECKING:
    from synth.grammar.nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNodes:
    """The node types by which a grammar names changes."""

    assignments: frozenset[str]
    """The first named child is what is assigned to."""
    calls: frozenset[str]
    receiver: str
    """The field of a call that holds the function or its object."""
    arguments: str = "arguments"
    loops: frozenset[str] = frozenset()
    """Loops over a parameter by reference."""


def changed_names(
    body: "Node", text: bytes, names: Collection[str], nodes: ChangeNodes, whole: Collection[str] = ()
) -> tuple[str, ...]:
    """Those of `names` that the body may change, in their order; an assignment to a bare name counts for
    those that are in `whole` too (references)."""
    found: set[str] = set()
    for node in walk(body):
        if node.type in nodes.assignments and (left := next(iter(node.named_children), None)) is not None:
            name = _root(left, text)
            if left.type != "identifier" or name in whole:
                found.add(name)
        elif node.type in nodes.calls:
            receiver = node.child_by_field_name(nodes.receiver)
            if receiver is not None and (receiver.type != "identifier" or nodes.receiver == "object"):
                found.add(_root(receiver, text))
            given = node.child_by_field_name(nodes.arguments)
            found.update(_root(one, text) for one in (given.named_children if given is not None else ()))
        elif node.type in nodes.loops:
            found.update(_root(one, text) for one in node.named_children)
    return tuple(name for name in names if name in found)


_CHANGING = frozenset(
    "append extend insert remove pop clear sort reverse update setdefault popitem appendleft push shift "
    "unshift splice fill set add delete copyWithin".split()
)
"""Methods that change their object, of Python and JavaScript."""


def changed_elements(function: "Node", text: bytes) -> tuple[str, ...]:
    """The parameters of a function without types (Python, JavaScript) that it changes: it assigns to an
    element of one, or calls a method of one that changes it."""
    head, body = function.child_by_field_name("parameters"), function.child_by_field_name("body")
    found: set[str] = set()
    for node in walk(body) if body is not None else ():
        called = node.child_by_field_name("function") if node.type in ("call", "call_expression") else None
        if called is not None:
            method = called.child_by_field_name("attribute") or called.child_by_field_name("property")
            if method is not None and node_text(method, text) in _CHANGING:
                found.add(_root(called, text))
        left = node.child_by_field_name("left") if "assignment" in node.type else None
        places = [one for one in walk(left) if one.type.startswith("subscript")] if left is not None else []
        found.update(_root(one, text) for one in places)
    names = (
        [node_text(one, text) for one in walk(head) if one.type == "identifier"] if head is not None else []
    )
    return tuple(name for name in dict.fromkeys(names) if name in found and name not in ("self", "cls"))


def _root(node: "Node", text: bytes) -> str:
    """The leftmost name of an expression: `a` for `a[i].x`."""
    while not node.is_leaf and node.named_children:
        node = node.named_children[0]
    return node_text(node, text) if node.type == "identifier" else ""


def edited(text: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """The text with new bytes in those places (start, end, new); one inside another is left out."""
    parts, at = list[bytes](), 0
    for start, end, new in sorted(edits):
        if start >= at:
            parts += [text[at:start], new]
            at = end
    return b"".join([*parts, text[at:]])
