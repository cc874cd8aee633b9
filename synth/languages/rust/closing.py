"""How Rust functions are closed: a file is a module, and `use` and paths lead to other files of the crate.

The one rule: a name of another crate than the standard library's is refused, and so are its modules of
files, of processes and of the network. Test modules are not there.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

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
from synth.languages.rust.adapting import FILLER, MAKER

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_STANDARD: Final = frozenset({"std", "core", "alloc"})
_IMPURE: Final = frozenset({"fs", "net", "env", "process", "os"})
_NAMED: Final = _STANDARD | names(
    "i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 bool char str self super crate"
)
"""First words of paths that lead nowhere else."""
_ITEMS: Final = names(
    "function_item struct_item enum_item union_item type_item const_item static_item trait_item "
    "macro_definition"
)
_SCOPES: Final = names(
    "block function_item function_signature_item closure_expression match_arm for_expression if_expression "
    "while_expression impl_item trait_item struct_item enum_item"
)
_VISIBILITY: Final = re.compile(r"\bpub\s*\(\s*(?:super|in\s[^)]*)\)")
_IN_MACRO: Final = re.compile(r"(?:\.|::)\s*([A-Za-z_]\w*)")
_CONDITION: Final = re.compile(r"#\s*!?\[\s*cfg(?:_attr)?\b")
_TEST: Final = re.compile(r"#\s*\[\s*(?:\w+::)*(?:test\b|cfg\s*\(\s*(?:all\s*\(\s*)?test\b|rstest\b|bench\b)")
_CHILD: Final = "mod"
"""The first word of what `mod x;` leads to."""


# --- declarations ---


class _Item(NamedTuple):
    """An item with the attributes before it."""

    node: "Node"
    start: int
    attributes: str


def _items(parent: "Node", text: bytes) -> Iterator[_Item]:
    """The items of a file or a block, without tests."""
    start, attributes = -1, ""
    for node in parent.named_children:
        if node.type == "attribute_item":
            start = node.start_byte if start < 0 else start
            attributes += node_text(node, text)
            continue
        if node.type.endswith("comment"):
            continue
        if not _TEST.search(attributes):
            yield _Item(node, start if start >= 0 else node.start_byte, attributes)
        start, attributes = -1, ""


def _declarations(root: "Node", text: bytes) -> Iterator[Declared]:
    found = [one for item in _items(root, text) for one in _declared(item, text)]
    named = {bound.name for one in found if not one.leads_to.startswith(f"{_CHILD}::") for bound in one.binds}
    for one in found:
        is_child = one.leads_to.startswith(f"{_CHILD}::")
        if not (is_child and one.binds[0].name in named):
            yield one


def _declared(item: _Item, text: bytes) -> Iterator[Declared]:
    node = item.node
    why = "is compiled under a condition" if _CONDITION.search(item.attributes) else ""
    if node.type == "use_declaration":
        argument = node.child_by_field_name("argument")
        yield from _uses(argument, (), item, text) if argument is not None else ()
    elif node.type == "mod_item":
        yield from _module(item, text, why)
    elif node.type == "impl_item":
        yield from _impl(item, text, why)
    elif node.type in _ITEMS:
        yield Declared(
            start=item.start,
            end=node.end_byte,
            nodes=(node,),
            binds=tuple(_bound_name(node, text)),
            refused=why,
        )


def _bound_name(node: "Node", text: bytes) -> Iterator[Bound]:
    name = node.child_by_field_name("name")
    if name is not None and (written := node_text(name, text)) != "_":
        yield Bound(written, name.start_byte, name.end_byte)


def _module(item: _Item, text: bytes, why: str) -> Iterator[Declared]:
    node, binds = item.node, tuple(_bound_name(item.node, text))
    if node.child_by_field_name("body") is not None:
        yield Declared(start=item.start, end=node.end_byte, nodes=(node,), binds=binds, refused=why)
    elif binds:
        bound = Bound(binds[0].name, 0, 0)
        yield Declared(
            start=item.start,
            end=node.end_byte,
            binds=(bound,),
            leads_to=f"{_CHILD}::{bound.name}",
            refused=why,
        )


def _impl(item: _Item, text: bytes, why: str) -> Iterator[Declared]:
    """Methods of a type come one by one, those of a trait together."""
    node = item.node
    kind, trait, body = (node.child_by_field_name(name) for name in ("type", "trait", "body"))
    if kind is None or body is None:
        return
    owner = _type_name(kind, text)
    inner = list(_items(body, text))
    if trait is not None:
        yield Declared(
            start=item.start,
            end=node.end_byte,
            nodes=(node,),
            members=frozenset(bound.name for one in inner for bound in _bound_name(one.node, text)),
            member_of=(owner, _type_name(trait, text)),
            comes="with_owner",
            refused=why,
        )
        return
    head = tuple(child for child in node.named_children if child != body)
    container = Declared(
        start=item.start,
        end=body.start_byte + 1,
        nodes=head,
        member_of=(owner,),
        tail=(body.end_byte - 1, body.end_byte),
        refused=why,
    )
    yield container
    for one in inner:
        name = next((bound.name for bound in _bound_name(one.node, text)), "")
        with_owner = MAKER.match(name) or FILLER.match(name)
        yield Declared(
            start=one.start,
            end=one.node.end_byte,
            nodes=(one.node,),
            members=frozenset({name}),
            member_of=(owner,),
            comes="with_owner" if with_owner else "asked",
            inside=container,
            refused="is compiled under a condition" if _CONDITION.search(one.attributes) else "",
        )


def _type_name(node: "Node", text: bytes) -> str:
    """The name of the type or trait itself, without its path and its arguments."""
    while node.type in ("generic_type", "scoped_type_identifier", "reference_type", "pointer_type"):
        field = "name" if node.type == "scoped_type_identifier" else "type"
        inner = node.child_by_field_name(field)
        if inner is None:
            break
        node = inner
    return node_text(node, text)


def _uses(node: "Node", before: tuple[str, ...], item: _Item, text: bytes) -> Iterator[Declared]:
    """Each name of a `use`, as a `use` of its own."""
    if node.type in ("scoped_use_list", "use_list"):
        path = node.child_by_field_name("path")
        here = (*before, *_words(path, text)) if path is not None else before
        listed = node.child_by_field_name("list") if node.type == "scoped_use_list" else node
        for child in listed.named_children if listed is not None else ():
            yield from _uses(child, here, item, text)
    elif node.type == "use_wildcard":
        inner = next(iter(node.named_children), None)
        words = _words(inner, text) if inner is not None else ()
        yield _use((*before, *words, "*"), "*", item)
    elif node.type == "use_as_clause":
        path, alias = node.child_by_field_name("path"), node.child_by_field_name("alias")
        if path is not None and alias is not None:
            yield _use((*before, *_words(path, text)), node_text(alias, text), item)
    elif node.type in ("identifier", "scoped_identifier", "self", "crate", "super"):
        words = (*before, *_words(node, text))
        words = words[:-1] if node.type == "self" and before else words
        yield _use(words, words[-1], item)


def _use(path: tuple[str, ...], name: str, item: _Item) -> Declared:
    if path[0] in _STANDARD:
        path = ("std", *path[1:])
    renamed = f" as {name}" if name not in (path[-1], "*") else ""
    return Declared(
        start=item.start,
        end=item.node.end_byte,
        binds=(Bound(name, 0, 0),) if name != "_" else (),
        comes="always",
        text=f"use {'::'.join(path)}{renamed};",
        leads_to="::".join(path),
    )


def _words(node: "Node", text: bytes) -> tuple[str, ...]:
    return tuple(word.strip() for word in node_text(node, text).split("::") if word.strip())


# --- names ---


def _mentions(node: "Node", text: bytes) -> Mentions:
    own = (
        frozenset(bound.name for bound in _bound_name(node, text))
        if node.type in _ITEMS
        else frozenset[str]()
    )
    found = free_mentions(
        node, text, mention=_mention, bound=_bound, scopes=_SCOPES, members=names("field_identifier"), own=own
    )
    in_macros = {
        word
        for one in walk(node, names("token_tree"))
        if one.type == "token_tree"
        for word in _IN_MACRO.findall(node_text(one, text))
    }
    return Mentions(found.names, found.members | in_macros)


def _mention(node: "Node", text: bytes) -> Mention | None:
    if node.type in ("identifier", "type_identifier"):
        parent = node.parent
        if parent is not None and (parent.type in ("lifetime", "label") or _is_binder(node, text)):
            return None
        return Mention((node_text(node, text),), node.start_byte, (node.end_byte,))
    if node.type not in ("scoped_identifier", "scoped_type_identifier"):
        return None
    parts = _path(node)
    if parts is None:
        return None
    words = [node_text(part, text) for part in parts]
    depth = next((at for at, word in enumerate(words) if word not in ("crate", "self", "super")), len(words))
    if words[0] in _STANDARD and len(words) > 2:
        depth = 2
    if depth == len(words) or words[0] == "Self":
        return Mention(("Self", *words[1:]), node.start_byte, tuple(part.end_byte for part in parts))
    return Mention(
        tuple(words[depth:]),
        node.start_byte,
        tuple(part.end_byte for part in parts[depth:]),
        below="::".join(words[:depth]),
    )


def _path(node: "Node") -> "list[Node] | None":
    """The nodes of a path's words; None for a path that begins with a type in angle brackets."""
    parts: list[Node] = []
    while node.type in ("scoped_identifier", "scoped_type_identifier"):
        name, path = node.child_by_field_name("name"), node.child_by_field_name("path")
        if name is None:
            return None
        parts.append(name)
        if path is None:
            return None
        node = path
    if node.type == "generic_type":
        inner = node.child_by_field_name("type")
        if inner is None or inner.type != "type_identifier":
            return None
        node = inner
    if node.type not in ("identifier", "type_identifier", "crate", "self", "super"):
        return None
    return [node, *reversed(parts)]


def _is_binder(node: "Node", text: bytes) -> bool:
    """Whether the name stands in a pattern that binds it."""
    if not _binds(node_text(node, text)):
        return False
    child, parent = node, node.parent
    while parent is not None:
        if parent.child_by_field_name("pattern") == child:
            return True
        if parent.type == "closure_parameters":
            return True
        if not parent.type.endswith("_pattern") or parent.child_by_field_name("type") == child:
            return False
        child, parent = parent, parent.parent
    return False


def _binds(name: str) -> bool:
    """Whether a name in a pattern is a new one: constants and variants begin with a capital."""
    return name[:1].islower() or name[:1] == "_"


def _bound(node: "Node", text: bytes) -> Iterable[tuple[str, int]]:
    kind = node.type
    if kind in ("type_parameter", "const_parameter") or kind in _ITEMS:
        return [(bound.name, 0) for bound in _bound_name(node, text)]
    if kind == "closure_parameters":
        return [(name, 0) for name in _pattern_names(node, text)]
    pattern = node.child_by_field_name("pattern")
    if pattern is None:
        return ()
    after = {"let_declaration": node.end_byte, "let_condition": node.end_byte}
    since = pattern.start_byte if kind == "match_arm" else after.get(kind, 0)
    if kind == "for_expression":
        body = node.child_by_field_name("body")
        since = body.start_byte if body is not None else node.end_byte
    return [(name, since) for name in _pattern_names(pattern, text)]


def _pattern_names(pattern: "Node", text: bytes) -> Iterator[str]:
    stack = [pattern]
    while stack:
        node = stack.pop()
        if node.type in ("identifier", "shorthand_field_identifier"):
            name = node_text(node, text)
            if _binds(name):
                yield name
        elif node.type == "parameter":
            inner = node.child_by_field_name("pattern")
            stack.extend([inner] if inner is not None else [])
        elif node.type not in ("scoped_identifier", "scoped_type_identifier", "type_identifier"):
            skipped = node.child_by_field_name("type")
            stack.extend(child for child in node.named_children if child != skipped)


# --- places ---


def _locate(path: str, leads_to: str, neighbours: Neighbours) -> Module | Outside | Closed:
    words = leads_to.split("::")
    if words[0] in _STANDARD:
        if len(words) > 1 and words[1] in _IMPURE:
            return Closed("impure", "is a module of files, of processes or of the network")
        return Outside()
    here, words = _start(path, words, neighbours)
    if not here:
        return Closed("not_self_contained", "is a crate outside the standard library")
    every = bool(words) and words[-1] == "*"
    words = words[:-1] if every else words
    while words and (every or len(words) > 1):
        child = _child(here, words[0], neighbours)
        if not child:
            break
        here, words = child, words[1:]
    return Module(here, tuple(words), every)


def _start(path: str, words: list[str], neighbours: Neighbours) -> tuple[str, list[str]]:
    """The file in which a path begins, and its words below that; "" if it begins in another crate."""
    if words[0] == _CHILD:
        return _child(path, words[1], neighbours), []
    if words[0] == "crate":
        return _crate(path, neighbours), words[1:]
    if words[0] == "self":
        return path, words[1:]
    if words[0] == "super":
        here = path
        while words and words[0] == "super":
            here, words = _parent(here, neighbours), words[1:]
        return here, words
    return (path, words) if _child(path, words[0], neighbours) else ("", words)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _below(path: str) -> str:
    """The folder of a module's own modules."""
    name = path.rpartition("/")[2]
    return _folder(path) if name in ("mod.rs", "lib.rs", "main.rs") else path.removesuffix(".rs")


def _first(paths: Iterable[str], neighbours: Neighbours) -> str:
    return next((path for path in paths if neighbours.text(path) is not None), "")


def _child(path: str, name: str, neighbours: Neighbours) -> str:
    folder = f"{_below(path)}/".removeprefix("/")
    return _first((f"{folder}{name}.rs", f"{folder}{name}/mod.rs"), neighbours)


def _parent(path: str, neighbours: Neighbours) -> str:
    folder = _folder(path)
    if path.endswith("mod.rs"):
        folder = _folder(folder)
    inside = f"{folder}/".removeprefix("/")
    beside = [f"{inside}{name}.rs" for name in ("mod", "lib", "main")]
    return _first([one for one in [*beside, f"{folder}.rs"] if one != path], neighbours)


def _crate(path: str, neighbours: Neighbours) -> str:
    folder = _folder(path)
    while True:
        inside = f"{folder}/".removeprefix("/")
        found = _first([f"{inside}lib.rs", f"{inside}main.rs"], neighbours)
        if found or not folder:
            return found
        folder = _folder(folder)


def _files(file: str, neighbours: Neighbours) -> Sequence[str]:
    return (file,)


def _alone(path: str, neighbours: Neighbours) -> Sequence[str]:
    return ()


def _crates(mention: Mention) -> Closed | None:
    """A path that begins with a small letter and with nothing of the file leads into another crate."""
    first = mention.path[0]
    if mention.below or len(mention.path) < 2 or not first[:1].islower() or first in _NAMED:
        return None
    return Closed("not_self_contained", "is a crate outside the standard library")


def _assemble(imports: Sequence[str], parts: Sequence[str]) -> str:
    head = ["\n".join(sorted(imports))] if imports else []
    return _VISIBILITY.sub("pub(crate)", "\n\n".join([*head, *parts])) + "\n"


CLOSING: Final = Closing(
    declarations=_declarations,
    mentions=_mentions,
    module=_alone,
    locate=_locate,
    files=_files,
    assemble=_assemble,
    unbound=_crates,
    entry_last="always",
)
