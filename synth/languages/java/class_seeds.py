"""Which Java classes can be seeds, and how they are called with shared values.

Place in the flow: `classes.py` states this for the cutter and for reference execution. A class of the same
name is appended, which makes an object of the real one (that is then called `Original...`), converts the
arguments and hands the calls on. The one rule: as for methods, what stands in the declarations decides, and a
method whose types have no slot stays away.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
from synth.languages.classes import (
    PROBE_FUNCTION,
    ClassSeeds,
    DraftClass,
    DraftMethod,
    FoundClass,
    has_slot,
)
from synth.languages.java.declared import (
    TYPES,
    JavaParameter,
    constructors,
    modifier_nodes,
    modifiers,
    name_of,
    only_throws,
    parameter_nodes,
    read_parameter,
    variable_choices,
    without_annotations,
)
from synth.languages.java.shared_types import SCALARS, JavaType, TypeReader
from synth.languages.spec import NotAdapted
from synth.languages.support.changes import edited
from synth.values import ValueType, parse_type

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_MOST_MAKERS: Final = 2
"""Constructors that are tried."""
_NEVER: Final = frozenset({"equals", "hashCode", "main", "finalize", "clone"})
_OF_OBJECT: Final = frozenset({"toString"})
"""Methods of every object, which raise nothing that has to be stated."""
_SAYS: Final = ("System.out", "System.err", "printStackTrace")
_OBJECT: Final = "codemillObject"
_HELPERS: Final = {
    "codemillInt": "static int codemillInt(long value) { if (value != (int) value) throw new "
    'ArithmeticException("codemill: the integer does not fit an int"); return (int) value; }',
    "codemillShort": "static short codemillShort(long value) { if (value != (short) value) throw new "
    'ArithmeticException("codemill: the integer does not fit a short"); return (short) value; }',
    "codemillByte": "static byte codemillByte(long value) { if (value != (byte) value) throw new "
    'ArithmeticException("codemill: the integer does not fit a byte"); return (byte) value; }',
    "codemillChar": "static char codemillChar(String value) { if (value.length() != 1) throw new "
    'IllegalArgumentException("codemill: the string does not fit a char"); return value.charAt(0); }',
}
_NARROWED: Final = {
    "int": "codemillInt({})",
    "Integer": "codemillInt({})",
    "short": "codemillShort({})",
    "Short": "codemillShort({})",
    "byte": "codemillByte({})",
    "Byte": "codemillByte({})",
    "float": "(float) {}",
    "Float": "(float) {}",
    "char": "codemillChar({})",
    "Character": "codemillChar({})",
    "BigInteger": "BigInteger.valueOf({})",
}
"""How a value of the shared type becomes one of the method's own, where it is not one already."""
_OF_STREAM: Final = {
    "int[]": "mapToInt({} -> {}).toArray()",
    "long[]": "mapToLong({} -> {}).toArray()",
    "double[]": "mapToDouble({} -> {}).toArray()",
}
_MADE_OF_STREAM: Final = {
    "List": "collect(Collectors.toCollection(ArrayList::new))",
    "ArrayList": "collect(Collectors.toCollection(ArrayList::new))",
    "LinkedList": "collect(Collectors.toCollection(LinkedList::new))",
}
_PROBE: Final = """
@SuppressWarnings({"unchecked", "rawtypes"}) class CodemillProbe {
    static List<Object> FUNCTION(Object made, Object calls) throws Throwable {
        List<Object> given = new ArrayList<>(), first = (List<Object>) made;
        NAME object = new NAME(MADE);
        for (List<Object> call : (List<List<Object>>) calls) {
            try {
                Object result = null;
                switch ((String) call.get(0)) {
CASES
                }
                given.add(Arrays.asList("gave", result));
            } catch (Exception | StackOverflowError error) {
                given.add(Arrays.asList("raised"));
            }
        }
        return given;
    }
}
"""


# --- which classes ---


def _find(text: str) -> Sequence[FoundClass]:
    data = text.encode("utf-8", "surrogatepass")
    found = []
    for node in parse(data, "java").root_node.named_children:
        names = tuple(dict.fromkeys(name_of(one, data) for one in _methods(node, data)))
        if len(names) > 1 and _has_objects(node, data):
            name = name_of(node, data)
            first, last = node.start_point.row + 1, node.end_point.row + 1
            found.append(FoundClass(name, first, last, names, (f"new {name}",)))
    return found


def _has_objects(node: "Node", text: bytes) -> bool:
    if node.type != "class_declaration" or "abstract" in modifiers(node, text) or node.has_error:
        return False
    makers = constructors(node)
    return not makers or bool(_open(makers, text))


def _open(makers: Sequence["Node"], text: bytes) -> list["Node"]:
    """The constructors that others may call, those with the most parameters first: they show the most."""
    found = [one for one in makers if "private" not in modifiers(one, text) and not only_throws(one)]
    return sorted(found, key=lambda one: -len(parameter_nodes(one)))


def _methods(owner: "Node", text: bytes) -> Iterator["Node"]:
    """The methods of an object that others may call and that say nothing on stdout."""
    body = owner.child_by_field_name("body") if owner.type == "class_declaration" else None
    for one in body.named_children if body is not None else ():
        if one.type != "method_declaration" or one.child_by_field_name("body") is None:
            continue
        written = node_text(one, text)
        hidden = modifiers(one, text) & {"private", "static", "abstract"}
        if not hidden and name_of(one, text) not in _NEVER and not any(word in written for word in _SAYS):
            yield one


# --- how they are called ---


class _Member(NamedTuple):
    """A constructor or a method with shared types."""

    name: str
    parameters: tuple[JavaParameter, ...]
    result: JavaType | None = None

    @property
    def kinds(self) -> tuple[ValueType, ...]:
        return tuple(parse_type(one.type.shared) for one in self.parameters)

    def draft(self) -> DraftMethod:
        names, domains = (one.name for one in self.parameters), (one.type.domain for one in self.parameters)
        gives = self.result is not None and self.result.shared != "null"
        return DraftMethod(self.name, tuple(names), self.kinds, tuple(domains), gives)


def _draft(code: str, name: str) -> Sequence[DraftClass]:
    text = without_annotations(code.encode("utf-8", "surrogatepass"))
    root = parse(text, "java").root_node
    owners = [one for one in root.named_children if one.type == "class_declaration"]
    owner = next((one for one in reversed(owners) if name_of(one, text) == name), None)
    if owner is None:
        raise NotAdapted(f"no class {name} was found in it")
    owns = {name_of(node, text): node for node in walk(root) if node.type in TYPES}
    ways: dict[DraftClass, None] = {}
    why = NotAdapted("fewer than two methods take and give what a slot holds")
    for variables in variable_choices([owner], text):
        reader = TypeReader(text, variables, owns)
        makers = _open(constructors(owner), text)[:_MOST_MAKERS]
        for maker in makers or (None,):
            try:
                ways[_draft_class(owner, root, maker, reader)] = None
            except NotAdapted as refused:
                why = refused
    if not ways:
        raise why
    return list(ways)


def _draft_class(owner: "Node", root: "Node", maker: "Node | None", reader: TypeReader) -> DraftClass:
    name = name_of(owner, reader.text)
    made = _Member(name, _read_parameters(maker, reader) if maker is not None else ())
    methods: dict[str, _Member] = {}
    for node in _methods(owner, reader.text):
        try:
            member = _read_method(node, reader)
        except NotAdapted:
            continue
        methods.setdefault(member.name, member)
    if len(methods) < 2:
        raise NotAdapted("fewer than two methods take and give what a slot holds")
    names = {node_text(one, reader.text) for one in walk(root) if one.type.endswith("identifier")}
    other = f"Original{name}"
    while other in names:
        other += "_"
    code = _renamed(owner, root, reader.text, name, other)
    generic = owner.child_by_field_name("type_parameters") is not None
    types = ", ".join(reader.variables[one].argument for one in _variables(owner, reader.text))
    written = _wrapper(name, f"{other}<{types}>" if generic else other, made, list(methods.values()))
    drafts = tuple(one.draft() for one in methods.values())
    return DraftClass(f"{code.rstrip()}\n\n{written}", name, made.draft(), drafts)


def _variables(owner: "Node", text: bytes) -> Iterator[str]:
    declared = owner.child_by_field_name("type_parameters")
    for one in declared.named_children if declared is not None else ():
        yield next(node_text(child, text) for child in one.named_children if child.type == "type_identifier")


def _read_parameters(node: "Node", reader: TypeReader) -> tuple[JavaParameter, ...]:
    """Raises NotAdapted for a parameter that no slot holds."""
    found = tuple(read_parameter(one, reader) for one in parameter_nodes(node))
    for one in found:
        if not has_slot(parse_type(one.type.shared)):
            raise NotAdapted(f"no slot holds the type {one.type.written}")
        _own_value("", one.type)
    return found


def _read_method(node: "Node", reader: TypeReader) -> _Member:
    """Raises NotAdapted."""
    if node.child_by_field_name("type_parameters") is not None:
        raise NotAdapted("it has type variables of its own")
    result = reader.read(node.child_by_field_name("type"), is_result=True)
    if node.child_by_field_name("dimensions") is not None:
        raise NotAdapted("its result is written in an old form")
    kind = parse_type(result.shared)
    if kind.kind != "null" and not has_slot(kind):
        raise NotAdapted(f"no slot holds the type {result.written}")
    return _Member(name_of(node, reader.text), _read_parameters(node, reader), result)


def _renamed(owner: "Node", root: "Node", text: bytes, name: str, other: str) -> str:
    """The code with the class under another name, and its members open to the appended class."""
    body = owner.child_by_field_name("body")
    opened = [owner, *(body.named_children if body is not None else ())]
    edits = [
        (one.start_byte, one.end_byte, b"")
        for node in opened
        if node.type in ("class_declaration", "constructor_declaration", "method_declaration")
        for one in modifier_nodes(node)
        if one.type == "protected" or (one.type == "public" and node is owner)
    ]
    edits += [
        (one.start_byte, one.end_byte, other.encode())
        for one in walk(root)
        if one.type in ("identifier", "type_identifier") and node_text(one, text) == name
    ]
    return edited(text, edits).decode("utf-8", "surrogatepass")


def _shared(kind: ValueType, boxed: bool = False) -> str:
    """The type that the driver's lists and the lines of `classes.py` hold."""
    if kind.kind == "list":
        return f"List<{_shared(kind.inner[0], boxed=True)}>"
    plain, box = {"int": ("long", "Long"), "float": ("double", "Double"), "bool": ("boolean", "Boolean")}.get(
        kind.kind, ("String", "String")
    )
    return box if boxed else plain


def _own_value(expression: str, kind: JavaType) -> str:
    """The method's own value of one of the shared type. Raises NotAdapted."""
    return kind.into(_written_value(expression, kind))


def _written_value(expression: str, kind: JavaType) -> str:
    """The same as the type is written, before a collection is made of it."""
    return _narrowed(expression, kind.written, 0)


def _narrowed(expression: str, written: str, depth: int) -> str:
    is_array, (head, _, inner) = written.endswith("[]"), written.partition("<")
    if not is_array and not inner:
        return _NARROWED.get(written, "{}").format(expression)
    element, item = (
        written.removesuffix("[]") if is_array else inner.removesuffix(">"),
        f"codemillItem{depth}",
    )
    if not is_array and head not in _MADE_OF_STREAM:
        raise NotAdapted(f"a {written} cannot be made of shared values")
    one = _narrowed(item, element, depth + 1)
    if written in _OF_STREAM:
        return f"{expression}.stream().{_OF_STREAM[written].format(item, one)}"
    if is_array and element in SCALARS and element[0].islower():
        raise NotAdapted(f"an array of {element} cannot be made of shared values")
    if is_array and "<" in element:
        raise NotAdapted(f"an array of {element} cannot be made")
    end = f"toArray({written}::new)" if is_array else _MADE_OF_STREAM[head]
    return f"{expression}.stream().map({item} -> {one}).{end}"


def _wrapper(name: str, original: str, made: _Member, methods: Sequence[_Member]) -> str:
    """The class that candidates are asked for."""

    def head(member: _Member) -> str:
        pairs = zip(member.kinds, member.parameters, strict=True)
        return ", ".join(f"{_shared(kind)} {one.name}" for kind, one in pairs)

    def values(member: _Member) -> str:
        return ", ".join(_own_value(one.name, one.type) for one in member.parameters)

    lines = [f"    private final {original} {_OBJECT};", ""]
    maker = f"new {original.partition('<')[0]}{'<>' if '<' in original else ''}({values(made)})"
    lines += [f"    {name}({head(made)}) throws Exception {{", f"        this.{_OBJECT} = {maker};", "    }"]
    for one in methods:
        called = f"{_OBJECT}.{one.name}({values(one)})"
        kind, line = "void", f"{called};"
        if one.result is not None and one.result.shared != "null":
            kind, line = one.result.written, f"return {one.result.out(called)};"
        throws = "" if one.name in _OF_OBJECT else "throws Exception "
        lines += ["", f"    public {kind} {one.name}({head(one)}) {throws}{{", f"        {line}", "    }"]
    text = "\n".join(lines)
    helpers = [f"    private {helper}" for word, helper in _HELPERS.items() if f"{word}(" in text]
    return "\n".join([f"class {name} {{", text, *(["", *helpers] if helpers else []), "}", ""])


# --- the probe ---


def _probe(draft: DraftClass) -> str:
    def taken(kinds: Sequence[ValueType], place: Callable[[int], str]) -> str:
        return ", ".join(f"({_shared(kind, boxed=True)}) {place(at)}" for at, kind in enumerate(kinds))

    cases = []
    for one in draft.methods:
        called = f"object.{one.name}({taken(one.kinds, lambda at: f'call.get({at + 1})')})"
        cases.append(f'case "{one.name}": {"result = " if one.gives else ""}{called}; break;')
    text = _PROBE.replace("FUNCTION", PROBE_FUNCTION).replace("NAME", draft.name)
    made = taken(draft.constructor.kinds, lambda at: f"first.get({at})")
    return draft.code + text.replace("MADE", made).replace("CASES", "\n".join(cases))


SEEDS: Final = ClassSeeds(_find, _draft, _probe)
