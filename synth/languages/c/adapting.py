"""How a function of real C code is called with shared types.

Place in the flow: reference execution asks `adapt`; the declaration is read as in C++. The function itself
gets another name by a macro, and a function of its name is appended that takes what the driver passes:
numbers, texts, arrays with their length. The one rule: what C cannot return (several changed arguments) is
refused.
"""

import re
from collections.abc import Sequence
from typing import Final

from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import parse
from synth.languages.cpp.declared import (
    PassedArgument,
    changed_arguments,
    declared_result,
    find_function,
    parameters,
    pass_arguments,
    type_aliases,
    used_as_array,
)
from synth.languages.cpp.shared_types import CppType, TypeContext, same
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.records import FunctionContract
from synth.values import parse_signature

_ITEM: Final = re.compile(r"std::vector<([^<>]*)>")
_MAX_PARAMETERS: Final = 8


def adapt(code: str, entry_point: str) -> tuple[Adapted, ...]:
    """The way to call the last function of that name. Raises NotAdapted, UnparsedError."""
    text = code.encode("utf-8", "surrogatepass")
    root = parse(text, "c").root_node
    function = find_function(root, text, entry_point)
    types = TypeContext({}, type_aliases(root, text))
    result = declared_result(function, types)
    changed = changed_arguments(function.node, text) if result is None else ()
    given_ones = parameters(function.declarator, text)
    passed = pass_arguments(given_ones, set(changed), types, used_as_array(function))
    returned = [one for one in passed if one.after]
    if result is None and len(returned) != 1:
        raise NotAdapted(f"it returns nothing and changes {len(returned)} arguments")
    if len(passed) > _MAX_PARAMETERS or not passed:
        raise NotAdapted(f"it takes {len(passed)} arguments")
    given = returned[0].type if result is None else result
    shared = f"({', '.join(one.type.shared for one in passed)}) -> {given.shared}"
    head = [part for one in passed for part in _declared(one)]
    lines = _lines(entry_point, passed, returned[:1] if result is None else [])
    head += ["size_t *result_len"] if given.shared.startswith("list") else []
    appended = f"{_written(given)} {entry_point}({', '.join(head)}) {{\n{lines}}}\n"
    renamed = f"#define {entry_point} original_{entry_point}\n{code.rstrip()}\n#undef {entry_point}\n"
    names, domains = tuple(one.name for one in passed), tuple(one.type.domain for one in passed)
    program = f"#include <stddef.h>\n#include <string.h>\n{renamed}\n{appended}"
    marks = call_marks(changes=result is None)
    return (Adapted(program, entry_point, names, (parse_signature(shared),), domains, marks=marks),)


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the declared types state; None where they are not certain."""
    try:
        found = adapt(code, entry_point)[0]
    except (NotAdapted, UnparsedError):
        return None
    return FunctionContract(
        entry_point=entry_point, signature=str(found.signatures[0]), parameter_names=found.parameter_names
    )


def _written(kind: CppType) -> str:
    """The type as the driver passes it. Raises NotAdapted for what C has no form of."""
    if kind.into is not same or kind.shared.startswith(("list[list", "list[str", "map", "tuple", "any")):
        raise NotAdapted(f"C has no usual form of {kind.shared}")
    item = _ITEM.fullmatch(kind.written)
    if item:
        return f"{item[1]} *"
    return "char *" if kind.shared == "str" else kind.written


def _declared(one: PassedArgument) -> list[str]:
    is_list = one.type.shared.startswith("list")
    return [f"{_written(one.type)} {one.name}", *([f"size_t {one.name}_len"] if is_list else [])]


def _lines(entry_point: str, passed: Sequence[PassedArgument], returned: Sequence[PassedArgument]) -> str:
    arguments = ", ".join(_in_c(one, argument) for one in passed for argument in one.arguments)
    called = f"original_{entry_point}({arguments})"
    if not returned:
        return f"    return {called};\n"
    one = returned[0]
    length = f"    *result_len = {one.name}_len;\n" if one.type.shared.startswith("list") else ""
    return f"    {called};\n{length}    return {one.name};\n"


def _in_c(one: PassedArgument, argument: str) -> str:
    if one.before:
        raise NotAdapted(f"a pointer {one.name} has no certain length")
    if one.type.domain == "letter" and one.type.written == "char":
        return f"{one.name}[0]"
    return argument.replace(".data()", "").replace(".size()", "_len")
