"""How Java methods are closed: a class comes with the members that are asked for, a package is a folder, and
an import of the own tree leads to the file that is named after the class.

The one rule: an import of anything but the platform and the own tree is refused.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

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
    free_mentions,
)

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_CONTAINERS: Final = names("class_declaration interface_declaration")
_WHOLE: Final = names("enum_declaration record_declaration annotation_type_declaration")
_TYPES: Final = _CONTAINERS | _WHOLE
_HEADS: Final = names("type_parameters superclass super_interfaces extends_interfaces permits")
_SCOPES: Final = names(
    "block for_statement enhanced_for_statement lambda_expression catch_clause try_with_resources_statement "
    "switch_block_statement_group switch_rule class_body constructor_body method_declaration "
    "constructor_declaration"
)
_SATISFYING: Final = names(
    "compareTo compare equals hashCode toString iterator hasNext next run call apply accept test get close"
)
"""Methods by which the platform calls a value, without a mention in the program."""
_PLATFORM: Final = ("java.", "javax.", "jdk.")
_IMPURE: Final = ("java.net", "java.nio.file", "java.nio.channels", "java.sql", "java.awt", "javax.swing")
_PUBLIC: Final = re.compile(r"\A((?:@[\w.]+(?:\([^()]*\))?\s*)*)public\s+")


# --- declarations ---


def _declarations(root: "Node", text: bytes) -> Iterator[Declared]:
    for node in root.named_children:
        if node.type == "import_declaration":
            yield _import(node, text)
        elif node.type in _TYPES:
            yield from _type(node, text, None, "")
        elif node.type == "method_declaration":
            yield _member(node, text, None, "")


def _import(node: "Node", text: bytes) -> Declared:
    written = node_text(node, text)
    words = written.removeprefix("import").strip().rstrip(";").split()
    path = "".join(words).removeprefix("static") if words and words[0] == "static" else "".join(words)
    every = path.endswith(".*")
    name = "*" if every else path.rpartition(".")[2]
    return Declared(
        start=node.start_byte,
        end=node.end_byte,
        binds=(Bound(name, 0, 0),),
        comes="always" if every else "asked",
        text=written,
        in_package=False,
        leads_to=f"static {path}" if words and words[0] == "static" else path,
    )


def _type(node: "Node", text: bytes, outer: Declared | None, owner: str) -> Iterator[Declared]:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or body is None:
        return
    called = node_text(name, text)
    opened = node.type in _CONTAINERS and body.children and body.children[0].type == "{"
    own = Declared(
        start=node.start_byte,
        end=body.children[0].end_byte if opened else node.end_byte,
        nodes=tuple(child for child in node.named_children if child.type in _HEADS) if opened else (node,),
        binds=(Bound(called, name.start_byte, name.end_byte),),
        members=frozenset({called}) if outer is not None else frozenset(),
        member_of=(owner,) if outer is not None else (),
        inside=outer,
        tail=(body.end_byte - 1, node.end_byte) if opened else None,
        in_package=outer is None,
    )
    yield own
    if not opened:
        return
    for child in body.named_children:
        if child.type in _TYPES:
            yield from _type(child, text, own, called)
        elif child.type in ("static_initializer", "block"):
            yield Declared(
                start=child.start_byte, end=child.end_byte, nodes=(child,), comes="always", inside=own
            )
        elif child.type.endswith("_declaration"):
            yield _member(child, text, own, called)


def _member(node: "Node", text: bytes, outer: Declared | None, owner: str) -> Declared:
    """A field, a method or a constructor."""
    bound = tuple(_names(node, text))
    is_maker = node.type in ("constructor_declaration", "compact_constructor_declaration")
    called = frozenset(one.name for one in bound)
    return Declared(
        start=node.start_byte,
        end=node.end_byte,
        nodes=(node,),
        binds=() if is_maker else bound,
        members=frozenset({_maker(owner)}) if is_maker else called,
        member_of=(owner,) if owner else (),
        comes="with_owner" if _comes_with_class(node, text, called) else "asked",
        inside=outer,
        in_package=outer is None,
    )


def _comes_with_class(node: "Node", text: bytes, called: frozenset[str]) -> bool:
    """What the platform calls, or a class above; and the constructors that give final fields their values."""
    if node.type == "method_declaration":
        return bool(called & _SATISFYING) or b"@Override" in text[node.start_byte : node.start_byte + 200]
    return node.type == "constructor_declaration" and _has_final_fields(node.parent, text)


def _has_final_fields(body: "Node | None", text: bytes) -> bool:
    fields = [
        one for one in (body.named_children if body is not None else ()) if one.type == "field_declaration"
    ]
    return any(
        "final" in (found := _modifiers(field, text))
        and "static" not in found
        and any(
            one.type == "variable_declarator" and one.child_by_field_name("value") is None
            for one in field.named_children
        )
        for field in fields
    )


def _maker(owner: str) -> str:
    """The name under which a class asks for its constructors."""
    return f"new {owner}"


def _names(node: "Node", text: bytes) -> Iterator[Bound]:
    found = [one for one in node.named_children if one.type == "variable_declarator"] or [node]
    for one in found:
        name = one.child_by_field_name("name")
        if name is not None:
            yield Bound(node_text(name, text), name.start_byte, name.end_byte)


# --- names ---


def _mentions(node: "Node", text: bytes) -> Mentions:
    own = frozenset(bound.name for bound in _names(node, text)) if node.type != "method_declaration" else ()
    found = free_mentions(
        node,
        text,
        mention=_mention,
        bound=_bound,
        scopes=_SCOPES,
        members=frozenset(),
        own=frozenset(own),
    )
    free = {mention.path[0] for mention in found.names}
    return Mentions(found.names, frozenset({*free, *_members(node, text)}))


def _mention(node: "Node", text: bytes) -> Mention | None:
    if node.type not in ("identifier", "type_identifier") or _is_binder(node) or _is_after_dot(node):
        return None
    return Mention((node_text(node, text),), node.start_byte, (node.end_byte,), required=False)


def _is_binder(node: "Node") -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type in ("method_invocation", "method_reference"):
        return False
    if parent.type in ("annotation", "marker_annotation", "labeled_statement", "break_statement"):
        return True
    return parent.child_by_field_name("name") == node


def _is_after_dot(node: "Node") -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "method_invocation":
        return parent.child_by_field_name("name") == node and parent.child_by_field_name("object") is not None
    if parent.type == "field_access":
        return parent.child_by_field_name("field") == node
    if parent.type == "method_reference":
        return parent.named_children[0] != node
    return parent.type == "scoped_type_identifier" and parent.named_children[0] != node


def _members(root: "Node", text: bytes) -> Iterator[str]:
    """Names after a dot, and the makers of what is made."""
    around = _around(root, text)
    if root.type == "method_declaration" and around and "static" not in _modifiers(root, text):
        yield _maker(around)
    for node in walk(root):
        if node.type == "identifier" and _is_after_dot(node):
            yield node_text(node, text)
        elif node.type == "type_identifier":
            name = node_text(node, text)
            yield from (name, _maker(name)) if _is_made(node) else (name,)
        elif node.type == "explicit_constructor_invocation" and around:
            yield _maker(around)


def _is_made(node: "Node") -> bool:
    parent = node.parent
    if parent is not None and parent.type in ("generic_type", "scoped_type_identifier"):
        parent = parent.parent
    return parent is not None and parent.type in (
        "object_creation_expression",
        "superclass",
        "method_reference",
    )


def _around(node: "Node", text: bytes) -> str:
    """The name of the class that holds the node."""
    parent = node.parent
    while parent is not None and parent.type not in _TYPES:
        parent = parent.parent
    name = parent.child_by_field_name("name") if parent is not None else None
    return node_text(name, text) if name is not None else ""


def _modifiers(node: "Node", text: bytes) -> set[str]:
    found = next((one for one in node.named_children if one.type == "modifiers"), None)
    return {node_text(one, text) for one in found.children} if found is not None else set()


def _bound(node: "Node", text: bytes) -> Iterable[tuple[str, int]]:
    kind = node.type
    if kind == "lambda_expression":
        given = node.child_by_field_name("parameters")
        inside = [given] if given is not None and given.type == "identifier" else []
        inside += given.named_children if given is not None and given.type == "inferred_parameters" else []
        return [(node_text(one, text), 0) for one in inside if one.type == "identifier"]
    if kind == "type_parameter":
        return [(node_text(one, text), 0) for one in node.named_children[:1]]
    if kind in ("type_pattern", "record_pattern_component"):
        return [(node_text(one, text), 0) for one in node.named_children if one.type == "identifier"]
    name = node.child_by_field_name("name")
    if name is None or kind in ("method_invocation", "method_reference", "annotation", "marker_annotation"):
        return ()
    if kind == "variable_declarator":
        return [(node_text(name, text), node.end_byte)]
    if kind in ("formal_parameter", "catch_formal_parameter", "resource", "enhanced_for_statement"):
        return [(node_text(name, text), 0)]
    if kind == "instanceof_expression" or kind in _TYPES:
        return [(node_text(name, text), 0)]
    return ()


# --- places ---


def _siblings(path: str, neighbours: Neighbours) -> Sequence[str]:
    return [other for other in neighbours.files(path.rpartition("/")[0]) if other != path]


def _is_file_of(path: str, name: str) -> bool:
    """A class that others see stands in the file of its name."""
    return path.rpartition("/")[2] == f"{name}.java"


def _locate(path: str, leads_to: str, neighbours: Neighbours) -> Module | Outside | Closed:
    imported = leads_to.removeprefix("static ")
    if imported.startswith(_IMPURE):
        return Closed("impure", "is of files, of the network or of the screen")
    if imported.startswith(_PLATFORM):
        return Outside()
    words, folders = imported.split("."), path.split("/")[:-1]
    if words[0] in folders and imported == leads_to:
        root = folders[: len(folders) - 1 - folders[::-1].index(words[0])]
        file = "/".join([*root, *words]) + ".java"
        if neighbours.text(file) is not None:
            return Module(file, (words[-1],))
        if words[-1] == "*":
            return Module("/".join([*root, *words[:-1]]), every=True)
    return Closed("not_self_contained", "is outside the platform and the own tree")


def _files(folder_or_file: str, neighbours: Neighbours) -> Sequence[str]:
    return [folder_or_file] if folder_or_file.endswith(".java") else neighbours.files(folder_or_file)


def _assemble(imports: Sequence[str], parts: Sequence[str]) -> str:
    """Only one type of a file may be public, so none is."""
    opened = [_PUBLIC.sub(r"\1", part) for part in parts]
    return "\n\n".join([*(["\n".join(sorted(imports))] if imports else []), *opened]) + "\n"


CLOSING: Final = Closing(
    declarations=_declarations,
    mentions=_mentions,
    module=_siblings,
    locate=_locate,
    files=_files,
    assemble=_assemble,
    overloads=True,
    may_bind=_is_file_of,
    entry_last="always",
)
