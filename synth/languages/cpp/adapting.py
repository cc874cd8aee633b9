"""How a function of real C++ code is called with shared types.

Place in the flow: reference execution asks `adapt` for the ways to call the last function of a name. The code
goes into a namespace, and a function of the same name outside it makes the object, passes an array and its
length for a list, and returns the result, or the argument that a function without a result changes. A call
that would end the process is an error of that call alone. The one rule: what stands in the declaration
decides; a pointer whose meaning is not certain is refused.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
from synth.languages.cpp.shared_types import CppType, TypeContext, same
from synth.languages.spec import CONVERSION_MARK, Adapted, NotAdapted
from synth.languages.support.changes import ChangeNodes, changed_names, edited
from synth.values import parse_signature

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_SPACE: Final = "original"
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
_MAX_PARAMETERS: Final = 8
_GUARD: Final = f"""namespace guard {{
sigjmp_buf before;
char stack[1 << 16];
void ended(int) {{ siglongjmp(before, 1); }}
struct Call {{
    Call() {{
        stack_t other{{stack, 0, sizeof stack}};
        sigaltstack(&other, nullptr);
        struct sigaction action{{}};
        action.sa_handler = ended;
        action.sa_flags = SA_ONSTACK | SA_NODEFER;
        for (int signal : {{SIGABRT, SIGFPE, SIGSEGV, SIGBUS, SIGVTALRM}})
            sigaction(signal, &action, nullptr);
        itimerval limit{{{{0, 0}}, {{0, 200000}}}};
        setitimer(ITIMER_VIRTUAL, &limit, nullptr);
    }}
    ~Call() {{
        itimerval none{{}};
        setitimer(ITIMER_VIRTUAL, &none, nullptr);
    }}
}};
[[noreturn]] void refuse() {{
    throw std::runtime_error("{CONVERSION_MARK}: the call would end the process");
}}
}}  // namespace guard"""
"""A call that aborts, divides by zero, leaves its memory or needs more than 0.2 s raises an error instead."""
_GUARD_HEADERS: Final = ("#include <csetjmp>", "#include <csignal>", "#include <sys/time.h>")
_GUARDED: Final = ("guard::Call call;", "if (sigsetjmp(guard::before, 1)) guard::refuse();")
_TRIED: Final = (CppType("int", "int"), CppType("str", "std::string"))
"""What stands for a type variable."""


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


class _Passed(NamedTuple):
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
class _CppFunction:
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


def adapt(code: str, entry_point: str) -> tuple[Adapted, ...]:
    """The ways to call the last function of that name. Raises NotAdapted, UnparsedError."""
    text = code.encode("utf-8", "surrogatepass")
    root = parse(text, "cpp").root_node
    function = _find(root, text, entry_point)
    names = _type_variables(function)
    own = _aliases(root, text)
    ways: list[Adapted] = []
    why: NotAdapted | None = None
    for tried in _TRIED if names else (None,):
        variables = dict.fromkeys(names, tried) if tried is not None else {}
        try:
            ways.append(_adapt(function, code, TypeContext(variables, own)))
        except NotAdapted as refused:
            why = why or refused
    if not ways and why is not None:
        raise why
    return tuple(dict.fromkeys(ways))


def changed_arguments(node: "Node", text: bytes) -> tuple[str, ...]:
    """The parameters through which a function may change something of its caller."""
    body = node.child_by_field_name("body")
    declarator = next((one for one in walk(node) if one.type == "function_declarator"), None)
    if body is None or declarator is None or node.child_by_field_name("type") is None:
        return ()
    given = [one for one in parameters(declarator, text) if not one.is_const]
    names = [one.name for one in given if one.pointers or one.is_reference]
    return changed_names(body, text, names, _CHANGES, [one.name for one in given if one.is_reference])


# --- the declaration ---


def _find(root: "Node", text: bytes, entry_point: str) -> _CppFunction:
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
    owner_name = _field_text(owner, "name", text) if owner is not None else ""
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
    return _CppFunction(node, text, tuple(reversed(spaces)), owner, owner_name, tuple(templates))


def _class_of(root: "Node", text: bytes, name: str) -> "Node":
    for node in walk(root, frozenset({"compound_statement"})):
        has_body = node.type in _CLASSES and node.child_by_field_name("body") is not None
        if has_body and _field_text(node, "name", text) == name:
            return node
    raise NotAdapted(f"its class {name} is not there", needs=name)


def _field_text(node: "Node", field: str, text: bytes) -> str:
    found = node.child_by_field_name(field)
    return node_text(found, text) if found is not None else ""


def declared_name(node: "Node", text: bytes) -> str:
    """The name of a function as it is written, with the class before it."""
    found = next((one for one in walk(node) if one.type == "function_declarator"), None)
    return _field_text(found, "declarator", text) if found is not None else ""


def _type_variables(function: _CppFunction) -> list[str]:
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


def _aliases(root: "Node", text: bytes) -> dict[str, str]:
    """Names of the code for types, with their texts."""
    found: dict[str, str] = {}
    for node in walk(root, frozenset({"compound_statement"})):
        if node.type == "alias_declaration":
            found[_field_text(node, "name", text)] = _field_text(node, "type", text)
        elif node.type == "type_definition":
            named = node.child_by_field_name("declarator")
            if named is not None and named.type == "type_identifier":
                found[node_text(named, text)] = _field_text(node, "type", text)
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


# --- the call ---


def _adapt(function: _CppFunction, code: str, types: TypeContext) -> Adapted:
    text, declarator = function.text, function.declarator
    given = parameters(declarator, text)
    changed = set(changed_arguments(function.node, text))
    result = _result(function, types)
    passed = _passed(given, changed, types, _used_as_array(function))
    returned = [one for one in passed if one.after] if result is None else []
    if result is None and not returned:
        raise NotAdapted("it returns nothing and changes no argument")
    built = _built(function, types)
    taken = {one.name for one in passed}
    built = [one._replace(name=f"{one.name}_of_object") if one.name in taken else one for one in built]
    every = [*built, *passed]
    if len(every) > _MAX_PARAMETERS:
        raise NotAdapted(f"it takes {len(every)} arguments")
    kinds = [one.type.shared for one in returned]
    shared = result.shared if result else kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]"
    signature = (parse_signature(f"({', '.join(one.type.shared for one in every)}) -> {shared}"),)
    names, domains = tuple(one.name for one in every), tuple(one.type.domain for one in every)
    name = declared_name(function.node, text).rpartition("::")[2]
    if not name.isidentifier() or name == "main":
        raise NotAdapted(f"{name} cannot be called by a name")
    caller = _caller(function, name, built, passed, returned, result, types)
    return Adapted(f"{_in_namespace(function, code)}\n\n{caller}", name, names, signature, domains)


def _result(function: _CppFunction, types: TypeContext) -> CppType | None:
    """None for `void`. Raises NotAdapted."""
    text = _field_text(function.node, "type", function.text)
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


def _passed(
    given: Sequence[Given], changed: set[str], types: TypeContext, used_as_array: Callable[[str], bool]
) -> list[_Passed]:
    passed: list[_Passed] = []
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


def _used_as_array(function: _CppFunction) -> Callable[[str], bool]:
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


def _by_value(one: Given, kind: CppType, is_changed: bool) -> _Passed:
    if one.is_reference and not one.is_const and kind.into is not same:
        held = f"{one.name}_held"
        return _Passed(
            one.name,
            kind,
            (held,),
            before=f"auto {held} = {kind.into(one.name)};",
            after=kind.out(held) if is_changed else "",
        )
    argument = kind.into(one.name)
    return _Passed(one.name, kind, (argument,), after=one.name if is_changed and one.is_reference else "")


def _pointed_at(one: Given, kind: CppType, is_changed: bool) -> _Passed:
    """One value behind a pointer."""
    if kind.into is not same:
        raise NotAdapted(f"a pointer {one.name} to {one.type_text} has no shared meaning")
    return _Passed(one.name, kind, (f"&{one.name}",), after=one.name if is_changed else "")


def _text(one: Given, is_changed: bool) -> _Passed:
    kind = CppType("str", "std::string")
    after = f"std::string({one.name}.c_str())" if is_changed else ""
    return _Passed(one.name, kind, (f"{one.name}.data()",), after=after)


def _list(one: Given, is_changed: bool, length: str, types: TypeContext) -> _Passed:
    item = types.read(one.type_text)
    if one.pointers > 1 or one.fixed or item.into is not same or item.written in ("bool", "auto"):
        raise NotAdapted(f"an array {one.name} of the type {one.type_text} has no certain shape")
    kind = CppType(f"list[{item.shared}]", f"std::vector<{item.written}>", domain=item.domain)
    arguments = (f"{one.name}.data()", *([length] if length else []))
    return _Passed(one.name, kind, arguments, after=one.name if is_changed else "")


def _indexed(
    one: Given,
    is_changed: bool,
    given: Sequence[Given],
    types: TypeContext,
) -> _Passed:
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


def _built(function: _CppFunction, types: TypeContext) -> list[_Passed]:
    """The arguments of the simplest constructor of the function's class."""
    owner = function.owner
    if owner is None or _is_static(function):
        return []
    makers, abstract = [], False
    body = owner.child_by_field_name("body")
    for node in body.named_children if body is not None else ():
        inner = node.named_children[-1] if node.type == "template_declaration" else node
        declarator = next(
            (
                one
                for one in walk(inner, frozenset({"compound_statement"}))
                if one.type == "function_declarator"
            ),
            None,
        )
        abstract = abstract or (node.type == "field_declaration" and declarator is not None and
                                _field_text(node, "default_value", function.text) == "0")  # fmt: skip
        if (
            declarator is not None
            and _field_text(declarator, "declarator", function.text) == function.owner_name
        ):
            makers.append(parameters(declarator, function.text))
    if abstract:
        raise NotAdapted(f"it is a method of {function.owner_name}, of which no object can be made")
    why: NotAdapted | None = None
    for maker in sorted(makers, key=len):
        try:
            return _passed(maker, set(), types, lambda name: True)
        except NotAdapted as refused:
            why = why or refused
    if why is not None:
        raise NotAdapted(f"an object of {function.owner_name} cannot be made: {why}")
    return []


def _is_static(function: _CppFunction) -> bool:
    if function.owner is None:
        return False
    name = declared_name(function.node, function.text).rpartition("::")[2]
    body = function.owner.child_by_field_name("body")
    for node in body.named_children if body is not None else ():
        found = next(
            (
                one
                for one in walk(node, frozenset({"compound_statement"}))
                if one.type == "function_declarator"
            ),
            None,
        )
        if found is not None and _field_text(found, "declarator", function.text) == name:
            storage = [one for one in node.named_children if one.type == "storage_class_specifier"]
            return any(node_text(one, function.text) == "static" for one in storage)
    return False


def _caller(
    function: _CppFunction,
    name: str,
    built: Sequence[_Passed],
    passed: Sequence[_Passed],
    returned: Sequence[_Passed],
    result: CppType | None,
    types: TypeContext,
) -> str:
    head = ", ".join(f"{one.type.written} {one.name}" for one in (*built, *passed))
    lines = [one.before for one in (*built, *passed) if one.before]
    path = "::".join([_SPACE, *function.spaces])
    given = ", ".join(argument for one in passed for argument in one.arguments)
    tried = [kind.written for kind in types.variables.values()]
    arguments = f"<{', '.join(tried)}>" if tried else ""
    if function.owner is None:
        called = f"{path}::{name}({given})"
    elif _is_static(function):
        called = f"{path}::{function.owner_name}{arguments}::{name}({given})"
    else:
        made = ", ".join(argument for one in built for argument in one.arguments)
        lines.append(f"{path}::{function.owner_name}{arguments} object{{{made}}};" if not made else
                     f"{path}::{function.owner_name}{arguments} object({made});")  # fmt: skip
        called = f"object.{name}({given})"
    if result is not None:
        lines.append(f"return {result.out(called)};")
        kind = result.written if result.out is same else "auto"
    else:
        afters = [one.after for one in returned]
        lines += [
            f"{called};",
            f"return {afters[0]};" if len(afters) == 1 else f"return std::make_tuple({', '.join(afters)});",
        ]
        kind = "auto"
    body = "\n".join(f"    {line}" for line in [*_GUARDED, *lines])
    return f"{_GUARD}\n{kind} {name}({head}) {{\n{body}\n}}\n"


def _in_namespace(function: _CppFunction, code: str) -> str:
    """The code in a namespace of its own, includes before it; the class of a method all public."""
    text = code.encode("utf-8", "surrogatepass")
    owner = function.owner
    body = owner.child_by_field_name("body") if owner is not None else None
    if body is not None:
        edits = [(body.start_byte, body.start_byte + 1, b"{ public:")]
        edits += [
            (one.start_byte, one.end_byte, b"public")
            for one in body.named_children
            if one.type == "access_specifier"
        ]
        code = edited(text, edits).decode("utf-8", "surrogatepass")
    lines = code.splitlines()
    includes = [line for line in lines if re.match(r"\s*#\s*include\b", line)]
    inside = "\n".join(line for line in lines if line not in includes).strip()
    return "\n".join([*includes, *_GUARD_HEADERS, f"namespace {_SPACE} {{", inside, "}  // namespace"])
