"""How Go functions are closed: a folder is a package, an import of the own module leads to another folder.

The one rule: an import of anything but the standard library and the own module is refused, and so is one of
chance, of files, of processes or of the network.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from synth.grammar.node_types import names
from synth.grammar.trees import node_text
from synth.languages.closing import (
    Bound,
    Closed,
    Closing,
    Declared,
    Mention,
    Mentions,
    Module,
    Neighbours,
    Outside,
    free_mentions,
)
from synth.languages.go.adapting import FILLER, MADE, MAKER

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_PREDECLARED: Final = names(
    "any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune "
    "string uint uint8 uint16 uint32 uint64 uintptr true false iota nil append cap close complex copy delete "
    "imag len make new panic print println real recover _"
)
_IMPURE: Final = names("crypto/rand math/rand math/rand/v2 net os plugin syscall testing C")
_SCOPES: Final = names(
    "func_literal block if_statement for_statement expression_switch_statement type_switch_statement "
    "expression_case type_case default_case select_statement communication_case"
)
_SATISFYING: Final = names("String Error Len Less Swap Push Pop Is As Unwrap Format Read Write Close")
"""Methods by which the standard library calls a value, without a mention in the program."""
_DIRECTIVE: Final = re.compile(rb"^//(?:go:build|\s*\+build)\b", re.MULTILINE)
_MODULE: Final = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)


# --- declarations ---


def _declarations(root: "Node", text: bytes) -> Iterator[Declared]:
    first = next((node.start_byte for node in root.named_children if node.type == "package_clause"), 0)
    why = "is compiled under a condition" if _DIRECTIVE.search(text, 0, first) else ""
    for node in root.named_children:
        if node.type == "import_declaration":
            yield from _imports(node, text)
        elif node.type in ("const_declaration", "var_declaration", "type_declaration"):
            yield _declaration(node, [bound for spec in _specs(node) for bound in _names_of(spec, text)], why)
        elif node.type == "function_declaration":
            yield _function(node, text, why)
        elif node.type == "method_declaration":
            yield _method(node, text, why)


def _declaration(node: "Node", binds: Sequence[Bound], why: str) -> Declared:
    return Declared(start=node.start_byte, end=node.end_byte, nodes=(node,), binds=tuple(binds), refused=why)


def _function(node: "Node", text: bytes, why: str) -> Declared:
    """A function; one that makes an object of a type comes with the type, for the callers of its methods."""
    binds = tuple(one for one in _names_of(node, text) if one.name not in ("init", "_"))
    result = node.child_by_field_name("result")
    made = MADE.fullmatch(node_text(result, text)) if result is not None else None
    makes = made is not None and binds and MAKER.match(binds[0].name)
    return Declared(
        start=node.start_byte,
        end=node.end_byte,
        nodes=(node,),
        binds=binds,
        member_of=(made[1],) if made is not None and makes else (),
        comes="with_owner" if makes else "asked",
        refused=why,
    )


def _specs(node: "Node") -> Iterator["Node"]:
    """The parts of a declaration, which may stand in brackets."""
    for child in node.named_children:
        if child.type.endswith("_list"):
            yield from _specs(child)
        elif child.type.endswith(("_spec", "_alias")):
            yield child


def _names_of(node: "Node", text: bytes) -> Iterator[Bound]:
    """The names that a function, a constant, a variable or a type binds."""
    several = node.type in ("const_spec", "var_spec")
    kinds = ("identifier",) if several else ("identifier", "type_identifier")
    found = [child for child in node.named_children if child.type in kinds]
    for child in found if several else found[:1]:
        if (name := node_text(child, text)) != "_":
            yield Bound(name, child.start_byte, child.end_byte)


def _method(node: "Node", text: bytes, why: str) -> Declared:
    name = node.child_by_field_name("name")
    called = node_text(name, text) if name is not None else ""
    receiver = node.child_by_field_name("receiver")
    owners = [node_text(one, text) for one in _below(receiver) if one.type == "type_identifier"]
    return Declared(
        start=node.start_byte,
        end=node.end_byte,
        nodes=(node,),
        members=frozenset({called}),
        member_of=tuple(owners[:1]),
        comes="with_owner" if called in _SATISFYING or FILLER.match(called) else "asked",
        refused=why,
    )


def _below(node: "Node | None") -> Iterator["Node"]:
    stack = [node] if node is not None else []
    while stack:
        here = stack.pop()
        yield here
        stack.extend(reversed(here.named_children))


def _imports(node: "Node", text: bytes) -> Iterator[Declared]:
    for spec in _specs(node):
        place = spec.child_by_field_name("path")
        path = node_text(place, text).strip('"`') if place is not None else ""
        alias = spec.child_by_field_name("name")
        name = node_text(alias, text) if alias is not None else _package_name(path)
        if name == "_":
            continue
        written = f'{name} "{path}"' if alias is not None else f'"{path}"'
        yield Declared(
            start=spec.start_byte,
            end=spec.end_byte,
            binds=(Bound("*" if name == "." else name, 0, 0),),
            text=written,
            in_package=False,
            leads_to=path,
        )


def _package_name(path: str) -> str:
    """The name that an import gets by itself: the last word of its path, without a version."""
    words = [word for word in path.split("/") if not re.fullmatch(r"v\d+", word)]
    return words[-1] if words else path


# --- names ---


def _mentions(node: "Node", text: bytes) -> Mentions:
    specs = (node,) if node.type == "function_declaration" else tuple(_specs(node))
    own = frozenset(bound.name for spec in specs for bound in _names_of(spec, text))
    return free_mentions(
        node, text, mention=_mention, bound=_bound, scopes=_SCOPES, members=names("field_identifier"), own=own
    )


def _mention(node: "Node", text: bytes) -> Mention | None:
    if node.type in ("identifier", "type_identifier"):
        if _is_binder(node):
            return None
        key = node.parent is not None and node.parent.type == "literal_element"
        return Mention(
            (node_text(node, text),), node.start_byte, (node.end_byte,), not (key and _is_key(node))
        )
    first, second = {"selector_expression": ("operand", "field"), "qualified_type": ("package", "name")}.get(
        node.type, ("", "")
    )
    of, name = node.child_by_field_name(first), node.child_by_field_name(second)
    if of is None or name is None or of.type not in ("identifier", "package_identifier"):
        return None
    path = (node_text(of, text), node_text(name, text))
    return Mention(path, of.start_byte, (of.end_byte, name.end_byte))


def _is_key(node: "Node") -> bool:
    """Whether a name stands before the colon of a literal, where it may be a field."""
    element = node.parent
    if element is None or element.type != "literal_element":
        return False
    pair = element.parent
    return pair is not None and pair.type == "keyed_element" and pair.child_by_field_name("key") == element


def _is_binder(node: "Node") -> bool:
    """Whether the name stands where a statement binds it."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type in ("const_spec", "var_spec", "parameter_declaration", "variadic_parameter_declaration"):
        return node.type == "identifier"
    outer = parent.parent
    return (
        parent.type == "expression_list"
        and outer is not None
        and outer.type == "short_var_declaration"
        and outer.child_by_field_name("left") == parent
    )


def _bound(node: "Node", text: bytes) -> Iterable[tuple[str, int]]:
    kind = node.type
    if kind in ("parameter_declaration", "variadic_parameter_declaration", "type_parameter_declaration"):
        return [(name, 0) for name in _identifiers(node, text)]
    if kind in ("const_spec", "var_spec"):
        return [(name, node.end_byte) for name in _identifiers(node, text)]
    if kind in ("function_declaration", "type_spec", "type_alias"):
        return [(bound.name, 0) for bound in _names_of(node, text)]
    if kind == "method_declaration":
        held = [one for one in _below(node.child_by_field_name("receiver")) if one.type == "type_arguments"]
        return [
            (node_text(one, text), 0)
            for arguments in held
            for one in _below(arguments)
            if one.type == "type_identifier"
        ]
    field = {"short_var_declaration": "left", "range_clause": "left", "receive_statement": "left",
             "type_switch_statement": "alias"}.get(kind)  # fmt: skip
    left = node.child_by_field_name(field) if field else None
    if left is None or (kind != "type_switch_statement" and not _declares(node)):
        return ()
    since = node.end_byte if kind == "short_var_declaration" else node.start_byte
    return [(name, since) for name in _identifiers(left, text)]


def _declares(node: "Node") -> bool:
    """Whether the statement has `:=`, and no plain `=`."""
    return any(child.type == ":=" for child in node.children)


def _identifiers(node: "Node", text: bytes) -> list[str]:
    return [node_text(child, text) for child in node.named_children if child.type == "identifier"]


# --- places ---


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _files(folder: str, neighbours: Neighbours) -> Sequence[str]:
    return [path for path in neighbours.files(folder) if not path.endswith("_test.go")]


def _siblings(path: str, neighbours: Neighbours) -> Sequence[str]:
    return [other for other in _files(_folder(path), neighbours) if other != path]


def _locate(path: str, leads_to: str, neighbours: Neighbours) -> Module | Outside | Closed:
    for folder in _upwards(_folder(path)):
        text = neighbours.text(f"{folder}/go.mod".removeprefix("/"))
        if text is None:
            continue
        named = _MODULE.search(text)
        if named and (leads_to == named[1] or leads_to.startswith(f"{named[1]}/")):
            return Module(f"{folder}{leads_to.removeprefix(named[1])}".strip("/"))
        break
    first = leads_to.partition("/")[0]
    if leads_to in _IMPURE or first in _IMPURE:
        return Closed("impure", "is a package of chance, of files, of processes or of the network")
    if "." in first:
        return Closed("not_self_contained", "is a package outside the standard library")
    return Outside()


def _upwards(folder: str) -> Iterator[str]:
    """The folder and those around it, the tree's root (an empty text) last."""
    while folder:
        yield folder
        folder = _folder(folder)
    yield ""


def _assemble(imports: Sequence[str], parts: Sequence[str]) -> str:
    lines = "".join(f"\t{line}\n" for line in sorted(imports))
    head = ["package main", f"import (\n{lines})"] if imports else ["package main"]
    return "\n\n".join([*head, *parts]) + "\n"


CLOSING: Final = Closing(
    declarations=_declarations,
    mentions=_mentions,
    module=_siblings,
    locate=_locate,
    files=_files,
    assemble=_assemble,
    predeclared=_PREDECLARED,
    entry_last="always",
)
