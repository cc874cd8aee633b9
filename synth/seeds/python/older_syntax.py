"""Writes syntax of newer Pythons as the Python that runs seeds reads it.

Place in the flow: a file that does not parse is written anew before it is indexed. Type parameters become
type variables (PEP 695), `type` aliases become assignments, and the types of an `except` get their brackets
(PEP 758). The one rule: only forms that have an older one with the same meaning are written anew; a text that
still does not parse is refused as before.
"""

from collections.abc import Iterator
from typing import NamedTuple

from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import node_text, parse, walk


class _Rewrite(NamedTuple):
    start: int
    end: int
    text: str


def write_older(text: str) -> str:
    """The text with the forms that an older Python has; the same text if it has none that is newer."""
    data = text.encode("utf-8", "surrogatepass")
    try:
        root = parse(data, "python").root_node
    except UnparsedError:
        return text
    edits, names = list[_Rewrite](), dict[str, int]()
    for node in walk(root):
        edits += _edits(node, data)
        if node.type == "type_parameter" and _owner(node) is not None:
            place = _outermost(node).start_byte
            for name in _names(node, data):
                names.setdefault(name, place)
    if names:
        imported = "from typing import Generic, TypeVar\n"
        for place in dict.fromkeys(names.values()):
            bound = [f'{name} = TypeVar("{name}")\n' for name in names if names[name] == place]
            edits.append(_Rewrite(place, place, imported + "".join(bound)))
            imported = ""
    for edit in sorted(edits, reverse=True):
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    return data.decode("utf-8", "surrogatepass")


def _edits(node: Node, data: bytes) -> Iterator[_Rewrite]:
    if node.type == "type_parameter" and _owner(node) is not None:
        yield _Rewrite(node.start_byte, node.end_byte, "")
    elif node.type == "class_definition" and (given := node.child_by_field_name("type_parameters")):
        yield from _with_generic(node, f"Generic[{', '.join(_names(given, data))}]")
    elif node.type == "type_alias_statement":
        name = node.named_children[0]
        yield _Rewrite(node.start_byte, name.start_byte, "")
    elif node.type == "except_clause":
        kinds = [one for one in node.named_children if one.type not in ("block", "as_pattern", "comment")]
        if len(kinds) > 1:
            yield _Rewrite(kinds[0].start_byte, kinds[0].start_byte, "(")
            yield _Rewrite(kinds[-1].end_byte, kinds[-1].end_byte, ")")


def _with_generic(node: Node, generic: str) -> Iterator[_Rewrite]:
    """The class with `Generic` as the last of its bases."""
    if generic == "Generic[]":
        return
    bases = node.child_by_field_name("superclasses")
    name = node.child_by_field_name("type_parameters")
    if bases is None and name is not None:
        yield _Rewrite(name.end_byte, name.end_byte, f"({generic})")
    elif bases is not None:
        plain = [one for one in bases.named_children if one.type not in ("keyword_argument", "comment")]
        if plain:
            yield _Rewrite(plain[-1].end_byte, plain[-1].end_byte, f", {generic}")
        else:
            more = ", " if bases.named_children else ""
            yield _Rewrite(bases.start_byte + 1, bases.start_byte + 1, generic + more)


def _owner(node: Node) -> Node | None:
    """The class, function or alias that has these type parameters; `list[int]` is read as one too."""
    parent = node.parent
    if parent is not None and parent.child_by_field_name("type_parameters") == node:
        return parent
    if parent is None or parent.type != "generic_type" or parent.parent is None:
        return None
    alias = parent.parent.parent
    is_name = alias is not None and alias.type == "type_alias_statement"
    return alias if alias is not None and is_name and alias.named_children[0] == parent.parent else None


def _names(node: Node, data: bytes) -> list[str]:
    """The plain type parameters; those of several types have a star."""
    words = [node_text(one, data) for one in node.named_children if one.type == "type"]
    plain = [word.partition(":")[0].partition("=")[0].strip() for word in words]
    return [word for word in plain if word.isidentifier()]


def _outermost(node: Node) -> Node:
    """The statement of the module that a node stands in."""
    while node.parent is not None and node.parent.parent is not None:
        node = node.parent
    return node
