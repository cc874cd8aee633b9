"""A syntax tree as plain data: what a parser process sent, read like the tree of tree-sitter.

Place in the flow: `trees.parse` makes it from columns of numbers; function cutting, FIM and mutants read it.
The one rule: whatever the numbers are, reading ends and raises nothing: each node has the nodes after it that
lie deeper.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

_COLUMNS: Final = 6
_NAMED, _ERROR, _MISSING, _HAS_ERROR = 1, 2, 4, 8


class Place(NamedTuple):
    """A place in a text; both numbers count from 0."""

    row: int
    column: int
    """In bytes."""


class Tree:
    """All nodes of one text. Raises ValueError, TypeError, KeyError or AttributeError for what is none."""

    def __init__(self, text: bytes, head: Mapping[str, Any], body: bytes) -> None:
        numbers = array("I")
        count = len(body) // (_COLUMNS * numbers.itemsize)
        if not count:
            raise ValueError("a tree has a root")
        numbers.frombytes(body[: count * _COLUMNS * numbers.itemsize])
        columns = [numbers[at * count : (at + 1) * count] for at in range(_COLUMNS)]
        self.types, self.fields, self.flags, depths, self.starts, self.ends = columns
        self.kinds = {int(number): str(name) for number, name in head["kinds"].items()}
        self.field_names = {int(number): str(name) for number, name in head["fields"].items()}
        self.after = _ends(depths)
        self.text = text

    @property
    def root_node(self) -> "Node":
        return Node(self, 0, None)

    @cached_property
    def _lines(self) -> list[int]:
        """Where each line begins."""
        starts, at = [0], self.text.find(b"\n") + 1
        while at:
            starts.append(at)
            at = self.text.find(b"\n", at) + 1
        return starts

    def place(self, offset: int) -> Place:
        """The place of a byte."""
        row = bisect_right(self._lines, offset) - 1
        return Place(row, offset - self._lines[row])


def _ends(depths: "array[int]") -> list[int]:
    """For each node, the number of the first node after it that is not below it."""
    after, open_nodes = [len(depths)] * len(depths), list[int]()
    for at, depth in enumerate(depths):
        while open_nodes and depths[open_nodes[-1]] >= depth:
            after[open_nodes.pop()] = at
        open_nodes.append(at)
    return after


class Node:
    """One node. Nodes of one place are equal."""

    __slots__ = ("_at", "_tree", "parent")

    def __init__(self, tree: Tree, at: int, parent: "Node | None") -> None:
        self._tree, self._at, self.parent = tree, at, parent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and (self._tree, self._at) == (other._tree, other._at)

    def __hash__(self) -> int:
        return hash((id(self._tree), self._at))

    @property
    def type(self) -> str:
        return self._tree.kinds.get(self._tree.types[self._at], "")

    @property
    def start_byte(self) -> int:
        return self._tree.starts[self._at]

    @property
    def end_byte(self) -> int:
        return self._tree.ends[self._at]

    @property
    def start_point(self) -> Place:
        return self._tree.place(self.start_byte)

    @property
    def end_point(self) -> Place:
        return self._tree.place(self.end_byte)

    @property
    def is_named(self) -> bool:
        return bool(self._tree.flags[self._at] & _NAMED)

    @property
    def is_error(self) -> bool:
        return bool(self._tree.flags[self._at] & _ERROR)

    @property
    def is_missing(self) -> bool:
        return bool(self._tree.flags[self._at] & _MISSING)

    @property
    def has_error(self) -> bool:
        """Whether it is an error or holds one."""
        return bool(self._tree.flags[self._at] & _HAS_ERROR)

    @property
    def children(self) -> list["Node"]:
        return list(self._children())

    @property
    def named_children(self) -> list["Node"]:
        return [child for child in self._children() if child.is_named]

    @property
    def named_child_count(self) -> int:
        return len(self.named_children)

    @property
    def prev_named_sibling(self) -> "Node | None":
        before = None
        for sibling in self.parent._children() if self.parent else ():
            if sibling == self:
                return before
            before = sibling if sibling.is_named else before
        return None

    def child_by_field_name(self, name: str) -> "Node | None":
        """The first child in that field."""
        names, fields = self._tree.field_names, self._tree.fields
        return next((child for child in self._children() if names.get(fields[child._at]) == name), None)

    def descendant_for_byte_range(self, start: int, end: int) -> "Node":
        """The smallest node below this one, or itself, that holds these bytes."""
        node = self
        while True:
            inner = (one for one in node._children() if one.start_byte <= start and end <= one.end_byte)
            found = next(inner, None)
            if found is None:
                return node
            node = found

    @property
    def is_leaf(self) -> bool:
        return self._tree.after[self._at] == self._at + 1

    def _children(self) -> Iterator["Node"]:
        after, at = self._tree.after, self._at + 1
        while at < after[self._at]:
            yield Node(self._tree, at, self)
            at = after[at]
