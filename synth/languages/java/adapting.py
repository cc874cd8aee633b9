"""How a method of real Java code is called with shared types.

Place in the flow: reference execution asks `adapt` for the ways to call the last method of a name. A static
method whose types the driver reads as they are is called as it is. For any other, a class `Solution` is
appended that makes the object, converts the arguments, and returns the result, or the argument that a
method without a result changes. The one rule: what stands in the declaration decides; a type without a
certain shared meaning is refused with its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
from synth.languages.java.shared_types import SCALARS, JavaType, TypeReader, same
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.changes import ChangeNodes, changed_names, edited
from synth.values import parse_signature

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_CALLER: Final = "Solution"
_OTHER: Final = "Original"
"""The class of bare methods, and the name that a class `Solution` of the code gets."""
_TYPES: Final = frozenset(
    {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}
)
_CHANGES: Final = ChangeNodes(
    assignments=frozenset({"assignment_expression", "update_expression"}),
    calls=frozenset({"method_invocation", "object_creation_expression"}),
    receiver="object",
)
_ANNOTATIONS: Final = frozenset({"marker_annotation", "annotation"})
_MAX_PARAMETERS: Final = 8


class _Parameter(NamedTuple):
    name: str
    type: JavaType


@dataclass(frozen=True, slots=True)
class _Method:
    """A method, with the types around it from the outermost one."""

    node: "Node"
    text: bytes
    around: tuple["Node", ...]

    @property
    def name(self) -> str:
        return _name(self.node, self.text)

    @property
    def is_static(self) -> bool:
        return "static" in _modifiers(self.node, self.text)


def adapt(code: str, entry_point: str) -> tuple[Adapted, ...]:
    """The ways to call the last method of that name. Raises NotAdapted, UnparsedError."""
    text = _without_annotations(code.encode("utf-8", "surrogatepass"))
    root = parse(text, "java").root_node
    method = _find(root, text, entry_point)
    owns = {_name(node, text): node for node in walk(root) if node.type in _TYPES}
    ways: list[Adapted] = []
    why: NotAdapted | None = None
    for variables in _choices(method):
        try:
            ways.append(_adapt(method, root, TypeReader(text, variables, owns)))
        except NotAdapted as refused:
            why = why or refused
    if not ways and why is not None:
        raise why
    return tuple(dict.fromkeys(ways))


def _without_annotations(text: bytes) -> bytes:
    """They name types that are not there (`@Override` of a method whose class came without what it extends),
    and do nothing."""
    if b"@" not in text:
        return text
    found = [one for one in walk(parse(text, "java").root_node) if one.type in _ANNOTATIONS]
    return edited(text, [(one.start_byte, one.end_byte, b"") for one in found if one.parent is not None])


def changed_arguments(node: "Node", text: bytes) -> tuple[str, ...]:
    """The parameters through which a method may change something of its caller."""
    names, body = [], node.child_by_field_name("body")
    for one in _parameters(node):
        kind = one.child_by_field_name("type")
        if one.type == "spread_parameter" or (kind is not None and _can_change(kind, text)):
            names.append(_name(one, text))
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
        if node.type == "method_declaration" and _name(node, text) == name and not node.has_error
    ]
    if not found:
        raise NotAdapted(f"no method {name} was found in it")
    around: list[Node] = []
    parent = found[-1].parent
    while parent is not None:
        if parent.type in _TYPES:
            around.append(parent)
        elif parent.type == "object_creation_expression":
            raise NotAdapted("it is a method of a class without a name")
        parent = parent.parent
    return _Method(found[-1], text, tuple(reversed(around)))


def _choices(method: _Method) -> list[dict[str, JavaType]]:
    """What may stand for the type variables, the likeliest first."""
    bounds: dict[str, str] = {}
    for node in (*method.around, method.node):
        declared = node.child_by_field_name("type_parameters")
        for one in declared.named_children if declared is not None else ():
            names = [child for child in one.named_children if child.type == "type_identifier"]
            if names:
                bounds[node_text(names[0], method.text)] = node_text(one, method.text)
    if not bounds:
        return [{}]
    numbers = any("Number" in bound for bound in bounds.values())
    return [
        dict.fromkeys(bounds, SCALARS[tried])
        for tried in (("Integer", "Double") if numbers else ("Integer", "String"))
    ]


def _adapt(method: _Method, root: "Node", reader: TypeReader) -> Adapted:
    text, node = method.text, method.node
    parameters = [_parameter(one, reader) for one in _parameters(node)]
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
        return Adapted(text.decode("utf-8", "surrogatepass"), method.name, names, (signature,), domains)
    call = _Call(method, owner, built, parameters, returned, result)
    code = f"{_opened(method, root)}\n\n{call.written()}"
    marks = call_marks(changes=bool(returned))
    return Adapted(code, method.name, names, (signature,), domains, marks=marks)


def _tuple(shared: Sequence[str]) -> str:
    return shared[0] if len(shared) == 1 else f"tuple[{', '.join(shared)}]"


def replace_name(one: _Parameter, taken: set[str]) -> _Parameter:
    """The parameter under a name that is free."""
    return one._replace(name=f"{one.name}OfObject") if one.name in taken else one


def _is_called_as_it_is(
    method: _Method, root: "Node", parameters: Sequence[_Parameter], result: JavaType
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
        and _name(node, method.text) == method.name
        and len(_parameters(node)) == count
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
    if "abstract" in _modifiers(method.around[0], method.text):
        return False

    makers = _constructors(method.around[0])
    return not makers or any(not _parameters(one) and not _throws(one) for one in makers)


class _Call(NamedTuple):
    """The appended class."""

    method: _Method
    owner: str
    built: Sequence[_Parameter]
    parameters: Sequence[_Parameter]
    returned: Sequence[_Parameter]
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


def _owner(method: _Method, reader: TypeReader) -> tuple[str, list[_Parameter]]:
    """The expression before the dot, with `{}` for the constructor's arguments, and its parameters."""
    called = [name if (name := _name(node, method.text)) != _CALLER else _OTHER for node in method.around]
    if not method.around:
        return (_OTHER, []) if method.is_static else (f"new {_OTHER}()", [])
    path = ".".join(called)
    if method.is_static:
        return path, []
    around = method.around[-1]
    name = _name(around, method.text)
    if around.type == "enum_declaration":
        raise NotAdapted(f"it is a method of the values of {name}")
    if around.type == "interface_declaration" or "abstract" in _modifiers(around, method.text):
        raise NotAdapted(f"it is a method of {name}, of which no object can be made")
    diamond = "<>" if around.child_by_field_name("type_parameters") is not None else ""
    outer = method.around[:-1]
    is_inner = any(
        node.type == "class_declaration" and "static" not in _modifiers(node, method.text)
        for node in method.around[1:]
    )
    built = _simplest_constructor(around, reader)
    if is_inner and outer and outer[-1].type == "class_declaration":
        if len(outer) > 1 or (_constructors(outer[0]) and all(map(_parameters, _constructors(outer[0])))):
            raise NotAdapted(f"an object of {path} needs others around it")
        return f"new {called[0]}().new {called[-1]}{diamond}({{}})", built
    return f"new {path}{diamond}({{}})", built


def _simplest_constructor(owner: "Node", reader: TypeReader) -> list[_Parameter]:
    """The parameters of the constructor with the fewest of them, all of shared types."""
    if owner.type == "record_declaration":
        return [_parameter(one, reader) for one in _parameters(owner)]
    makers = sorted(
        (one for one in _constructors(owner) if not _throws(one)), key=lambda one: len(_parameters(one))
    )
    why: NotAdapted | None = None
    for maker in makers:
        try:
            return [_parameter(one, reader) for one in _parameters(maker)]
        except NotAdapted as refused:
            why = why or refused
    if why is not None:
        raise NotAdapted(f"an object of {_name(owner, reader.text)} cannot be made: {why}")
    return []


def _throws(maker: "Node") -> bool:
    """Whether it only forbids objects."""
    body = maker.child_by_field_name("body")
    return body is not None and [one.type for one in body.named_children][:1] == ["throw_statement"]


def _constructors(owner: "Node") -> list["Node"]:
    body = owner.child_by_field_name("body")
    inside = body.named_children if body is not None else []
    return [one for one in inside if one.type == "constructor_declaration"]


def _parameters(node: "Node") -> list["Node"]:
    declared = node.child_by_field_name("parameters")
    inside = declared.named_children if declared is not None else []
    return [one for one in inside if one.type in ("formal_parameter", "spread_parameter")]


def _parameter(node: "Node", reader: TypeReader) -> _Parameter:
    name = _name(node, reader.text)
    if node.type == "spread_parameter":
        kinds = [one for one in node.named_children if one.type not in ("modifiers", "variable_declarator")]
        return _Parameter(name, reader.array_of(reader.read(kinds[0] if kinds else None), 1))
    kind = reader.read(node.child_by_field_name("type"))
    more = node.child_by_field_name("dimensions")
    if more is not None:
        kind = reader.array_of(kind, node_text(more, reader.text).count("["))
    return _Parameter(name, kind)


def _name(node: "Node", text: bytes) -> str:
    found = node.child_by_field_name("name")
    if found is None:
        inner = next((one for one in node.named_children if one.type == "variable_declarator"), None)
        found = inner.child_by_field_name("name") if inner is not None else None
    return node_text(found, text) if found is not None else ""


def _modifier_nodes(node: "Node") -> list["Node"]:
    found = next((one for one in node.named_children if one.type == "modifiers"), None)
    return found.children if found is not None else []


def _modifiers(node: "Node", text: bytes) -> set[str]:
    return {node_text(one, text) for one in _modifier_nodes(node)}


def _opened(method: _Method, root: "Node") -> str:
    """The code with the method, its types and their constructors open to the appended class, bare methods in
    a class of their own, and another `Solution` under another name."""
    text = method.text
    makers = _constructors(method.around[-1]) if method.around else []
    edits = [
        (one.start_byte, one.end_byte, b"")
        for node in (*method.around, method.node, *makers)
        for one in _modifier_nodes(node)
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
