"""What the declaration of a C or C++ function says of its arguments and its result.

Place in the flow: `adapting.py` of C++ and of C read a function here. The one rule: a pointer whose meaning
is not certain (one value, a text, an array with its length) is refused.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, walk
from synth.languages.cpp.shared_types import CppType, TypeContext, same
from synth.languages.spec import CONVERSION_MARK, NotAdapted
from synth.languages.support.changes import ChangeNodes, changed_names

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_CLASSES: Final = frozenset({"class_specifier", "struct_specifier"})
_GIVEN: Final = frozenset({"parameter_declaration", "optional_parameter_declaration"})
_CHANGES: Final = ChangeNodes(
    assignments=frozenset({"assignment_expression", "update_expression"}),
    calls=frozenset({"call_expression"}),
    receiver="function",
    loops=frozenset({"for_range_loop"}),
)
_LENGTH: Final = re.compile(
    r"(?:n|m|len|length|size|sz|count|num|total)\d?|\w*(?:len|length|size|count)|num\w*|n_\w*", re.IGNORECASE
)
"""What a parameter is called that holds the length of the array before it."""


class Given(NamedTuple):
    """A parameter as it is declared."""

    name: str
    type_text: str
    pointers: int
    """Stars and brackets."""
    is_reference: bool
    is_const: bool
    fixed: bool
    """Whether an array has a size that is written down."""


class PassedArgument(NamedTuple):
    """A parameter of the appended function, and what it hands on."""

    name: str
    type: CppType
    arguments: tuple[str, ...]
    """One, or an array and its length."""
    before: str = ""
    """A statement before the call."""
    after: str = ""
    """The expression of the changed argument."""


@dataclass(frozen=True, slots=True)
class CppFunction:
    node: "Node"
    text: bytes
    spaces: tuple[str, ...]
    owner: "Node | None"
    """The class around it."""
    owner_name: str
    templates: tuple["Node", ...]

    @property
    def declarator(self) -> "Node":
        return next(one for one in walk(self.node) if one.type == "function_declarator")


def changed_arguments(node: "Node", text: bytes) -> tuple[str, ...]:
    """The parameters through which a function may change something of its caller."""
    body = node.child_by_field_name("body")
    declarator = next((one for one in walk(node) if one.type == "function_declarator"), None)
    if body is None or declarator is None or node.child_by_field_name("type") is None:
        return ()
    given = [one for one in parameters(declarator, text) if not one.is_const]
    names = [one.name for one in given if one.pointers or one.is_reference]
    return changed_names(body, text, names, _CHANGES, [one.name for one in given if one.is_reference])


def find_function(root: "Node", text: bytes, entry_point: str) -> CppFunction:
    """The last definition of the function, with the namespaces and the class around it."""
    found = [
        node
        for node in walk(root, frozenset({"compound_statement"}))
        if node.type == "function_definition" and declared_name(node, text) == entry_point
    ]
    if not found:
        raise NotAdapted(f"no function {entry_point} was found in it")
    node = found[-1]
    if node.child_by_field_name("type") is None:
        raise NotAdapted("it makes or ends an object")
    spaces: list[str] = []
    templates: list[Node] = []
    owner: Node | None = None
    parent = node.parent
    while parent is not None:
        if parent.type == "template_declaration":
            templates.append(parent)
        elif parent.type in _CLASSES:
            if owner is not None:
                raise NotAdapted("it is a method of a class inside another")
            owner = parent
        elif (
            parent.type == "namespace_definition" and (name := parent.child_by_field_name("name")) is not None
        ):
            spaces.append(node_text(name, text))
        parent = parent.parent
    owner_name = field_text(owner, "name", text) if owner is not None else ""
    path = re.sub(r"<[^<>]*>", "", entry_point).split("::")
    if len(path) > 1 and owner is None:
        owner, spaces = _class_of(root, text, path[-2]), []
        owner_name = path[-2]
        inner: Node | None = owner
        while inner is not None:
            if (
                inner.type == "namespace_definition"
                and (name := inner.child_by_field_name("name")) is not None
            ):
                spaces.append(node_text(name, text))
            inner = inner.parent
        if owner.parent is not None and owner.parent.type == "template_declaration":
            templates.append(owner.parent)
    return CppFunction(node, text, tuple(reversed(spaces)), owner, owner_name, tuple(templates))


def _class_of(root: "Node", text: bytes, name: str) -> "Node":
    for node in walk(root, frozenset({"compound_statement"})):
        has_body = node.type in _CLASSES and node.child_by_field_name("body") is not None
        if has_body and field_text(node, "name", text) == name:
            return node
    raise NotAdapted(f"its class {name} is not there", needs=name)


def field_text(node: "Node", field: str, text: bytes) -> str:
    found = node.child_by_field_name(field)
    return node_text(found, text) if found is not None else ""


def declared_name(node: "Node", text: bytes) -> str:
    """The name of a function as it is written, with the class before it."""
    found = next((one for one in walk(node) if one.type == "function_declarator"), None)
    return field_text(found, "declarator", text) if found is not None else ""


def type_variables(function: CppFunction) -> list[str]:
    names: list[str] = []
    for template in function.templates:
        declared = template.child_by_field_name("parameters")
        for one in declared.named_children if declared is not None else ():
            found = next((child for child in one.named_children if child.type == "type_identifier"), None)
            if (
                one.type not in ("type_parameter_declaration", "optional_type_parameter_declaration")
                or not found
            ):
                raise NotAdapted("it is a template over more than types")
            names.append(node_text(found, function.text))
    return names


def type_aliases(root: "Node", text: bytes) -> dict[str, str]:
    """Names of the code for types, with their texts."""
    found: dict[str, str] = {}
    for node in walk(root, frozenset({"compound_statement"})):
        if node.type == "preproc_def" and (value := node.child_by_field_name("value")) is not None:
            found[field_text(node, "name", text)] = node_text(value, text).strip()
        elif node.type == "alias_declaration":
            found[field_text(node, "name", text)] = field_text(node, "type", text)
        elif node.type == "type_definition":
            named = node.child_by_field_name("declarator")
            if named is not None and named.type == "type_identifier":
                found[node_text(named, text)] = field_text(node, "type", text)
    return found


def parameters(declarator: "Node", text: bytes) -> list[Given]:
    """The parameters of a function's declarator, as they are written."""
    declared = declarator.child_by_field_name("parameters")
    inside = declared.named_children if declared is not None else []
    return [_given(one, text) for one in inside if one.type in _GIVEN and node_text(one, text) != "void"]


def _given(node: "Node", text: bytes) -> Given:
    kind, inner = node.child_by_field_name("type"), node.child_by_field_name("declarator")
    pointers, is_reference, fixed = 0, False, False
    while inner is not None and inner.type not in ("identifier", "field_identifier"):
        if inner.type in ("pointer_declarator", "abstract_pointer_declarator"):
            pointers += 1
        elif inner.type in ("array_declarator", "abstract_array_declarator"):
            pointers += 1
            fixed = fixed or inner.child_by_field_name("size") is not None
        elif inner.type in ("reference_declarator", "abstract_reference_declarator"):
            is_reference = True
        else:
            return Given("", node_text(node, text), 9, is_reference, False, True)
        inner = inner.child_by_field_name("declarator") or next(
            (one for one in inner.named_children if one.type != "type_qualifier"), None
        )
    name = node_text(inner, text) if inner is not None else ""
    qualifiers = [node_text(one, text) for one in node.named_children if one.type == "type_qualifier"]
    type_text = node_text(kind, text) if kind is not None else ""
    return Given(
        name, type_text, pointers, is_reference, "const" in qualifiers or "const" in type_text.split(), fixed
    )


def declared_result(function: CppFunction, types: TypeContext) -> CppType | None:
    """None for `void`. Raises NotAdapted."""
    text = field_text(function.node, "type", function.text)
    trailing = next(
        (one for one in function.declarator.named_children if one.type == "trailing_return_type"), None
    )
    if trailing is not None and trailing.named_children:
        text = node_text(trailing.named_children[0], function.text)
    inner = function.node.child_by_field_name("declarator")
    is_pointer = inner is not None and inner.type == "pointer_declarator"
    if text == "void" and not is_pointer:
        return None
    if text in ("auto", "decltype(auto)"):
        return CppType("any", "auto")
    if is_pointer:
        if types.read(text).written == "char":
            return CppType("str", "std::string")
        raise NotAdapted(f"a result of the type {text} * has no certain length")
    return types.read(text)


def pass_arguments(
    given: Sequence[Given], changed: set[str], types: TypeContext, used_as_array: Callable[[str], bool]
) -> list[PassedArgument]:
    passed: list[PassedArgument] = []
    at = 0
    while at < len(given):
        one, at = given[at], at + 1
        if not one.name:
            raise NotAdapted("a parameter has no name")
        is_changed = one.name in changed
        if not one.pointers:
            passed.append(_by_value(one, types.read(one.type_text), is_changed))
            continue
        if one.pointers == 1 and one.type_text.removeprefix("const ").strip() == "char":
            passed.append(_text(one, is_changed))
        elif one.pointers == 1 and not used_as_array(one.name) and not one.fixed:
            passed.append(_pointed_at(one, types.read(one.type_text), is_changed))
        elif at < len(given) and _is_length(given[at], types):
            passed.append(_list(one, is_changed, f"{one.name}.size()", types))
            at += 1
        elif at == 2 and _is_length(given[0], types):
            listed = _list(one, is_changed, "", types)
            passed[-1] = listed._replace(arguments=(f"{one.name}.size()", *listed.arguments))
        else:
            passed.append(_indexed(one, is_changed, given, types))
    return passed


def used_as_array(function: CppFunction) -> Callable[[str], bool]:
    """Whether the body takes a pointer for the start of several values."""
    body, text = function.node.child_by_field_name("body"), function.text
    found: set[str] = set()
    for node in walk(body) if body is not None else ():
        if node.type in ("subscript_expression", "binary_expression", "update_expression", "argument_list"):
            found.update(node_text(one, text) for one in node.named_children if one.type == "identifier")
    return found.__contains__


def _is_length(one: Given, types: TypeContext) -> bool:
    if one.pointers or one.is_reference or not _LENGTH.fullmatch(one.name):
        return False
    try:
        return types.read(one.type_text).shared == "int"
    except NotAdapted:
        return False


def _by_value(one: Given, kind: CppType, is_changed: bool) -> PassedArgument:
    if one.is_reference and not one.is_const and kind.into is not same:
        held = f"{one.name}_held"
        return PassedArgument(
            one.name,
            kind,
            (held,),
            before=f"auto {held} = {kind.into(one.name)};",
            after=kind.out(held) if is_changed else "",
        )
    argument = kind.into(one.name)
    return PassedArgument(
        one.name, kind, (argument,), after=one.name if is_changed and one.is_reference else ""
    )


def _pointed_at(one: Given, kind: CppType, is_changed: bool) -> PassedArgument:
    """One value behind a pointer."""
    if kind.into is not same:
        raise NotAdapted(f"a pointer {one.name} to {one.type_text} has no shared meaning")
    return PassedArgument(one.name, kind, (f"&{one.name}",), after=one.name if is_changed else "")


def _text(one: Given, is_changed: bool) -> PassedArgument:
    kind = CppType("str", "std::string")
    after = f"std::string({one.name}.c_str())" if is_changed else ""
    return PassedArgument(one.name, kind, (f"{one.name}.data()",), after=after)


def _list(one: Given, is_changed: bool, length: str, types: TypeContext) -> PassedArgument:
    item = types.read(one.type_text)
    if one.pointers > 1 or one.fixed or item.into is not same or item.written in ("bool", "auto"):
        raise NotAdapted(f"an array {one.name} of the type {one.type_text} has no certain shape")
    kind = CppType(f"list[{item.shared}]", f"std::vector<{item.written}>", domain=item.domain)
    arguments = (f"{one.name}.data()", *([length] if length else []))
    return PassedArgument(one.name, kind, arguments, after=one.name if is_changed else "")


def _indexed(
    one: Given,
    is_changed: bool,
    given: Sequence[Given],
    types: TypeContext,
) -> PassedArgument:
    """An array whose other arguments are indices into it."""
    numbers = [
        other.name
        for other in given
        if not other.pointers and not other.is_reference and types.read(other.type_text).shared == "int"
    ]
    if not numbers:
        raise NotAdapted(f"a pointer {one.name} has no certain length")
    listed = _list(one, is_changed, "", types)
    inside = " || ".join(f"{n} < 0 || static_cast<std::size_t>({n}) >= {one.name}.size()" for n in numbers)
    return listed._replace(before=f'if ({inside}) throw std::out_of_range("{CONVERSION_MARK}: no index");')
