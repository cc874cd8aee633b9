"""Which C++ classes can be seeds, and how they are called with shared values.

Place in the flow: `classes.py` states this for the cutter and for reference execution. The code goes into a
namespace, and a class of the same name outside it makes an object of the real one, converts the arguments and
results, and hands the calls on. The one rule: as for functions, what stands in the declarations decides; a
call that would end the process is an error of that call.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
from synth.languages.classes import ClassSeeds, DraftClass, DraftMethod, FoundClass, has_slot
from synth.languages.cpp.adapting import GUARD, SPACE, TRIED, built_by, in_namespace, is_static
from synth.languages.cpp.declared import (
    CppFunction,
    PassedArgument,
    declared_name,
    declared_result,
    field_text,
    find_function,
    parameters,
    pass_arguments,
    type_aliases,
    type_variables,
    used_as_array,
)
from synth.languages.cpp.shared_types import CppType, TypeContext
from synth.languages.spec import NotAdapted
from synth.values import ValueType, parse_type

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_CLASSES: Final = frozenset({"class_specifier", "struct_specifier"})
_PLACES: Final = frozenset(
    "namespace_definition declaration_list template_declaration preproc_ifdef linkage_specification".split()
)
_SAYS: Final = ("cout", "cerr", "printf", "cin", "puts")
_CONVERSIONS: Final = """
template <class To, class From> struct CodemillTo {
    static To made(const From &value) {
        To own = static_cast<To>(value);
        if (std::is_integral_v<From> && static_cast<From>(own) != value)
            throw std::out_of_range("codemill: the integer does not fit");
        return own;
    }
};
template <class Same> struct CodemillTo<Same, Same> {
    static Same made(const Same &value) { return value; }
};
template <> struct CodemillTo<char, std::string> {
    static char made(const std::string &value) {
        if (value.size() != 1) throw std::out_of_range("codemill: the string does not fit a char");
        return value[0];
    }
};
template <> struct CodemillTo<std::string, char> {
    static std::string made(const char &value) { return std::string(1, value); }
};
template <class To, class From> struct CodemillTo<std::vector<To>, std::vector<From>> {
    static std::vector<To> made(const std::vector<From> &values) {
        std::vector<To> own;
        for (const auto &value : values) own.push_back(CodemillTo<To, From>::made(value));
        return own;
    }
};
template <class Same> struct CodemillTo<std::vector<Same>, std::vector<Same>> {
    static std::vector<Same> made(const std::vector<Same> &values) { return values; }
};
template <class To, class From> To codemill_to(const From &value) {
    return CodemillTo<To, From>::made(value);
}
"""
"""What converts shared values to the class's own and back; appended before the class."""


# --- which classes ---


def _find(text: str) -> Sequence[FoundClass]:
    data = text.encode("utf-8", "surrogatepass")
    found = []
    for node in _declared(parse(data, "cpp").root_node):
        name, names = field_text(node, "name", data), tuple(dict.fromkeys(_methods(node, data)))
        if name.isidentifier() and len(names) > 1 and not node.has_error:
            found.append(FoundClass(name, node.start_point.row + 1, node.end_point.row + 1, names))
    return found


def _declared(place: "Node") -> "Iterator[Node]":
    for node in place.named_children:
        if node.type in _CLASSES and node.child_by_field_name("body") is not None:
            yield node
        elif node.type in _PLACES:
            yield from _declared(node)


def _methods(owner: "Node", text: bytes) -> Iterator[str]:
    """The names of the methods that others may call and that say nothing on stdout."""
    access = "private" if owner.type == "class_specifier" else "public"
    body = owner.child_by_field_name("body")
    for one in body.named_children if body is not None else ():
        if one.type == "access_specifier":
            access = node_text(one, text)
        has_type = one.child_by_field_name("type") is not None
        if one.type not in ("function_definition", "field_declaration") or access != "public" or not has_type:
            continue
        declarator = next(
            (
                part
                for part in walk(one, frozenset({"compound_statement"}))
                if part.type == "function_declarator"
            ),
            None,
        )
        name = field_text(declarator, "declarator", text) if declarator is not None else ""
        if name.isidentifier() and not any(word in node_text(one, text) for word in _SAYS):
            yield name


# --- how they are called ---


class _CppMethod(NamedTuple):
    name: str
    passed: tuple[PassedArgument, ...]
    result: CppType | None

    def draft(self) -> DraftMethod:
        names = tuple(one.name for one in self.passed)
        kinds = tuple(parse_type(one.type.shared) for one in self.passed)
        result = parse_type(self.result.shared) if self.result is not None else ValueType("null")
        return DraftMethod(
            self.name, names, kinds, tuple(one.type.domain for one in self.passed), result=result
        )


def _draft(code: str, name: str) -> Sequence[DraftClass]:
    text = code.encode("utf-8", "surrogatepass")
    root = parse(text, "cpp").root_node
    owners = [one for one in _declared(root) if field_text(one, "name", text) == name]
    if not owners:
        raise NotAdapted(f"no class {name} was found in it")
    functions = list(_functions(owners[-1], root, text, name))
    if len(functions) < 2:
        raise NotAdapted("fewer than two methods can be called")
    variables, own = type_variables(functions[0]), type_aliases(root, text)
    choices = [dict.fromkeys(variables, tried) for tried in TRIED] if variables else [{}]
    ways, why = list[DraftClass](), NotAdapted("fewer than two methods take and give what a slot holds")
    for choice in choices:
        try:
            ways.append(_draft_class(code, name, functions, TypeContext(choice, own)))
        except NotAdapted as refused:
            why = refused
    if not ways:
        raise why
    return ways


def _functions(owner: "Node", root: "Node", text: bytes, name: str) -> Iterator[CppFunction]:
    known = {
        re.sub(r"<[^<>]*>", "", written): written
        for node in walk(root, frozenset({"compound_statement"}))
        if node.type == "function_definition" and (written := declared_name(node, text))
    }
    for method in dict.fromkeys(_methods(owner, text)):
        for path in (method, f"{name}::{method}"):
            try:
                function = find_function(root, text, known.get(path, path))
            except NotAdapted:
                continue
            body = node_text(function.node, text)
            if function.owner_name == name and not any(word in body for word in _SAYS):
                if not is_static(function):
                    yield function
                break


def _draft_class(code: str, name: str, functions: Sequence[CppFunction], types: TypeContext) -> DraftClass:
    made = tuple(built_by(functions[0], types))
    _check_slots(made)
    methods = []
    for function in functions:
        try:
            methods.append(_read(function, types))
        except NotAdapted:
            continue
    if len(methods) < 2:
        raise NotAdapted("fewer than two methods take and give what a slot holds")
    arguments = f"<{', '.join(kind.written for kind in types.variables.values())}>" if types.variables else ""
    path = "::".join([SPACE, *functions[0].spaces, f"{name}{arguments}"])
    heads = "".join(
        f"#include <{one}>\n" for one in ("memory", "stdexcept", "string", "type_traits", "vector")
    )
    whole = (
        f"{heads}{in_namespace(functions[0], code)}\n{_CONVERSIONS}\n{_wrapper(name, path, made, methods)}"
    )
    maker = _CppMethod(name, made, None).draft()
    return DraftClass(whole, name, maker, tuple(one.draft() for one in methods))


def _read(function: CppFunction, types: TypeContext) -> _CppMethod:
    """Raises NotAdapted."""
    name = field_text(function.declarator, "declarator", function.text).rpartition("::")[2]
    given = parameters(function.declarator, function.text)
    passed = tuple(pass_arguments(given, set(), types, used_as_array(function)))
    _check_slots(passed)
    result = declared_result(function, types)
    if result is not None and not has_slot(parse_type(result.shared)):
        raise NotAdapted(f"no slot holds the type {result.written}")
    return _CppMethod(name, passed, result)


def _check_slots(passed: Sequence[PassedArgument]) -> None:
    for one in passed:
        if not has_slot(parse_type(one.type.shared)):
            raise NotAdapted(f"no slot holds the type {one.type.written}")


def _shared(kind: ValueType) -> str:
    if kind.kind == "list":
        return f"std::vector<{_shared(kind.inner[0])}>"
    return {"int": "long long", "float": "double", "bool": "bool"}.get(kind.kind, "std::string")


def _wrapper(name: str, path: str, made: Sequence[PassedArgument], methods: Sequence[_CppMethod]) -> str:
    """The class that candidates are asked for."""

    def head(passed: Sequence[PassedArgument]) -> str:
        return ", ".join(f"{_shared(parse_type(one.type.shared))} {one.name}_given" for one in passed)

    def own(passed: Sequence[PassedArgument]) -> list[str]:
        taken = [
            f"{one.type.written} {one.name} = codemill_to<{one.type.written}>({one.name}_given);"
            for one in passed
        ]
        return [GUARD, *taken, *(one.before for one in passed if one.before)]

    def values(passed: Sequence[PassedArgument]) -> str:
        return ", ".join(argument for one in passed for argument in one.arguments)

    lines = [f"class {name} {{", f"    std::unique_ptr<{path}> codemill_object;", "public:"]
    parts = [(f"{name}({head(made)})", [*own(made), f"codemill_object.reset(new {path}({values(made)}));"])]
    for one in methods:
        called, kind = f"codemill_object->{one.name}({values(one.passed)})", "void"
        last = f"{called};"
        if one.result is not None:
            kind = _shared(parse_type(one.result.shared))
            last = f"return codemill_to<{kind}>({one.result.out(called)});"
        parts.append((f"{kind} {one.name}({head(one.passed)})", [*own(one.passed), last]))
    for title, body in parts:
        lines += [f"    {title} {{", *(f"        {line}" for line in body), "    }"]
    return "\n".join([*lines, "};", ""])


SEEDS: Final = ClassSeeds(_find, _draft)
