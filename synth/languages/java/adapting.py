"""How a method of real Java code is called with shared types.

Place in the flow: reference execution asks `adapt` for the ways to call the last method of a name. A static
method whose types the driver reads as they are is called as it is. For any other, a class `Solution` is
appended that makes the object, converts the arguments, and returns the result, or the argument that a
method without a result changes. The one rule: what stands in the declaration decides; a type without a
certain shared meaning is refused with its name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
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
from synth.languages.java.shared_types import JavaType, TypeReader, same
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.changes import ChangeNodes, changed_names, edited
from synth.languages.support.ways import gather_ways
from synth.values import parse_signature

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_CALLER: Final = "Solution"
_OTHER: Final = "Original"
"""The class of bare methods, and the name that a class `Solution` of the code gets."""
_CHANGES: Final = ChangeNodes(
    assignments=frozenset({"assignment_expression", "update_expression"}),
    calls=frozenset({"method_invocation", "object_creation_expression"}),
    receiver="object",
)
_MAX_PARAMETERS: Final = 8


@dataclass(frozen=True, slots=True)
class _Method:
    """A method, with the types around it from the outermost one."""

    node: "Node"
    text: bytes
    around: tuple["Node", ...]

    @property
    def name(self) -> str:
        return name_of(self.node, self.text)

    @property
    def is_static(self) -> bool:
        return "static" in modifiers(self.node, self.text)


def adapt(code: str, entry_point: str) -> tuple[Adapted, ...]:
    """The ways to call the last method of that name. Raises NotAdapted, UnparsedError."""
    text = without_annotations(code.encode("utf-8", "surrogatepass"))
    root = parse(text, "java").root_node
    method = _find(root, text, entry_point)
    owns = {name_of(node, text): node for node in walk(root) if node.type in TYPES}
    choices = variable_choices((*method.around, method.node), text)
    return gather_ways(_adapt(method, root, TypeReader(text, variables, owns)) for variables in choices)


def changed_arguments(node: "Node", text: bytes) -> tuple[str, ...]:
    """The parameters through which a method may change something of its caller."""
    names, body = [], node.child_by_field_name("body")
    for one in parameter_nodes(node):
        kind = one.child_by_field_name("type")
        if one.type == "spread_parameter" or (kind is not None and _can_change(kind, text)):
            names.append(name_of(one, text))
    return changed_names(body, text, names, _CHANGES) if body is not None else ()


def _can_change(kind: "Node", text: bytes) -> bool:
    return kind.type in ("array_type", "generic_type") or node_text(kind, text) in (
        "StringBuilder",
        "StringBuffer",
    )


def _find(root: "Node", text: bytes, name: str) -> _Method:
    found = [
        node
        for node in walk(root)
        if node.type == "method_declaration" and name_of(node, text) == name and not node.has_error
    ]
    if not found:
        raise NotAdapted(f"no method {name} was found in it")
    around: list[Node] = []
    parent = found[-1].parent
    while parent is not None:
        if parent.type in TYPES:
            around.append(parent)
        elif parent.type == "object_creation_expression":
            raise NotAdapted("it is a method of a class without a name")
        parent = parent.parent
    return _Method(found[-1], text, tuple(reversed(around)))


def _adapt(method: _Method, root: "Node", reader: TypeReader) -> Iterator[Adapted]:
    text, node = method.text, method.node
    parameters = [read_parameter(one, reader) for one in parameter_nodes(node)]
    result = reader.read(node.child_by_field_name("type"), is_result=True)
    result_node = node.child_by_field_name("dimensions")
    if result_node is not None:
        result = reader.array_of(result, node_text(result_node, text).count("["))
    changed = changed_arguments(node, text) if result.shared == "null" else ()
    by_name = {one.name: one for one in parameters}
    returned = [by_name[name] for name in changed if by_name[name].type.changeable]
    if result.shared == "null" and not returned:
        raise NotAdapted("it returns nothing and changes no argument")
    owner, built = _owner(method, reader)
    taken = {one.name for one in parameters}
    built = [replace_name(one, taken) for one in built]
    every = [*built, *parameters]
    if len(every) > _MAX_PARAMETERS:
        raise NotAdapted(f"it takes {len(every)} arguments")
    shared = _tuple([one.type.shared for one in returned]) if returned else result.shared
    signature = parse_signature(f"({', '.join(one.type.shared for one in every)}) -> {shared}")
    names = tuple(one.name for one in every)
    domains = tuple(one.type.domain for one in every)
    if not returned and not built and _is_called_as_it_is(method, root, parameters, result):
        yield Adapted(text.decode("utf-8", "surrogatepass"), method.name, names, (signature,), domains)
        return
    call = _Call(method, owner, built, parameters, returned, result)
    code = f"{_opened(method, root)}\n\n{call.written()}"
    marks = call_marks(changes=bool(returned))
    yield Adapted(code, method.name, names, (signature,), domains, marks=marks)


def _tuple(shared: Sequence[str]) -> str:
    return shared[0] if len(shared) == 1 else f"tuple[{', '.join(shared)}]"


def replace_name(one: JavaParameter, taken: set[str]) -> JavaParameter:
    """The parameter under a name that is free."""
    return one._replace(name=f"{one.name}OfObject") if one.name in taken else one


def _is_called_as_it_is(
    method: _Method, root: "Node", parameters: Sequence[JavaParameter], result: JavaType
) -> bool:
    """Whether the driver finds the method and reads and writes its types without help."""
    if not all(one.type.is_plain for one in parameters) or result.out is not same:
        return False
    if _variables(method):
        return False
    count = len(parameters)
    like = [
        node
        for node in walk(root)
        if node.type == "method_declaration"
        and name_of(node, method.text) == method.name
        and len(parameter_nodes(node)) == count
    ]
    return len(like) == 1 and (
        not method.around or (method.is_static and len(method.around) == 1) or _is_bare_object(method)
    )


def _variables(method: _Method) -> bool:
    return any(node.child_by_field_name("type_parameters") for node in (*method.around, method.node))


def _is_bare_object(method: _Method) -> bool:
    """A method of an outer class that is made without arguments."""
    if len(method.around) != 1 or method.around[0].type != "class_declaration":
        return False
    if "abstract" in modifiers(method.around[0], method.text):
        return False

    makers = constructors(method.around[0])
    return not makers or any(not parameter_nodes(one) and not only_throws(one) for one in makers)


class _Call(NamedTuple):
    """The appended class."""

    method: _Method
    owner: str
    built: Sequence[JavaParameter]
    parameters: Sequence[JavaParameter]
    returned: Sequence[JavaParameter]
    result: JavaType

    def written(self) -> str:
        every = [*self.built, *self.parameters]
        head = ", ".join(f"{one.type.written} {one.name}" for one in every)
        lines = [f"class {_CALLER} {{"]
        kind = self._result_type()
        lines.append(f"    static {kind} {self.method.name}({head}) throws Exception {{")
        lines += [f"        {line}" for line in self._body()]
        return "\n".join([*lines, "    }", "}", ""])

    def _result_type(self) -> str:
        if len(self.returned) > 1:
            return "List<Object>"
        if self.returned:
            return self.returned[0].type.written
        is_made_by_cast = self.result.written.endswith("[]") and _variables(self.method)
        return "Object" if is_made_by_cast else self.result.written

    def _body(self) -> list[str]:
        passed, lines = [], list[str]()
        for one in self.parameters:
            expression = one.type.into(one.name)
            if one in self.returned and one.type.into is not same:
                lines.append(f"var {one.name}Changed = {expression};")
                expression = f"{one.name}Changed"
            passed.append(expression)
        owner = self.owner.format(", ".join(one.type.into(one.name) for one in self.built))
        called = f"{owner}.{self.method.name}({', '.join(passed)})"
        if not self.returned:
            return [*lines, f"return {self.result.out(called)};"]
        lines.append(f"{called};")
        outs = [
            one.type.out(one.name if one.type.into is same else f"{one.name}Changed") for one in self.returned
        ]
        changed = outs[0] if len(outs) == 1 else f"Arrays.asList({', '.join(outs)})"
        return [*lines, f"return {changed};"]


def _owner(method: _Method, reader: TypeReader) -> tuple[str, list[JavaParameter]]:
    """The expression before the dot, with `{}` for the constructor's arguments, and its parameters."""
    called = [name if (name := name_of(node, method.text)) != _CALLER else _OTHER for node in method.around]
    if not method.around:
        return (_OTHER, []) if method.is_static else (f"new {_OTHER}()", [])
    path = ".".join(called)
    if method.is_static:
        return path, []
    around = method.around[-1]
    name = name_of(around, method.text)
    if around.type == "enum_declaration":
        raise NotAdapted(f"it is a method of the values of {name}")
    if around.type == "interface_declaration" or "abstract" in modifiers(around, method.text):
        raise NotAdapted(f"it is a method of {name}, of which no object can be made")
    diamond = "<>" if around.child_by_field_name("type_parameters") is not None else ""
    outer = method.around[:-1]
    is_inner = any(
        node.type == "class_declaration" and "static" not in modifiers(node, method.text)
        for node in method.around[1:]
    )
    built = _simplest_constructor(around, reader)
    if is_inner and outer and outer[-1].type == "class_declaration":
        if len(outer) > 1 or (constructors(outer[0]) and all(map(parameter_nodes, constructors(outer[0])))):
            raise NotAdapted(f"an object of {path} needs others around it")
        return f"new {called[0]}().new {called[-1]}{diamond}({{}})", built
    return f"new {path}{diamond}({{}})", built


def _simplest_constructor(owner: "Node", reader: TypeReader) -> list[JavaParameter]:
    """The parameters of the constructor with the fewest of them, all of shared types."""
    if owner.type == "record_declaration":
        return [read_parameter(one, reader) for one in parameter_nodes(owner)]
    makers = sorted(
        (one for one in constructors(owner) if not only_throws(one)),
        key=lambda one: len(parameter_nodes(one)),
    )
    why: NotAdapted | None = None
    for maker in makers:
        try:
            return [read_parameter(one, reader) for one in parameter_nodes(maker)]
        except NotAdapted as refused:
            why = why or refused
    if why is not None:
        raise NotAdapted(f"an object of {name_of(owner, reader.text)} cannot be made: {why}")
    return []


def _opened(method: _Method, root: "Node") -> str:
    """The code with the method, its types and their constructors open to the appended class, bare methods in
    a class of their own, and another `Solution` under another name."""
    text = method.text
    makers = constructors(method.around[-1]) if method.around else []
    edits = [
        (one.start_byte, one.end_byte, b"")
        for node in (*method.around, method.node, *makers)
        for one in modifier_nodes(node)
        if one.type == "private" or (one.type == "public" and node.parent == root)
    ]
    edits += [
        (node.start_byte, node.end_byte, _OTHER.encode())
        for node in walk(root)
        if node.type in ("identifier", "type_identifier") and node_text(node, text) == _CALLER
    ]
    code = edited(text, edits).decode("utf-8", "surrogatepass")
    if method.around:
        return code
    lines = code.splitlines()
    imports = [line for line in lines if line.startswith(("import ", "package "))]
    inside = "\n".join(line for line in lines if line not in imports)
    return "\n".join([*imports, f"class {_OTHER} {{\n{inside}\n}}"])
