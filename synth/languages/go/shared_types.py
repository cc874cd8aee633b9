"""Go types with a shared meaning: how each is written, and how a value is converted to it and back.

Place in the flow: `adapting.py` reads the types of a declaration here. The one rule: a type without a certain
shared meaning is refused with its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text
from synth.languages.spec import Domain, NotAdapted

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

EACH: Final = "codemillEach"
EACH_HELPER: Final = f"""func {EACH}[A, B any](items []A, change func(A) B) []B {{
	changed := make([]B, len(items))
	for at, item := range items {{
		changed[at] = change(item)
	}}
	return changed
}}"""
"""Converts a list; appended where a conversion names it."""
_MAX_DEPTH: Final = 6
_MAX_FIELDS: Final = 6


def same(expression: str) -> str:
    """No conversion."""
    return expression


class GoType(NamedTuple):
    """A Go type with a shared meaning."""

    shared: str
    written: str
    """The type as the appended function declares it, which the driver reads and writes."""
    own: str
    """The type as the code itself has it."""
    into: Callable[[str], str] = same
    """The expression of the written type -> one of the code's own type."""
    out: Callable[[str], str] = same
    """The way back."""
    changeable: bool = False
    """Whether a function can change it for its caller."""
    domain: Domain = "any"

    @property
    def is_plain(self) -> bool:
        """Whether the driver reads and writes it without help."""
        return self.into is same and self.out is same


def _scalar(shared: str, name: str, domain: Domain = "any") -> GoType:
    return GoType(shared, name, name, domain=domain)


SCALARS: Final[Mapping[str, GoType]] = {
    **{name: _scalar("int", name) for name in ("int", "int8", "int16", "int32", "int64")},
    **{
        name: _scalar("int", name, "natural")
        for name in ("uint", "uint8", "uint16", "uint32", "uint64", "uintptr")
    },
    "float32": _scalar("float", "float32"),
    "float64": _scalar("float", "float64"),
    "string": _scalar("str", "string"),
    "bool": _scalar("bool", "bool"),
    "rune": _scalar("str", "rune", "letter"),
    "byte": _scalar("str", "byte", "letter"),
}
_BIG: Final = GoType("int", "*big.Int", "*big.Int")


@dataclass(frozen=True, slots=True)
class GoTypeReader:
    """Reads type nodes. `variables` says what stands for each type variable, `owns` holds the types that the
    code declares (`type_spec` nodes)."""

    text: bytes
    owns: "Mapping[str, Node]" = field(default_factory=dict)
    variables: Mapping[str, GoType] = field(default_factory=dict)
    bytes_are_text: bool = True
    """Whether `[]byte` and `byte` stand for texts, not for numbers."""
    depth: int = 0

    def read(self, node: "Node | None", *, is_result: bool = False) -> GoType:
        """Raises NotAdapted."""
        if node is None or self.depth > _MAX_DEPTH:
            raise NotAdapted("a type cannot be read")
        written = node_text(node, self.text)
        if node.type in ("parenthesized_type", "type_elem"):
            return self.read(next(iter(node.named_children), None), is_result=is_result)
        if node.type == "type_identifier":
            return self._named(written, (), is_result)
        if node.type == "generic_type":
            name, arguments = node.child_by_field_name("type"), node.child_by_field_name("type_arguments")
            given = [self.read(one) for one in (arguments.named_children if arguments is not None else ())]
            return self._named(node_text(name, self.text) if name is not None else written, given, is_result)
        if node.type == "slice_type":
            return self.list_of(self.read(node.child_by_field_name("element"), is_result=is_result))
        if node.type == "array_type":
            return self._array(node)
        if node.type == "map_type":
            return self._map(node, is_result)
        if node.type == "pointer_type":
            return self._pointer(node, is_result)
        if node.type == "interface_type" and not node.named_children:
            return self._free(is_result)
        raise NotAdapted(f"the type {_short(written)} has no shared meaning")

    def _named(self, name: str, given: "list[GoType] | tuple[()]", is_result: bool) -> GoType:
        if name in self.variables:
            return self.variables[name]
        if name in self.owns:
            return self._own(name, given, is_result)
        if name == "byte" and not self.bytes_are_text:
            return SCALARS["uint8"]
        if name in SCALARS:
            return SCALARS[name]
        if name == "any":
            return self._free(is_result)
        raise NotAdapted(f"the type {name} has no shared meaning")

    def _free(self, is_result: bool) -> GoType:
        """`any`: a parameter is tried at one type, a result is what it is."""
        if is_result:
            return GoType("any", "any", "any")
        tried = self.variables.get("")
        if tried is None:
            raise NotAdapted("the type any has no shared meaning")
        return tried._replace(own="any", into=lambda x: f"any({x})", out=same)

    def list_of(self, inner: GoType) -> GoType:
        """A slice."""
        if inner.own in ("byte", "rune") and inner.shared == "str":
            own = f"[]{inner.own}"
            return GoType(
                "str", "string", own, lambda x: f"{own}({x})", lambda x: f"string({x})", changeable=True
            )
        own = f"[]{inner.own}"
        return GoType(
            f"list[{inner.shared}]",
            f"[]{inner.written}",
            own,
            into=same if inner.into is same else _each(inner.written, inner.own, inner.into),
            out=same if inner.out is same else _each(inner.own, inner.written, inner.out),
            changeable=True,
            domain=inner.domain,
        )

    def _array(self, node: "Node") -> GoType:
        """An array is a tuple where it is short, since its length is part of its type."""
        length, inner = node.child_by_field_name("length"), self.read(node.child_by_field_name("element"))
        count = node_text(length, self.text) if length is not None else ""
        if not count.isdecimal() or not 0 < int(count) <= _MAX_FIELDS or not inner.is_plain:
            raise NotAdapted(f"the type {_short(node_text(node, self.text))} has no shared meaning")
        written = f"[{count}]{inner.written}"
        return GoType(
            f"tuple[{', '.join([inner.shared] * int(count))}]", written, written, domain=inner.domain
        )

    def _map(self, node: "Node", is_result: bool) -> GoType:
        key = self.read(node.child_by_field_name("key"))
        value = self.read(node.child_by_field_name("value"), is_result=is_result)
        if not key.is_plain or not (value.is_plain or (is_result and value.out is same)):
            raise NotAdapted(f"the type {_short(node_text(node, self.text))} has no shared meaning")
        return GoType(
            f"map[{key.shared}, {value.shared}]",
            f"map[{key.written}]{value.written}",
            f"map[{key.own}]{value.own}",
            changeable=True,
            domain=key.domain if key.domain == value.domain else "any",
        )

    def _pointer(self, node: "Node", is_result: bool) -> GoType:
        """A pointer to a value that the appended function makes; a result is what it points to, or null."""
        target = next(iter(node.named_children), None)
        written = node_text(node, self.text)
        if written == _BIG.own and "big" not in self.owns:
            return _BIG
        inner = self.read(target, is_result=is_result)
        own = f"*{inner.own}"
        if is_result and inner.out is same:
            return inner._replace(own=own, written=own, into=same)
        point = f"func(value {inner.own}) {own} {{ return &value }}"
        return GoType(
            inner.shared,
            inner.written,
            own,
            into=lambda x: f"({point})({inner.into(x)})",
            out=lambda x: inner.out(f"(*{x})"),
            changeable=True,
            domain=inner.domain,
        )

    def _own(self, name: str, given: "list[GoType] | tuple[()]", is_result: bool) -> GoType:
        spec = self.owns[name]
        inside = spec.child_by_field_name("type")
        declared = spec.child_by_field_name("type_parameters")
        variables = [
            node_text(child, self.text)
            for one in (declared.named_children if declared is not None else ())
            for child in one.named_children
            if child.type == "identifier"
        ]
        if inside is None or len(variables) != len(given):
            raise NotAdapted(f"the type {name} has no shared meaning")
        reader = GoTypeReader(
            self.text,
            {key: node for key, node in self.owns.items() if key != name},
            {**self.variables, **dict(zip(variables, given, strict=True))},
            self.bytes_are_text,
            self.depth + 1,
        )
        own = f"{name}[{', '.join(one.own for one in given)}]" if given else name
        if inside.type == "struct_type":
            return self._record(inside, own, reader, is_result)
        under = reader.read(inside, is_result=is_result)
        if spec.type == "type_alias":
            return under
        if under.out is not same and not under.written == "string":
            raise NotAdapted(f"the type {name} has no shared meaning")
        return under._replace(
            own=own,
            into=lambda x: f"{own}({under.into(x)})",
            out=(lambda x: f"{under.written}({x})") if under.out is not same else same,
        )

    def _record(self, node: "Node", own: str, reader: "GoTypeReader", is_result: bool) -> GoType:
        """A record by field is a tuple."""
        fields = record_fields(node, self.text)
        if not 0 < len(fields) <= _MAX_FIELDS:
            raise NotAdapted(f"the type {own} has {len(fields)} fields")
        types = [reader.read(kind, is_result=is_result) for _, kind in fields]
        if any(one.out is not same and not is_result for one in types):
            raise NotAdapted(f"the type {own} has a field that cannot be made")
        if any(one.out is not same for one in types):
            raise NotAdapted(f"the type {own} has a field that cannot be read")
        letters = [f"{'ABCDEFGH'[at]} {one.written}" for at, one in enumerate(types)]
        written = f"struct{{ {'; '.join(letters)} }}"

        def into(expression: str) -> str:
            values = [
                f"{name}: {one.into(f'record.{chr(65 + at)}')}"
                for at, ((name, _), one) in enumerate(zip(fields, types, strict=True))
            ]
            return f"func(record {written}) {own} {{ return {own}{{{', '.join(values)}}} }}({expression})"

        domains = {one.domain for one in types}
        return GoType(
            f"tuple[{', '.join(one.shared for one in types)}]",
            own if is_result else written,
            own,
            into=into,
            domain=domains.pop() if len(domains) == 1 else "any",
        )


def record_fields(node: "Node", text: bytes) -> "list[tuple[str, Node]]":
    """Name and type of each field. Raises NotAdapted for an embedded one."""
    found: list[tuple[str, Node]] = []
    listed = next((child for child in node.named_children if child.type == "field_declaration_list"), None)
    for one in listed.named_children if listed is not None else ():
        if one.type != "field_declaration":
            continue
        kind = one.child_by_field_name("type")
        names = [child for child in one.named_children if child.type == "field_identifier"]
        if kind is None or not names:
            raise NotAdapted("it has an embedded field")
        found += [(node_text(name, text), kind) for name in names]
    return found


def _each(before: str, after: str, change: Callable[[str], str]) -> Callable[[str], str]:
    function = f"func(item {before}) {after} {{ return {change('item')} }}"
    return lambda x: f"{EACH}({x}, {function})"


def _short(text: str) -> str:
    return " ".join(text.split())[:60]
