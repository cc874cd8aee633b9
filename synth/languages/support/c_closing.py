"""How functions of C and C++ are closed: an include of the own tree brings the names of that file, a class
comes whole, and a namespace is only a place.

The one rule: what the file says comes in the order of the file. What a header outside the standard library
and the own tree would bring is left to the compiler.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal

from synth.grammar.node_types import names
from synth.grammar.trees import node_text, walk
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
)

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_PLACES: Final = names("namespace_definition linkage_specification")
_GUARDS: Final = names("preproc_ifdef")
_TYPES: Final = names("class_specifier struct_specifier union_specifier enum_specifier")
_DECLARED: Final = names(
    "function_definition template_declaration declaration alias_declaration type_definition "
    "concept_definition namespace_alias_definition preproc_def preproc_function_def using_declaration"
)
_BINDING: Final = names(
    "parameter_declaration optional_parameter_declaration declaration for_range_loop "
    "type_parameter_declaration variadic_parameter_declaration structured_binding_declarator "
    "lambda_capture_initializer"
)
_NAMED: Final = names(
    "preproc_def preproc_function_def alias_declaration namespace_alias_definition concept_definition"
)
_LEAVES: Final = names("identifier type_identifier field_identifier operator_name destructor_name")
_USING: Final = re.compile(r"using\s+namespace\s+(?!std\s*;)([\w:]+)\s*;")
_ALWAYS_STD: Final = re.compile(r"using\s+(?:namespace\s+)?std\b")


# --- declarations ---


def _declarations(root: "Node", text: bytes) -> Iterator[Declared]:
    yield from _inside(root, text, None)


def _inside(place: "Node", text: bytes, outer: Declared | None) -> Iterator[Declared]:
    for node in place.named_children:
        if node.type in _GUARDS and text[node.start_byte : node.start_byte + 7] == b"#ifndef":
            yield from _inside(node, text, outer)
        elif node.type == "preproc_include":
            yield _include(node, text)
        elif node.type in _PLACES:
            yield from _place(node, text, outer)
        elif node.type in _TYPES or node.type in _DECLARED:
            yield _declared(node, text, outer)


def _include(node: "Node", text: bytes) -> Declared:
    place = node.child_by_field_name("path")
    path = node_text(place, text) if place is not None else ""
    return Declared(
        start=node.start_byte,
        end=node.end_byte,
        binds=(Bound("*", 0, 0),),
        comes="always",
        text=f"#include {path}",
        in_package=False,
        leads_to=path,
    )


def _place(node: "Node", text: bytes, outer: Declared | None) -> Iterator[Declared]:
    body = node.child_by_field_name("body")
    if body is None:
        return
    if body.type != "declaration_list":
        yield _declared(body, text, outer)
        return
    opened = text.find(b"{", body.start_byte) + 1
    own = Declared(start=node.start_byte, end=opened, inside=outer, tail=(body.end_byte - 1, body.end_byte))
    yield own
    yield from _inside(body, text, own)


def _declared(node: "Node", text: bytes, outer: Declared | None) -> Declared:
    end = node.end_byte
    if node.type in _TYPES or node.type == "template_declaration":
        rest = re.compile(rb"\s*;").match(text, end)
        end = rest.end() if rest else end
    bound = [one for one in _bound_names(node, text) if one is not None]
    plain = tuple(Bound(node_text(one, text), one.start_byte, one.end_byte) for one in bound)
    owners = _owners(node, text)
    words = text[node.start_byte : end].decode("utf-8", "replace")
    own_space = _USING.match(words)
    return Declared(
        start=node.start_byte,
        end=end,
        nodes=(node,),
        binds=() if owners else plain,
        members=frozenset(one.name for one in plain),
        member_of=owners,
        comes=_comes(node, words, owners, plain),
        inside=outer,
        text=f"namespace {own_space[1]} {{}}\n{words}" if own_space else "",
    )


def _comes(
    node: "Node", words: str, owners: tuple[str, ...], bound: Sequence[Bound]
) -> Literal["asked", "with_owner", "always"]:
    if node.type == "using_declaration" and (_USING.match(words) or _ALWAYS_STD.match(words)):
        return "always"
    if not owners and any(one.name.startswith("operator") for one in bound):
        return "always"
    special = any(one.name.startswith(("operator", "~")) or one.name in owners for one in bound)
    return "with_owner" if owners and special else "asked"


def _bound_names(node: "Node", text: bytes) -> Iterator["Node"]:
    """The nodes of the names that a declaration gives to its file; an enumeration gives its values too."""
    inner = _without_template(node)
    if inner.type in _TYPES:
        yield from _type_names(inner)
        return
    if inner.type in _NAMED:
        name = inner.child_by_field_name("name")
        yield from [name] if name is not None else []
        return
    if inner.type == "using_declaration":
        found = [one for one in walk(inner) if one.type in _LEAVES]
        is_name = not any(child.type == "namespace" for child in inner.children)
        yield from found[-1:] if is_name else []
        return
    kind = inner.child_by_field_name("type")
    if kind is not None and kind.type in _TYPES:
        yield from _type_names(kind)
    declarators = [inner] if inner.type == "function_definition" else [*_declarators(inner)]
    for one in declarators:
        name = _declared_name(one)
        if name is not None:
            yield name


def _type_names(node: "Node") -> Iterator["Node"]:
    name = node.child_by_field_name("name")
    if name is not None:
        yield name
    if node.type == "enum_specifier":
        body = node.child_by_field_name("body")
        for one in body.named_children if body is not None else ():
            value = one.child_by_field_name("name") if one.type == "enumerator" else None
            if value is not None:
                yield value


def _without_template(node: "Node") -> "Node":
    while node.type == "template_declaration" and node.named_children:
        node = node.named_children[-1]
    return node


def _declarators(node: "Node") -> Iterator["Node"]:
    kinds = ("identifier", "type_identifier", "field_identifier", "qualified_identifier", "operator_name")
    others = [node.child_by_field_name(field) for field in ("type", "default_value", "value", "right")]
    for child in node.named_children:
        is_name = child.type.endswith("_declarator") or child.type in kinds
        if is_name and child not in others:
            yield child


def _declared_name(node: "Node") -> "Node | None":
    """The innermost name of a declarator; of a qualified one, its last part."""
    while True:
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in ("reference_declarator", "parenthesized_declarator"):
            inner = next(iter(node.named_children), None)
        if inner is None and node.type == "qualified_identifier":
            inner = node.child_by_field_name("name")
        if inner is None and node.type in ("template_function", "template_type"):
            inner = node.child_by_field_name("name")
        if inner is None:
            return node if node.type in _LEAVES else None
        node = inner


def _owners(node: "Node", text: bytes) -> tuple[str, ...]:
    """The class of a member that is defined outside of it; of an operator, the first type of its parameters
    that may be one."""
    inner = _without_template(node)
    if inner.type not in ("function_definition", "declaration"):
        return ()
    scope = next((one for one in walk(inner, frozenset({"compound_statement", "parameter_list"}))
                  if one.type == "qualified_identifier" and _is_declarator(one, inner)), None)  # fmt: skip
    if scope is not None:
        last = ""
        while scope is not None and scope.type == "qualified_identifier":
            place = scope.child_by_field_name("scope")
            if place is not None and place.type == "template_type":
                place = place.child_by_field_name("name")
            last = node_text(place, text) if place is not None else last
            scope = scope.child_by_field_name("name")
        return (last,) if last else ()
    operator = next(
        (one for one in walk(inner, frozenset({"compound_statement"})) if one.type == "operator_name"), None
    )
    if operator is None:
        return ()
    given = next((one for one in walk(inner) if one.type == "parameter_list"), None)
    types = [node_text(one, text) for one in walk(given) if one.type == "type_identifier"] if given else []
    return tuple(one for one in types if one not in ("ostream", "istream", "string", "vector"))[:1]


def _is_declarator(node: "Node", of: "Node") -> bool:
    """Whether the name stands where the declaration gives a name, and not in its type."""
    parent = node.parent
    return (
        parent is not None
        and parent.child_by_field_name("type") != node
        and (parent == of or parent.type.endswith("_declarator"))
    )


# --- names ---


def _mentions(node: "Node", text: bytes) -> Mentions:
    own = {one.start_byte for one in _bound_names(node, text)}
    known = _local_names(node, text)
    found: list[Mention] = []
    members: set[str] = set()
    for one in walk(node, frozenset({"friend_declaration"})):
        if one.type in ("field_identifier", "destructor_name", "operator_name") and not _is_promised(
            one, text
        ):
            members.add(node_text(one, text))
        if one.type in ("binary_expression", "unary_expression", "subscript_expression", "update_expression"):
            members.update(f"operator{child.type}" for child in one.children if not child.is_named)
        if one.type == "preproc_arg":
            found += _words(one, text)
        if one.type not in ("identifier", "type_identifier", "namespace_identifier") or one.start_byte in own:
            continue
        name, parent = node_text(one, text), one.parent
        called = parent is not None and parent.type in ("call_expression", "template_function")
        if (name in known and not called) or _is_of_std(one, text):
            continue
        members.add(name)
        found.append(Mention((name,), one.start_byte, (one.end_byte,), required=False))
    return Mentions(tuple(found), frozenset(members))


def _is_promised(node: "Node", text: bytes) -> bool:
    """Whether a class only declares a method here; one that is called through its base is needed."""
    parent = node.parent
    if parent is None or parent.type != "function_declarator":
        return False
    while parent is not None and parent.type != "field_declaration":
        parent = parent.parent
    return parent is not None and not re.search(
        rb"\b(?:virtual|override)\b", text[parent.start_byte : parent.end_byte]
    )


def _words(node: "Node", text: bytes) -> Iterator[Mention]:
    """The names in the text of a macro."""
    for word in re.finditer(rb"[A-Za-z_]\w*", text[node.start_byte : node.end_byte]):
        start = node.start_byte + word.start()
        yield Mention((word[0].decode(),), start, (start + len(word[0]),), required=False)


def _local_names(node: "Node", text: bytes) -> frozenset[str]:
    """Names of parameters and variables inside."""
    found: set[str] = set()
    for one in walk(node):
        if one.type not in _BINDING or (one == node and one.type == "declaration"):
            continue
        if one.type in ("structured_binding_declarator", "type_parameter_declaration"):
            found.update(node_text(child, text) for child in one.named_children[:8] if child.type in _LEAVES)
            continue
        for declarator in _declarators(one):
            name = _declared_name(declarator)
            if name is not None:
                found.add(node_text(name, text))
    return frozenset(found)


def _is_of_std(node: "Node", text: bytes) -> bool:
    """Whether the name is that of `std::name`."""
    here, parent = node, node.parent
    while parent is not None and parent.type in (
        "qualified_identifier",
        "template_function",
        "template_type",
    ):
        if parent.type == "qualified_identifier":
            scope = parent.child_by_field_name("scope")
            if scope is not None and scope != here and node_text(scope, text) == "std":
                return True
        here, parent = parent, parent.parent
    return False


# --- places ---


def _locate(path: str, leads_to: str, neighbours: Neighbours) -> Module | Outside | Closed:
    if leads_to.startswith("<"):
        return Outside() if re.fullmatch(r"<[a-z_0-9]+(\.h)?>|<bits/stdc\+\+\.h>", leads_to) else _FOREIGN
    file = posixpath.normpath(posixpath.join(posixpath.dirname(path), leads_to.strip('"')))
    return _FOREIGN if file.startswith("..") or neighbours.text(file) is None else Module(file, every=True)


_FOREIGN: Final = Closed("not_self_contained", "is a header outside the standard library and the own tree")


def _no_siblings(path: str, neighbours: Neighbours) -> Sequence[str]:
    return ()


def _files(folder_or_file: str, neighbours: Neighbours) -> Sequence[str]:
    return [folder_or_file]


def _assemble(imports: Sequence[str], parts: Iterable[str]) -> str:
    return "\n\n".join([*(["\n".join(imports)] if imports else []), *(part.strip() for part in parts)]) + "\n"


CLOSING: Final = Closing(
    declarations=_declarations,
    mentions=_mentions,
    module=_no_siblings,
    locate=_locate,
    files=_files,
    assemble=_assemble,
    entry_last="unless_needed",
    overloads=True,
)
