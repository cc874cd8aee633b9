"""How functions of JavaScript and TypeScript are closed: every file is a module, and imports lead to
other files.

The one rule: an import of anything but the own tree and the pure modules of node is refused, and a name
that only a browser or a server has is no name at all.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from posixpath import normpath
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

PREDECLARED: Final = names(
    "Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError "
    "Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl Iterator JSON Map "
    "Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set String Symbol "
    "SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap "
    "WeakRef WeakSet arguments console decodeURI decodeURIComponent encodeURI encodeURIComponent escape "
    "globalThis isFinite isNaN parseFloat parseInt structuredClone undefined unescape TextEncoder "
    "TextDecoder URL URLSearchParams btoa atob"
)
_TYPES: Final = names(
    "Awaited Capitalize ConstructorParameters Exclude Extract Generator InstanceType Iterable "
    "IterableIterator AsyncGenerator ArrayLike Lowercase NonNullable Omit OmitThisParameter Parameters "
    "Partial Pick PropertyKey PromiseLike Readonly ReadonlyArray ReadonlyMap ReadonlySet Record "
    "Required ReturnType ThisParameterType ThisType Uncapitalize Uppercase const this"
)
_PURE_MODULES: Final = names("assert buffer querystring string_decoder url util")
_IMPURE_MODULES: Final = names(
    "async_hooks child_process cluster crypto dgram dns events fs http http2 https inspector module net "
    "os path perf_hooks process readline repl stream timers tls tty v8 vm worker_threads zlib"
)
_FUNCTIONS: Final = names(
    "function_declaration generator_function_declaration function_expression generator_function "
    "arrow_function method_definition function_signature method_signature call_signature construct_signature "
    "function_type constructor_type abstract_method_signature"
)
_SCOPES: Final = _FUNCTIONS | names(
    "statement_block class_body for_statement for_in_statement catch_clause class class_declaration "
    "abstract_class_declaration interface_declaration type_alias_declaration switch_body mapped_type_clause "
    "index_signature conditional_type"
)
_NAMED: Final = names(
    "function_declaration generator_function_declaration class_declaration abstract_class_declaration "
    "interface_declaration type_alias_declaration enum_declaration function_signature internal_module"
)
_CLASSES: Final = names("class_declaration abstract_class_declaration")
_ASKED_MEMBERS: Final = names("method_definition")
_IDENTIFIERS: Final = names("identifier type_identifier shorthand_property_identifier")
_EXPORT: Final = "default"
"""The name of what a module gives as a whole."""
_EXPORTED: Final = re.compile(
    r"\A((?:\s|/\*(?:(?!\*/).)*\*/|//[^\n]*\n)*)export\s+(?:default\s+)?", re.DOTALL
)
_EXTENSIONS: Final = ("", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", "/index.js", "/index.ts")


# --- declarations -------------------------------------------------------------------------------------------


def _declarations(root: "Node", text: bytes, *, typed: bool) -> Iterator[Declared]:
    comments = list["Node"]()
    for node in root.named_children:
        if node.type == "comment":
            comments.append(node)
            continue
        start = _with_comments(node, comments, text)
        comments = []
        if node.type == "import_statement":
            yield from _imports(node, text, typed)
        elif node.type == "export_statement":
            yield from _exported(node, start, text)
        else:
            yield from _declared(node, start, text)


def _with_comments(node: "Node", comments: Sequence["Node"], text: bytes) -> int:
    """Where the comments that stand right before the node begin."""
    start = node.start_byte
    for comment in reversed(comments):
        between = text[comment.end_byte : start]
        if between.strip() or between.count(b"\n") > 1:
            break
        start = comment.start_byte
    return start


def _exported(node: "Node", start: int, text: bytes) -> Iterator[Declared]:
    inner = node.child_by_field_name("declaration")
    source = node.child_by_field_name("source")
    place = _string(source, text) if source is not None else "."
    if inner is not None:
        yield from _declared(inner, start if start < node.start_byte else inner.start_byte, text)
        name = inner.child_by_field_name("name")
        if name is not None and any(child.type == "default" for child in node.children):
            yield _alias(node, _EXPORT, f".#{node_text(name, text)}")
        return
    value = node.child_by_field_name("value")
    if value is not None and value.type == "identifier":
        yield _alias(node, _EXPORT, f".#{node_text(value, text)}")
    for one in walk(node):
        if one.type == "export_specifier":
            own, alias = one.child_by_field_name("name"), one.child_by_field_name("alias")
            if own is not None and (source is not None or alias is not None):
                yield _alias(node, node_text(alias or own, text), f"{place}#{node_text(own, text)}")
    if source is not None and not any(one.type == "export_specifier" for one in walk(node)):
        yield _alias(node, "*", f"{place}#")


def _alias(node: "Node", name: str, leads_to: str) -> Declared:
    at = node.start_byte
    return Declared(start=at, end=at, binds=(Bound(name, 0, 0),), leads_to=leads_to)


def _declared(node: "Node", start: int, text: bytes) -> Iterator[Declared]:
    if node.type in _CLASSES:
        yield from _class(node, start, text)
    elif node.type in _NAMED:
        name = node.child_by_field_name("name")
        binds = (_bound_name(name, text),) if name is not None else ()
        yield _plain(node, start, binds)
    elif node.type in ("lexical_declaration", "variable_declaration"):
        yield from _variables(node, start, text)
    elif node.type in ("ambient_declaration", "empty_statement"):
        return
    else:
        yield from _statement(node, text)


def _plain(node: "Node", start: int, binds: Iterable[Bound]) -> Declared:
    """A declaration with the comments before it."""
    return Declared(start=start, end=node.end_byte, nodes=(node,), binds=tuple(binds))


def _bound_name(name: "Node", text: bytes) -> Bound:
    return Bound(node_text(name, text), name.start_byte, name.end_byte)


def _variables(node: "Node", start: int, text: bytes) -> Iterator[Declared]:
    binds: list[Bound] = []
    for one in node.named_children:
        if one.type != "variable_declarator":
            continue
        name, value = one.child_by_field_name("name"), one.child_by_field_name("value")
        if name is None:
            continue
        source = _required(value, text)
        if source:
            yield from _required_names(name, source, text)
        else:
            binds += [_bound_name(found, text) for found in _pattern_names(name)]
    if binds:
        yield _plain(node, start, binds)


def _required(value: "Node | None", text: bytes) -> str:
    """The module of `require('./x')`."""
    if value is None or value.type != "call_expression":
        return ""
    called, given = value.child_by_field_name("function"), value.child_by_field_name("arguments")
    if called is None or node_text(called, text) != "require" or given is None or not given.named_children:
        return ""
    return _string(given.named_children[0], text)


def _required_names(name: "Node", source: str, text: bytes) -> Iterator[Declared]:
    if name.type == "identifier":
        own = node_text(name, text)
        yield _import(name, own, f"{source}#{_EXPORT}", f"const {own} = require('{source}')")
        return
    for one in name.named_children:
        if one.type == "shorthand_property_identifier_pattern":
            word = node_text(one, text)
            yield _import(name, word, f"{source}#{word}", f"const {{ {word} }} = require('{source}')")
        elif one.type == "pair_pattern":
            key, value = one.child_by_field_name("key"), one.child_by_field_name("value")
            if key is not None and value is not None:
                word, own = node_text(key, text), node_text(value, text)
                line = f"const {{ {word}: {own} }} = require('{source}')"
                yield _import(name, own, f"{source}#{word}", line)


def _import(node: "Node", name: str, leads_to: str, line: str) -> Declared:
    return Declared(
        start=node.start_byte,
        end=node.end_byte,
        binds=(Bound(name, 0, 0),),
        text=line,
        in_package=False,
        leads_to=leads_to,
    )


def _imports(node: "Node", text: bytes, typed: bool) -> Iterator[Declared]:
    source = node.child_by_field_name("source")
    if source is None:
        return
    place = _string(source, text)
    clause = next((child for child in node.named_children if child.type == "import_clause"), None)
    for one in clause.named_children if clause is not None else ():
        if one.type == "identifier":
            own = node_text(one, text)
            line = f"import {own} from '{place}'" if typed else f"const {own} = require('{place}')"
            yield _import(node, own, f"{place}#{_EXPORT}", line)
        elif one.type == "namespace_import":
            own = node_text(one.named_children[0], text)
            line = f"import * as {own} from '{place}'" if typed else f"const {own} = require('{place}')"
            yield _import(node, own, f"{place}#", line)
        elif one.type == "named_imports":
            yield from _named_imports(one, place, text, typed)


def _named_imports(node: "Node", place: str, text: bytes, typed: bool) -> Iterator[Declared]:
    for one in node.named_children:
        name, alias = one.child_by_field_name("name"), one.child_by_field_name("alias")
        if name is None:
            continue
        word, own = node_text(name, text), node_text(alias or name, text)
        if typed:
            line = f"import {{ {word if word == own else f'{word} as {own}'} }} from '{place}'"
        else:
            line = f"const {{ {word if word == own else f'{word}: {own}'} }} = require('{place}')"
        yield _import(node, own, f"{place}#{word}", line)


def _string(node: "Node", text: bytes) -> str:
    return node_text(node, text).strip("'\"`")


def _statement(node: "Node", text: bytes) -> Iterator[Declared]:
    """A statement that changes what a name stands for comes with that name: `f.cache = {}`,
    `table.push(1)`."""
    roots = {node_text(found, text) for found in map(_changed_root, walk(node)) if found is not None}
    if node.type == "expression_statement" and node.named_children:
        given = _whole_export(node.named_children[0], text)
        if given:
            yield _alias(node, _EXPORT, f".#{given}")
    roots -= {"module", "exports", "console", "process"}
    if roots:
        owners = tuple(sorted(roots))
        start, end = node.start_byte, node.end_byte
        yield Declared(start=start, end=end, nodes=(node,), member_of=owners, comes="with_owner")


def _whole_export(node: "Node", text: bytes) -> str:
    """The name in `module.exports = name`."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or node_text(left, text) != "module.exports":
        return ""
    return node_text(right, text) if right.type == "identifier" else ""


def _changed_root(node: "Node") -> "Node | None":
    """The name whose object an assignment or a call for its effect changes."""
    target: Node | None = None
    if node.type in ("assignment_expression", "augmented_assignment_expression"):
        target = node.child_by_field_name("left")
    elif node.type == "expression_statement" and node.named_children:
        call = node.named_children[0]
        target = call.child_by_field_name("function") if call.type == "call_expression" else None
    if target is None or target.type not in ("member_expression", "subscript_expression"):
        return None
    while (inner := target.child_by_field_name("object")) is not None:
        target = inner
    return target if target.type == "identifier" else None


def _class(node: "Node", start: int, text: bytes) -> Iterator[Declared]:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or body is None:
        return
    head = tuple(
        child for child in node.named_children if child.type not in ("class_body", "type_identifier")
    )
    owner = Declared(
        start=start,
        end=body.start_byte + 1,
        nodes=tuple(child for child in head if child != name),
        binds=(_bound_name(name, text),),
        tail=(body.end_byte - 1, node.end_byte),
    )
    yield owner
    comments = list["Node"]()
    for member in body.named_children:
        if member.type == "comment":
            comments.append(member)
            continue
        yield _member(member, _with_comments(member, comments, text), owner, node_text(name, text), text)
        comments = []


def _member(node: "Node", start: int, owner: Declared, owner_name: str, text: bytes) -> Declared:
    name = node.child_by_field_name("name")
    called = node_text(name, text) if name is not None else ""
    is_asked = node.type in _ASKED_MEMBERS and called != "constructor" and name is not None
    is_word = name is not None and name.type in ("property_identifier", "private_property_identifier")
    end = node.end_byte + (1 if text[node.end_byte : node.end_byte + 1] == b";" else 0)
    return Declared(
        start=start,
        end=end,
        nodes=(node,),
        members=frozenset({called}),
        member_of=(owner_name,),
        comes="asked" if is_asked and is_word else "with_owner" if is_asked else "always",
        inside=owner,
    )


# --- names --------------------------------------------------------------------------------------------------


def _mentions(node: "Node", text: bytes) -> Mentions:
    own: set[str] = set()
    if node.type in _NAMED and (name := node.child_by_field_name("name")) is not None:
        own.add(node_text(name, text))
    if node.type in ("lexical_declaration", "variable_declaration"):
        for one in node.named_children:
            pattern = one.child_by_field_name("name")
            own |= (
                {node_text(found, text) for found in _pattern_names(pattern)}
                if pattern is not None
                else set()
            )
    generic = _outer_generics(node, text)
    found = free_mentions(
        node,
        text,
        mention=_mention,
        bound=_bound,
        scopes=_SCOPES,
        members=names("property_identifier private_property_identifier"),
        own=frozenset(own),
    )
    return Mentions(tuple(one for one in found.names if one.path[0] not in generic), found.members)


def _outer_generics(node: "Node", text: bytes) -> set[str]:
    """The type parameters of the class around a member, or around a part of its head."""
    outer = node.parent
    if outer is not None and outer.type == "class_body":
        outer = outer.parent
    given = outer.child_by_field_name("type_parameters") if outer is not None else None
    parameters = given.named_children if given is not None else []
    return {
        node_text(name, text) for one in parameters if (name := one.child_by_field_name("name")) is not None
    }


def _mention(node: "Node", text: bytes) -> Mention | None:
    if node.type in _IDENTIFIERS:
        return Mention((node_text(node, text),), node.start_byte, (node.end_byte,))
    if node.type not in ("member_expression", "nested_type_identifier"):
        return None
    of = node.child_by_field_name("object") or node.child_by_field_name("module")
    name = node.child_by_field_name("property") or node.child_by_field_name("name")
    if of is None or name is None or of.type != "identifier":
        return None
    path = (node_text(of, text), node_text(name, text))
    return Mention(path, of.start_byte, (of.end_byte, name.end_byte))


def _bound(node: "Node", text: bytes) -> Iterable[tuple[str, int]]:
    found: list[Node] = []
    if node.type in _NAMED or node.type in (
        "function_expression",
        "generator_function",
        "class",
        "type_parameter",
    ):
        name = node.child_by_field_name("name")
        found = [name] if name is not None else []
    elif node.type in ("variable_declarator", "mapped_type_clause", "index_signature"):
        name = node.child_by_field_name("name")
        found = list(_pattern_names(name)) if name is not None else []
    elif node.type == "formal_parameters":
        found = [one for child in node.named_children for one in _pattern_names(_pattern_of(child))]
    elif node.type in ("arrow_function", "catch_clause"):
        name = node.child_by_field_name("parameter")
        found = list(_pattern_names(name)) if name is not None else []
    elif node.type == "for_in_statement" and node.child_by_field_name("kind") is not None:
        name = node.child_by_field_name("left")
        found = list(_pattern_names(name)) if name is not None else []
    elif node.type == "infer_type":
        found = list(node.named_children)[:1]
    return [(node_text(one, text), 0) for one in found]


def _pattern_of(parameter: "Node") -> "Node":
    return parameter.child_by_field_name("pattern") or parameter


def _pattern_names(node: "Node") -> Iterator["Node"]:
    """The names that a pattern binds."""
    if node.type in ("identifier", "shorthand_property_identifier_pattern", "type_identifier"):
        yield node
    elif node.type in ("assignment_pattern", "object_assignment_pattern"):
        left = node.child_by_field_name("left")
        yield from _pattern_names(left) if left is not None else ()
    elif node.type == "pair_pattern":
        value = node.child_by_field_name("value")
        yield from _pattern_names(value) if value is not None else ()
    elif node.type in (
        "object_pattern",
        "array_pattern",
        "rest_pattern",
        "required_parameter",
        "optional_parameter",
    ):
        for child in node.named_children:
            if child.type != "type_annotation":
                yield from _pattern_names(child)


# --- places -------------------------------------------------------------------------------------------------


def _locate(path: str, leads_to: str, neighbours: Neighbours) -> Module | Outside | Closed:
    source, _, name = leads_to.rpartition("#")
    wanted = (name,) if name else ()
    if source == ".":
        return Module(path, wanted)
    if source.startswith("."):
        folder = path.rpartition("/")[0]
        base = normpath(f"{folder}/{source}".lstrip("/"))
        for ending in _EXTENSIONS:
            place = base + ending
            if not place.startswith("..") and neighbours.text(place) is not None:
                return Module(place, wanted)
        return Closed("not_self_contained", "is a file that is not there, or cannot be used")
    module = source.removeprefix("node:")
    if module.partition("/")[0] in _IMPURE_MODULES:
        return Closed("impure", "is a module of files, of the network, of chance or of the system")
    if module in _PURE_MODULES:
        return Outside()
    return Closed("not_self_contained", "is a package outside the tree")


def _assemble(imports: Sequence[str], parts: Sequence[str]) -> str:
    parts = [_EXPORTED.sub(r"\1", part, count=1) for part in parts]
    return "\n\n".join([*(["\n".join(sorted(imports))] if imports else []), *parts]) + "\n"


def make_closing(*, typed: bool) -> Closing:
    """How functions are closed: in TypeScript with types and overloads."""
    declarations: Callable[[Node, bytes], Iterable[Declared]] = partial(_declarations, typed=typed)
    return Closing(
        declarations=declarations,
        mentions=_mentions,
        module=lambda path, neighbours: (),
        locate=_locate,
        files=lambda path, neighbours: (path,),
        assemble=_assemble,
        predeclared=PREDECLARED | _TYPES if typed else PREDECLARED,
        overloads=typed,
        qualified=True,
    )
