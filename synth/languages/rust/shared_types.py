"""Rust types with a shared meaning: how each is written, and how a value is converted to it and back.

Place in the flow: `adapting.py` reads the types of a declaration here. The one rule: a type without a certain
shared meaning is refused with its name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text
from synth.languages.spec import Domain, NotAdapted

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_MAX_DEPTH: Final = 6
_MAX_FIELDS: Final = 6
_LONGEST_ARRAY: Final = 6


def same(expression: str) -> str:
    """No conversion."""
    return expression


class RustType(NamedTuple):
    """A Rust type with a shared meaning."""

    shared: str
    written: str
    """The type as the appended function declares it: owned, and known to the driver."""
    into: Callable[[str], str] = same
    """The expression of the written type (a variable) -> one of the code's own type."""
    out: Callable[[str], str] = same
    """The way back, from an expression of any kind."""
    changeable: bool = False
    """Whether a function can change it for its caller."""
    borrows: bool = False
    """Whether `into` borrows what it converts."""
    domain: Domain = "any"
    hashed: bool = True
    """Whether it can be a key."""

    @property
    def is_plain(self) -> bool:
        """Whether the driver reads and writes it without help."""
        return self.into is same and self.out is same


_INTEGERS: Final = ("i8", "i16", "i32", "i64", "i128", "isize")
_NATURALS: Final = ("u8", "u16", "u32", "u64", "u128", "usize")
SCALARS: Final[Mapping[str, RustType]] = {
    **{name: RustType("int", name) for name in _INTEGERS},
    **{name: RustType("int", name, domain="natural") for name in _NATURALS},
    **{name: RustType("float", name, hashed=False) for name in ("f32", "f64")},
    "bool": RustType("bool", "bool"),
    "char": RustType("str", "char", domain="letter"),
    "String": RustType("str", "String"),
}
TEXT: Final = RustType(
    "str", "String", lambda x: f"{x}.as_str()", lambda x: f"({x}).to_string()", borrows=True
)
"""`&str`."""
_LISTS: Final = {"Vec": "Vec", "VecDeque": "VecDeque", "BTreeSet": "BTreeSet"}
"""The driver knows them."""
_COLLECTED: Final = ("HashSet", "LinkedList", "BinaryHeap", "IndexSet")
_POINTERS: Final = {"Rc": "std::rc::Rc", "Arc": "std::sync::Arc", "RefCell": "std::cell::RefCell"}


@dataclass(frozen=True, slots=True)
class RustTypeReader:
    """Reads type nodes. `variables` says what stands for each type variable, `lengths` for each constant one;
    `owns` holds the types that the code declares; `itself` is what `Self` means."""

    text: bytes
    owns: "Mapping[str, Node]" = field(default_factory=dict)
    variables: Mapping[str, RustType] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    itself: "Node | None" = None
    associated: "Mapping[str, Node]" = field(default_factory=dict)
    """The types that the `impl` names: `Self::Output`."""
    depth: int = 0

    def read(self, node: "Node | None", *, is_result: bool = False) -> RustType:
        """Raises NotAdapted."""
        if node is None or self.depth > _MAX_DEPTH:
            raise NotAdapted("a type cannot be read")
        written = node_text(node, self.text)
        if node.type in ("primitive_type", "type_identifier"):
            return self._named(written, (), is_result)
        if node.type == "scoped_type_identifier":
            name = node.child_by_field_name("name")
            last = node_text(name, self.text) if name is not None else written
            if written == f"Self::{last}" and last in self.associated:
                return replace(self, depth=self.depth + 1).read(self.associated[last], is_result=is_result)
            return self._named(last, (), is_result)
        if node.type == "generic_type":
            return self._generic(node, is_result)
        if node.type == "reference_type":
            return self._reference(node, is_result)
        if node.type == "array_type":
            return self._array(node, is_result)
        if node.type == "tuple_type":
            inner = [self.read(child, is_result=is_result) for child in node.named_children]
            return tuple_of(inner, is_result)
        if node.type in ("abstract_type", "dynamic_type"):
            return self._bound(node, is_result)
        if node.type == "unit_type":
            return RustType("null", "()")
        raise NotAdapted(f"the type {_short(written)} has no shared meaning")

    def _named(self, name: str, given: Sequence[RustType], is_result: bool) -> RustType:
        if name in self.variables:
            return self.variables[name]
        if name == "Self" and self.itself is not None:
            reader = replace(self, itself=None, depth=self.depth + 1)
            return reader.read(self.itself, is_result=is_result)
        if name in self.owns:
            return self._own(name, given, is_result)
        if name in SCALARS:
            return SCALARS[name]
        if name == "str":
            return TEXT
        if name == "Ordering" and is_result:
            return RustType("int", "i64", out=lambda x: f"({x}) as i64")
        raise NotAdapted(f"the type {name} has no shared meaning")

    def _arguments(self, node: "Node", is_result: bool) -> list[RustType]:
        listed = node.child_by_field_name("type_arguments")
        kinds = [
            one for one in (listed.named_children if listed is not None else ()) if one.type != "lifetime"
        ]
        return [self.read(one, is_result=is_result) for one in kinds if one.type != "block"]

    def _generic(self, node: "Node", is_result: bool) -> RustType:
        head = node.child_by_field_name("type")
        name = node_text(head, self.text).rpartition("::")[2] if head is not None else ""
        if name in ("Result", "Option") and name not in self.owns:
            return self._wrapped(name, node, is_result)
        inner = self._arguments(node, is_result)
        if name in self.owns:
            return self._own(name, inner, is_result)
        if name in _LISTS and len(inner) == 1:
            return list_of(_LISTS[name], inner[0])
        if name in _COLLECTED and len(inner) == 1 and inner[0].is_plain:
            return _collected(name, inner[0])
        if name in ("HashMap", "BTreeMap") and len(inner) == 2:
            return _map_of(name, *inner)
        if name == "Box" and len(inner) == 1 and inner[0].is_plain:
            return inner[0]._replace(written=f"Box<{inner[0].written}>")
        if name in _POINTERS and len(inner) == 1 and not is_result and not inner[0].borrows:
            one = inner[0]
            return one._replace(into=lambda x: f"{_POINTERS[name]}::new({one.into(x)})", out=_no_way_back)
        if name in ("Cow", "Reverse", "Wrapping") and len(inner) == 1:
            return inner[0] if name == "Cow" and is_result else self._refuse(node)
        return self._refuse(node)

    def _refuse(self, node: "Node") -> RustType:
        raise NotAdapted(f"the type {_short(node_text(node, self.text))} has no shared meaning")

    def _wrapped(self, name: str, node: "Node", is_result: bool) -> RustType:
        inner = self.read(next(iter(_type_arguments(node)), None), is_result=is_result)
        if name == "Option":
            if inner.shared.startswith("optional"):
                raise NotAdapted("an option of an option has no shared meaning")
            return RustType(
                f"optional[{inner.shared}]",
                f"Option<{inner.written}>",
                into=_through(inner.into, "as_ref().map" if inner.borrows else "map"),
                out=_through(inner.out, "map"),
                borrows=inner.borrows,
                domain=inner.domain,
                hashed=inner.hashed,
            )
        if not is_result:
            raise NotAdapted("a parameter that is a Result has no shared meaning")
        if inner.shared == "null":
            raise NotAdapted("it returns nothing but an error")
        through = _through(inner.out, "map")
        return RustType(
            inner.shared,
            f"Result<{inner.written}, String>",
            out=lambda x: f'{through(x)}.map_err(|problem| format!("{{:?}}", problem))',
            domain=inner.domain,
        )

    def _reference(self, node: "Node", is_result: bool) -> RustType:
        target = node.child_by_field_name("type")
        is_mutable = any(child.type == "mutable_specifier" for child in node.named_children)
        inner = self.read(target, is_result=is_result)
        if target is not None and node_text(target, self.text) == "str":
            return inner
        if is_result:
            method = "to_vec" if target is not None and target.type == "array_type" else "clone"
            return inner._replace(out=lambda x: inner.out(f"({x}).{method}()"))
        sign = "&mut " if is_mutable else "&"
        return inner._replace(into=lambda x: f"{sign}{inner.into(x)}", changeable=is_mutable, borrows=True)

    def _array(self, node: "Node", is_result: bool) -> RustType:
        inner = self.read(node.child_by_field_name("element"), is_result=is_result)
        length = node.child_by_field_name("length")
        if length is None:
            return list_of("Vec", inner)
        if is_result:
            listed = list_of("Vec", inner)
            return listed._replace(out=lambda x: listed.out(f"({x}).to_vec()"))
        written = node_text(length, self.text).replace("_", "").removesuffix("usize")
        count = self.lengths.get(written) or (int(written) if written.isdecimal() else 0)
        if not 0 < count <= _LONGEST_ARRAY or not inner.is_plain:
            return self._refuse(node)
        names = ", ".join(f"item{at}" for at in range(count))
        return RustType(
            f"tuple[{', '.join([inner.shared] * count)}]",
            f"({', '.join([inner.written] * count)},)",
            into=lambda x: f"[{', '.join(f'{x}.{at}' for at in range(count))}]",
            out=lambda x: f"{{ let [{names}] = {x}; ({names},) }}",
            domain=inner.domain,
            hashed=inner.hashed,
        )

    def _bound(self, node: "Node", is_result: bool) -> RustType:
        """`impl Iterator<Item = T>` and the like."""
        trait = node.child_by_field_name("trait") or next(iter(node.named_children), None)
        if trait is not None and trait.type in ("generic_type", "type_identifier", "bounded_type"):
            found = type_of_bound(self, trait, is_result)
            if found is not None:
                return found
        return self._refuse(node)

    def _own(self, name: str, given: Sequence[RustType], is_result: bool) -> RustType:
        item = self.owns[name]
        declared = item.child_by_field_name("type_parameters")
        variables = [
            node_text(one.child_by_field_name("name") or one, self.text)
            for one in (declared.named_children if declared is not None else ())
            if one.type == "type_parameter"
        ]
        if len(variables) != len(given):
            raise NotAdapted(f"the type {name} has no shared meaning")
        reader = replace(
            self,
            owns={key: node for key, node in self.owns.items() if key != name},
            variables={**self.variables, **dict(zip(variables, given, strict=True))},
            itself=None,
            associated={},
            depth=self.depth + 1,
        )
        if item.type == "type_item":
            return reader.read(item.child_by_field_name("type"), is_result=is_result)
        if item.type == "enum_item" and is_result:
            return _variants(item, self.text, name)
        if item.type != "struct_item":
            raise NotAdapted(f"the type {name} has no shared meaning")
        return _record(item, self.text, name, reader, is_result)


def type_of_bound(reader: RustTypeReader, bound: "Node", is_result: bool) -> RustType | None:
    """A type for something of which only a trait is known; None if there is no telling."""
    written = node_text(bound, reader.text)
    name = written.partition("<")[0].rpartition("::")[2].strip()
    item = next((one for one in _below(bound) if one.type == "type_binding"), None)
    if name in ("Iterator", "IntoIterator", "DoubleEndedIterator", "ExactSizeIterator") and item is not None:
        inner = reader.read(item.child_by_field_name("type"), is_result=is_result)
        listed = list_of("Vec", inner)
        if is_result:
            return listed._replace(out=lambda x: listed.out(f"({x}).collect::<Vec<_>>()"))
        if inner.is_plain and name != "IntoIterator":
            return listed._replace(into=lambda x: f"{x}.into_iter()")
        return listed
    if name in ("AsRef", "Into") and ("str" in written or "String" in written):
        return TEXT if name == "AsRef" else SCALARS["String"]
    if name in ("AsRef", "Into", "Borrow"):
        inner_node = next((one for one in _below(bound) if one.type == "type_arguments"), None)
        kinds = inner_node.named_children if inner_node is not None else []
        return reader.read(kinds[0]) if len(kinds) == 1 and name == "Into" else None
    if name in ("Display", "ToString"):
        return SCALARS["String"]
    return None


def _type_arguments(node: "Node") -> "list[Node]":
    listed = node.child_by_field_name("type_arguments")
    inside = listed.named_children if listed is not None else ()
    return [one for one in inside if one.type not in ("lifetime", "block")]


def _below(node: "Node") -> "list[Node]":
    found, stack = [], [node]
    while stack:
        here = stack.pop()
        found.append(here)
        stack.extend(here.named_children)
    return found


def _no_way_back(expression: str) -> str:
    raise NotAdapted("a shared pointer cannot be returned")


def _through(change: Callable[[str], str], method: str) -> Callable[[str], str]:
    if change is same:
        return same
    return lambda x: f"({x}).{method}(|value| {change('value')})"


def list_of(name: str, inner: RustType) -> RustType:
    """A list of some kind; the driver knows `Vec`, `VecDeque` and `BTreeSet`."""
    each = "iter" if inner.borrows else "into_iter"
    own = f"{name}<_>"
    return RustType(
        f"list[{inner.shared}]",
        f"{name}<{inner.written}>",
        into=same
        if inner.into is same
        else lambda x: f"{x}.{each}().map(|item| {inner.into('item')}).collect::<{own}>()",
        out=same
        if inner.out is same
        else lambda x: f"({x}).into_iter().map(|item| {inner.out('item')}).collect::<{own}>()",
        borrows=inner.borrows,
        domain=inner.domain,
        hashed=inner.hashed,
    )


def _collected(name: str, inner: RustType) -> RustType:
    """A collection that the driver does not know: read from a list, written as a list in its own order, or
    sorted where it has none."""
    own = f"std::collections::{name}<_>"
    ordered = name == "LinkedList"

    def out(expression: str) -> str:
        sort = "" if ordered else " items.sort();"
        mutable = "" if ordered else "mut "
        return f"{{ let {mutable}items = ({expression}).into_iter().collect::<Vec<_>>();{sort} items }}"

    return RustType(
        f"list[{inner.shared}]",
        f"Vec<{inner.written}>",
        into=lambda x: f"{x}.into_iter().collect::<{own}>()",
        out=out,
        domain=inner.domain,
        hashed=False,
    )


def _map_of(name: str, key: RustType, value: RustType) -> RustType:
    if not key.hashed:
        raise NotAdapted(f"a map with keys of {key.written} has no shared meaning")
    plain = key.is_plain and value.is_plain
    borrows = key.borrows or value.borrows
    each = "iter" if borrows else "into_iter"

    def change(expression: str, way: str, method: str) -> str:
        keys = key.into("key") if way == "into" else key.out("key")
        values = value.into("value") if way == "into" else value.out("value")
        return f"({expression}).{method}().map(|(key, value)| ({keys}, {values})).collect::<{name}<_, _>>()"

    if borrows and not (key.borrows and value.borrows):
        raise NotAdapted(f"a {name} that borrows its keys or values has no shared meaning")
    return RustType(
        f"map[{key.shared}, {value.shared}]",
        f"std::collections::{name}<{key.written}, {value.written}>",
        into=same if plain else lambda x: change(x, "into", each),
        out=same if plain else lambda x: change(x, "out", "into_iter"),
        borrows=borrows,
        domain=key.domain if key.domain == value.domain else "any",
        hashed=False,
    )


def tuple_of(inner: Sequence[RustType], is_result: bool = False) -> RustType:
    """A tuple."""
    if not 0 < len(inner) <= _MAX_FIELDS:
        raise NotAdapted(f"a tuple of {len(inner)} values has no shared meaning")
    domains = {one.domain for one in inner}

    def into(x: str) -> str:
        return f"({', '.join(one.into(f'{x}.{at}') for at, one in enumerate(inner))},)"

    def out(x: str) -> str:
        parts = ", ".join(one.out(f"parts.{at}") for at, one in enumerate(inner))
        return f"{{ let parts = {x}; ({parts},) }}"

    return RustType(
        f"tuple[{', '.join(one.shared for one in inner)}]",
        f"({', '.join(one.written for one in inner)},)",
        into=same if all(one.into is same for one in inner) else into,
        out=same if all(one.out is same for one in inner) else out,
        borrows=any(one.borrows for one in inner),
        domain=domains.pop() if len(domains) == 1 else "any",
        hashed=all(one.hashed for one in inner),
    )


def _record(item: "Node", text: bytes, name: str, reader: RustTypeReader, is_result: bool) -> RustType:
    """A struct by its fields is a tuple."""
    body = item.child_by_field_name("body")
    if body is None:
        raise NotAdapted(f"the type {name} has no fields")
    if body.type == "field_declaration_list":
        fields = [one for one in body.named_children if one.type == "field_declaration"]
        names = [node_text(one.child_by_field_name("name") or one, text) for one in fields]
        kinds = [one.child_by_field_name("type") for one in fields]
    else:
        kinds = [
            one for one in body.named_children if one.type not in ("visibility_modifier", "attribute_item")
        ]
        names = [str(at) for at in range(len(kinds))]
    inner = [reader.read(kind, is_result=is_result) for kind in kinds]
    if not 0 < len(inner) <= _MAX_FIELDS:
        raise NotAdapted(f"the type {name} has {len(inner)} fields")
    shape = tuple_of(inner)

    def into(x: str) -> str:
        values = [
            f"{field}: {one.into(f'{x}.{at}')}"
            for at, (field, one) in enumerate(zip(names, inner, strict=True))
        ]
        return f"{name} {{ {', '.join(values)} }}"

    def out(x: str) -> str:
        parts = ", ".join(one.out(f"record.{field}") for field, one in zip(names, inner, strict=True))
        return f"{{ let record = {x}; ({parts},) }}"

    return shape._replace(into=into, out=out, borrows=shape.borrows, hashed=False)


def _variants(item: "Node", text: bytes, name: str) -> RustType:
    """An enum without values is the name of its variant."""
    body = item.child_by_field_name("body")
    variants = [
        one for one in (body.named_children if body is not None else ()) if one.type == "enum_variant"
    ]
    if not variants or any(one.child_by_field_name("body") is not None for one in variants):
        raise NotAdapted(f"the type {name} has no shared meaning")
    names = [node_text(one.child_by_field_name("name") or one, text) for one in variants]

    def out(x: str) -> str:
        arms = ", ".join(f'{name}::{one} => "{one}".to_string()' for one in names)
        return f"match {x} {{ {arms} }}"

    return RustType("str", "String", out=out)


def _short(text: str) -> str:
    return " ".join(text.split())[:60]
