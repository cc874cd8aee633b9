"""How a function of real C++ code is called with shared types.

Place in the flow: reference execution asks `adapt` for the ways to call the last function of a name. The code
goes into a namespace, and a function of the same name outside it makes the object, passes an array and its
length for a list, and returns the result, or the argument that a function without a result changes. A call
that would end the process is an error of that call alone. The one rule: what stands in the declaration
decides; a pointer whose meaning is not certain is refused.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from synth.grammar.trees import node_text, parse, walk
from synth.languages.cpp.declared import (
    CppFunction,
    PassedArgument,
    changed_arguments,
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
from synth.languages.cpp.shared_types import CppType, TypeContext, same
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.changes import edited
from synth.languages.support.ways import gather_ways
from synth.values import parse_signature

SPACE: Final = "original"
_MAX_PARAMETERS: Final = 8
GUARD: Final = "CODEMILL_GUARD;"
"""A macro of driver.hpp."""
TRIED: Final = (CppType("int", "int"), CppType("str", "std::string"))
"""What stands for a type variable."""


def adapt(code: str, entry_point: str) -> tuple[Adapted, ...]:
    """The ways to call the last function of that name. Raises NotAdapted, UnparsedError."""
    text = code.encode("utf-8", "surrogatepass")
    root = parse(text, "cpp").root_node
    function = find_function(root, text, entry_point)
    names = type_variables(function)
    own = type_aliases(root, text)
    choices = [dict.fromkeys(names, tried) for tried in TRIED] if names else [{}]
    return gather_ways(_adapt(function, code, TypeContext(variables, own)) for variables in choices)


def _adapt(function: CppFunction, code: str, types: TypeContext) -> Iterator[Adapted]:
    text, declarator = function.text, function.declarator
    given = parameters(declarator, text)
    changed = set(changed_arguments(function.node, text))
    result = declared_result(function, types)
    passed = pass_arguments(given, changed, types, used_as_array(function))
    returned = [one for one in passed if one.after] if result is None else []
    if result is None and not returned:
        raise NotAdapted("it returns nothing and changes no argument")
    built = built_by(function, types)
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
    marks = call_marks(changes=bool(returned))
    yield Adapted(f"{in_namespace(function, code)}\n\n{caller}", name, names, signature, domains, marks=marks)


def built_by(function: CppFunction, types: TypeContext) -> list[PassedArgument]:
    """The arguments of the simplest constructor of the function's class."""
    owner = function.owner
    if owner is None or is_static(function):
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
                                field_text(node, "default_value", function.text) == "0")  # fmt: skip
        if (
            declarator is not None
            and field_text(declarator, "declarator", function.text) == function.owner_name
        ):
            makers.append(parameters(declarator, function.text))
    if abstract:
        raise NotAdapted(f"it is a method of {function.owner_name}, of which no object can be made")
    why: NotAdapted | None = None
    for maker in sorted(makers, key=len):
        try:
            return pass_arguments(maker, set(), types, lambda name: True)
        except NotAdapted as refused:
            why = why or refused
    if why is not None:
        raise NotAdapted(f"an object of {function.owner_name} cannot be made: {why}")
    return []


def is_static(function: CppFunction) -> bool:
    """Whether it is called without an object."""
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
        if found is not None and field_text(found, "declarator", function.text) == name:
            storage = [one for one in node.named_children if one.type == "storage_class_specifier"]
            return any(node_text(one, function.text) == "static" for one in storage)
    return False


def _caller(
    function: CppFunction,
    name: str,
    built: Sequence[PassedArgument],
    passed: Sequence[PassedArgument],
    returned: Sequence[PassedArgument],
    result: CppType | None,
    types: TypeContext,
) -> str:
    head = ", ".join(f"{one.type.written} {one.name}" for one in (*built, *passed))
    lines = [one.before for one in (*built, *passed) if one.before]
    path = "::".join([SPACE, *function.spaces])
    given = ", ".join(argument for one in passed for argument in one.arguments)
    tried = [kind.written for kind in types.variables.values()]
    arguments = f"<{', '.join(tried)}>" if tried else ""
    if function.owner is None:
        called = f"{path}::{name}({given})"
    elif is_static(function):
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
    body = "\n".join(f"    {line}" for line in [GUARD, *lines])
    return f"{kind} {name}({head}) {{\n{body}\n}}\n"


def in_namespace(function: CppFunction, code: str) -> str:
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
    if re.search(r"\bexit\s*\(", inside):
        includes.append("#define exit codemill_exit")
    return "\n".join([*includes, f"namespace {SPACE} {{", inside, "}  // namespace"])
