"""Java types with a shared meaning: how each is written, and how a value is converted to it and back.

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


def same(expression: str) -> str:
    return expression


def _first_or_null(expression: str) -> str:
    return f"{expression}.stream().boxed().findFirst().orElse(null)"


class JavaType(NamedTuple):
    """A Java type with a shared meaning."""

    shared: str
    written: str
    """The type as the appended class declares it, which the driver reads and writes."""
    boxed: str = ""
    """The same as a type argument, if it is another."""
    into: Callable[[str], str] = same
    """The expression of the written type -> one of the method's own type."""
    out: Callable[[str], str] = same
    """The way back."""
    changeable: bool = False
    """Whether a method can change it for its caller."""
    domain: Domain = "any"

    @property
    def is_plain(self) -> bool:
        return self.into is same and self.out is same

    @property
    def argument(self) -> str:
        return self.boxed or self.written


SCALARS: Final = {
    "int": JavaType("int", "int", "Integer"),
    "long": JavaType("int", "long", "Long"),
    "short": JavaType("int", "short", "Short"),
    "byte": JavaType("int", "byte", "Byte"),
    "double": JavaType("float", "double", "Double"),
    "float": JavaType("float", "float", "Float"),
    "boolean": JavaType("bool", "boolean", "Boolean"),
    "char": JavaType("str", "char", "Character", domain="letter"),
    "Integer": JavaType("int", "Integer"),
    "Long": JavaType("int", "Long"),
    "Short": JavaType("int", "Short"),
    "Byte": JavaType("int", "Byte"),
    "BigInteger": JavaType("int", "BigInteger"),
    "Double": JavaType("float", "Double"),
    "Float": JavaType("float", "Float"),
    "Boolean": JavaType("bool", "Boolean"),
    "Character": JavaType("str", "Character", domain="letter"),
    "String": JavaType("str", "String"),
    "CharSequence": JavaType("str", "String", out=lambda x: f"{x}.toString()"),
    "StringBuilder": JavaType(
        "str", "String", "", lambda x: f"new StringBuilder({x})", lambda x: f"{x}.toString()", True
    ),
    "StringBuffer": JavaType(
        "str", "String", "", lambda x: f"new StringBuffer({x})", lambda x: f"{x}.toString()", True
    ),
}
_RESULTS: Final = {
    "void": JavaType("null", "Object"),
    "Object": JavaType("any", "Object"),
    "Number": JavaType("any", "Object"),
    "OptionalInt": JavaType("int", "Integer", out=_first_or_null),
    "OptionalLong": JavaType("int", "Long", out=_first_or_null),
    "OptionalDouble": JavaType(
        "float", "Double", out=lambda x: f"{x}.stream().boxed().findFirst().orElse(null)"
    ),
    "IntStream": JavaType("list[int]", "int[]", out=lambda x: f"{x}.toArray()"),
    "LongStream": JavaType("list[int]", "long[]", out=lambda x: f"{x}.toArray()"),
    "DoubleStream": JavaType("list[float]", "double[]", out=lambda x: f"{x}.toArray()"),
}
"""Types that only a result can have."""
_LISTS: Final = {
    "List": "",
    "ArrayList": "",
    "LinkedList": "",
    "Collection": "",
    "Iterable": "",
    "Deque": "new ArrayDeque<>({})",
    "Queue": "new LinkedList<>({})",
    "ArrayDeque": "new ArrayDeque<>({})",
    "PriorityQueue": "new PriorityQueue<>({})",
    "Vector": "new Vector<>({})",
    "Stack": "{}.stream().collect(Collectors.toCollection(Stack::new))",
    "Set": "new HashSet<>({})",
    "HashSet": "new HashSet<>({})",
    "LinkedHashSet": "new LinkedHashSet<>({})",
    "TreeSet": "new TreeSet<>({})",
    "SortedSet": "new TreeSet<>({})",
    "NavigableSet": "new TreeSet<>({})",
}
"""Collections of one type, and how one is made of a list."""
_SETS: Final = frozenset({"Set", "HashSet"})
"""Their order means nothing, so they are written in the order of their elements."""
_MAPS: Final = {
    "Map": "",
    "HashMap": "",
    "LinkedHashMap": "",
    "TreeMap": "",
    "AbstractMap": "",
    "SortedMap": "new TreeMap<>({})",
    "NavigableMap": "new TreeMap<>({})",
    "ConcurrentHashMap": "new ConcurrentHashMap<>({})",
}


@dataclass(frozen=True, slots=True)
class TypeReader:
    """Reads type nodes. `variables` says what stands for each type variable."""

    text: bytes
    variables: Mapping[str, JavaType] = field(default_factory=dict)
    owns: Mapping[str, "Node"] = field(default_factory=dict)
    """The types that the code itself declares, which hide those of the library."""

    def read(self, node: "Node | None", is_result: bool = False) -> JavaType:
        """Raises NotAdapted."""
        if node is None:
            raise NotAdapted("a type cannot be read")
        text = node_text(node, self.text)
        if node.type == "array_type":
            return self._array(node)
        if node.type == "generic_type":
            return self._generic(node, is_result)
        if node.type == "wildcard":
            bounds = node.named_children
            if len(bounds) == 1:
                return self.read(bounds[0], is_result)
        if text in self.variables:
            return self.variables[text]
        if text in self.owns:
            raise NotAdapted(f"the type {text} is the code's own")
        if node.type == "scoped_type_identifier":
            text = text.rpartition(".")[2]
        if text in SCALARS:
            return SCALARS[text]
        if is_result and text in _RESULTS:
            return _RESULTS[text]
        raise NotAdapted(f"the type {text} has no shared meaning")

    def _array(self, node: "Node") -> JavaType:
        element = self.read(node.child_by_field_name("element"))
        dimensions = node.child_by_field_name("dimensions")
        depth = node_text(dimensions, self.text).count("[") if dimensions is not None else 0
        return self.array_of(element, depth)

    def array_of(self, element: JavaType, depth: int) -> JavaType:
        """Arrays of arrays, `depth` in all."""
        if depth and (not element.is_plain or "<" in element.written):
            raise NotAdapted(f"an array of {element.written} cannot be made")
        for _ in range(depth):
            written = f"{element.written}[]"
            element = JavaType(f"list[{element.shared}]", written, changeable=True, domain=element.domain)
        return element

    def _generic(self, node: "Node", is_result: bool) -> JavaType:
        name = node_text(node.named_children[0], self.text).rpartition(".")[2]
        if name in self.owns:
            raise NotAdapted(f"the type {name} is the code's own")
        arguments = next((one for one in node.named_children if one.type == "type_arguments"), None)
        inner = [self.read(one) for one in (arguments.named_children if arguments is not None else ())]
        if name in _LISTS and len(inner) == 1:
            return _list_of(name, inner[0])
        if name in _MAPS and len(inner) == 2:
            return _map_of(name, *inner)
        if name == "Optional" and len(inner) == 1:
            return _optional(inner[0])
        if name == "Stream" and len(inner) == 1 and is_result:
            listed = _list_of("List", inner[0])
            return listed._replace(out=lambda x: listed.out(f"{x}.collect(Collectors.toList())"))
        if name == "Comparable" and len(inner) == 1:
            return inner[0]
        raise NotAdapted(f"the type {node_text(node, self.text)} has no shared meaning")


_ITEM: Final = "codemillItem"


def _each(expression: str, change: Callable[[str], str]) -> str:
    inner = change(_ITEM)
    item = f"codemillItem{inner.count('->')}"  # not the name of a lambda's item inside
    return (
        f"{expression}.stream().map({item} -> {inner.replace(_ITEM, item)})"
        ".collect(Collectors.toCollection(ArrayList::new))"
    )


def _list_of(name: str, inner: JavaType) -> JavaType:
    made = _LISTS[name]

    def into(expression: str) -> str:
        listed = expression if inner.into is same else _each(expression, inner.into)
        return made.format(listed) if made else listed

    def out(expression: str) -> str:
        if name in _SETS:
            scalar = not inner.shared.startswith(("list", "map", "tuple"))
            order = "sorted()" if scalar else "sorted(Comparator.comparing(String::valueOf))"
            expression = f"{expression}.stream().{order}.collect(Collectors.toList())"
        elif made or name == "Collection":
            expression = f"new ArrayList<>({expression})"
        elif name == "Iterable":
            return f"StreamSupport.stream({expression}.spliterator(), false).collect(Collectors.toList())"
        return expression if inner.out is same else _each(expression, inner.out)

    written = name if name in ("ArrayList", "LinkedList") else "List"
    return JavaType(
        f"list[{inner.shared}]",
        f"{written}<{inner.argument}>",
        into=into if made or inner.into is not same else same,
        out=out if made or inner.out is not same or name in ("Collection", "Iterable") else same,
        changeable=True,
        domain=inner.domain,
    )


def _map_of(name: str, key: JavaType, value: JavaType) -> JavaType:
    if not key.is_plain:
        raise NotAdapted(f"a map with keys of {key.written} cannot be made")
    made = _MAPS[name]

    def each(expression: str, change: Callable[[str], str]) -> str:
        copied = f"Collectors.toMap(e -> e.getKey(), e -> {change('e.getValue()')})"
        return f"{expression}.entrySet().stream().collect({copied})"

    def into(expression: str) -> str:
        mapped = expression if value.into is same else each(expression, value.into)
        return made.format(mapped) if made else mapped

    written = name if name in ("HashMap", "LinkedHashMap", "TreeMap") else "Map"
    return JavaType(
        f"map[{key.shared}, {value.shared}]",
        f"{written}<{key.argument}, {value.argument}>",
        into=into if made or value.into is not same else same,
        out=same if value.out is same else lambda x: each(x, value.out),
        changeable=True,
        domain=key.domain if key.domain == value.domain else (key.domain, value.domain),
    )


def _optional(inner: JavaType) -> JavaType:
    def out(expression: str) -> str:
        mapped = expression if inner.out is same else f"{expression}.map(x -> {inner.out('x')})"
        return f"{mapped}.orElse(null)"

    return inner._replace(
        written=inner.argument,
        into=lambda x: f"Optional.ofNullable({inner.into(x)})",
        out=out,
        changeable=False,
    )
