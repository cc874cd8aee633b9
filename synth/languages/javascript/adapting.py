"""The ways to call a function or method of real JavaScript or TypeScript with shared types.

Place in the flow: reference execution asks for them (`Language.adapt`). Types come from annotations and
JSDoc, else from clues. Where plain values will not do, a function is added that a candidate can be asked
for instead: it builds the object of a method or a collection, lists what a generator yields or a set
holds, gives back the argument that was changed, or passes a function on. The one rule: what is added only
calls and converts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.node_types import names as words
from synth.grammar.trees import node_text, parse, walk
from synth.languages.javascript.stated_types import StatedType, TypeScope
from synth.languages.javascript.usage import read_clues
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.changes import changed_elements
from synth.languages.support.guessing import MAX_PARAMETERS, NULL, UNKNOWN, best_first
from synth.values import ValueType, parse_type

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

MOST_LISTED: Final = 1000
"""Elements that are taken of a generator, which may have no end."""
_FUNCTIONS: Final = words("function_declaration generator_function_declaration")
_VALUES: Final = words("arrow_function function_expression generator_function")
_INNER: Final = _FUNCTIONS | _VALUES | words("method_definition class_declaration class")
CLASSES: Final = words("class_declaration abstract_class_declaration")
_COMPARES: Final = re.compile(r"comp|cmp|sort|order", re.IGNORECASE)
_ANY_LIST: Final = (parse_type("list[int]"), parse_type("list[str]"))
_RESERVED: Final = words(
    "await break case catch class const continue debugger default delete do else enum export extends "
    "false finally for function if import in instanceof let new null return static super switch this "
    "throw true try typeof var void while with yield"
)
_PARAM: Final = re.compile(r"@param\s+\{(.*?)\}\s+\[?(\w+)")
_TYPED: Final = {"javascript": "", "typescript": ": any"}


class ScriptParameter(NamedTuple):
    """One parameter of a function of real code."""

    name: str
    types: tuple[ValueType, ...]
    optional: bool
    made_by: str = ""
    """How its value becomes the function's own, with `{}` for it; empty if it is that already."""
    called_with: int | None = None
    """The number of arguments that it is called with, if it is a function."""

    @property
    def is_left_out(self) -> bool:
        return self.optional and (self.types in ((), (NULL,)) or self.called_with is not None)


@dataclass(frozen=True, slots=True)
class _Called:
    """What is called: a function, or a method with the class around it."""

    node: "Node"
    name: str
    owner: "Node | None" = None

    def word(self, kind: str) -> bool:
        """Whether that word stands before the function's parameters: `async`, `static`, `get`, `*`."""
        return any(child.type == kind for child in self.node.children)


@dataclass(slots=True)
class CodeTree:
    """A program, with the types that it declares."""

    text: bytes
    root: "Node"
    language: str
    scope: TypeScope = field(default_factory=TypeScope)

    def text_of(self, node: "Node | None") -> str:
        return node_text(node, self.text) if node is not None else ""


def adapt_javascript(code: str, entry_point: str) -> Sequence[Adapted]:
    """The ways to call `f`, or the method `Class.f`. Raises NotAdapted, UnparsedError."""
    return _adapt(code, entry_point, "javascript")


def adapt_typescript(code: str, entry_point: str) -> Sequence[Adapted]:
    """The same for TypeScript."""
    return _adapt(code, entry_point, "typescript")


def _adapt(code: str, entry_point: str, language: str) -> list[Adapted]:
    program = read_program(code, language)
    return _ways(program, code, _find(program, entry_point))


def read_program(code: str, language: str) -> CodeTree:
    """The tree of a program, with the types that it declares. Raises UnparsedError."""
    text = code.encode("utf-8", "surrogatepass")
    program = CodeTree(text, parse(text, language).root_node, language)
    aliases = {
        program.text_of(node.child_by_field_name("name")): program.text_of(node.child_by_field_name("value"))
        for node in walk(program.root)
        if node.type == "type_alias_declaration"
    }
    generics = [node for node in walk(program.root) if node.type == "type_parameter"]
    names = (program.text_of(node.child_by_field_name("name")) for node in generics)
    program.scope = TypeScope(aliases, frozenset(names))
    return program


def declared_inside(root: "Node") -> list["Node"]:
    """What stands at the top of a program, without `export` around it."""
    return [_inner(node) for node in root.named_children]


# --- what is called -----------------------------------------------------------------------------------------


def _find(program: CodeTree, entry_point: str) -> _Called:
    owner, _, name = entry_point.rpartition(".")
    tops = declared_inside(program.root)
    if owner:
        for node in tops:
            body = node.child_by_field_name("body") if node.type in CLASSES else None
            if body is not None and program.text_of(node.child_by_field_name("name")) == owner:
                for member in body.named_children:
                    word = program.text_of(member.child_by_field_name("name"))
                    if member.type == "method_definition" and word == name:
                        return _Called(member, name, node)
        raise NotAdapted("there is no such method")
    for node in reversed(tops):
        if node.type in _FUNCTIONS and program.text_of(node.child_by_field_name("name")) == name:
            return _Called(node, name)
        for one in node.named_children if node.type.endswith("_declaration") else ():
            value = one.child_by_field_name("value")
            word = program.text_of(one.child_by_field_name("name"))
            if value is not None and value.type in _VALUES and word == name:
                return _Called(value, name)
    raise NotAdapted("there is no such function at the top level")


def _inner(node: "Node") -> "Node":
    return (node.child_by_field_name("declaration") or node) if node.type == "export_statement" else node


def _own(function: "Node") -> list["Node"]:
    body = function.child_by_field_name("body")
    return list(walk(body, _INNER)) if body is not None else []


# --- parameters ---------------------------------------------------------------------------------------------


def read_parameters(program: CodeTree, function: "Node", uses: "Node") -> list[ScriptParameter]:
    """The parameters that shared values can be given for. Raises NotAdapted."""
    head, alone = function.child_by_field_name("parameters"), function.child_by_field_name("parameter")
    nodes = [alone] if alone is not None else list(head.named_children) if head is not None else []
    stated = {name: kind for kind, name in _PARAM.findall(_documentation(program, function))}
    found = [_given(program, node, uses, stated) for node in nodes if node.type != "comment"]
    while found and found[-1].is_left_out:
        found.pop()
    if missing := next((one.name for one in found if not one.types and one.called_with is None), ""):
        raise NotAdapted(f"a parameter has no type that every language shares: {missing}")
    if len(found) > MAX_PARAMETERS:
        raise NotAdapted(f"more than {MAX_PARAMETERS} parameters")
    return found


def _documentation(program: CodeTree, function: "Node") -> str:
    """The comment right before the function, or before the statement that it belongs to."""
    node: Node | None = function
    while node is not None and node.parent is not None and node.type != "statement_block":
        before = node.prev_named_sibling
        if before is not None and before.type == "comment":
            return program.text_of(before)
        if node.parent.type in ("program", "class_body"):
            return ""
        node = node.parent
    return ""


def _given(program: CodeTree, node: "Node", uses: "Node", stated: dict[str, str]) -> ScriptParameter:
    pattern = node.child_by_field_name("pattern") or node
    annotation = node.child_by_field_name("type")
    default = node.child_by_field_name("value")
    if pattern.type == "assignment_pattern":
        default = pattern.child_by_field_name("right")
        pattern = pattern.child_by_field_name("left") or pattern
    is_rest = pattern.type == "rest_pattern"
    if is_rest and pattern.named_children:
        pattern = pattern.named_children[0]
    if pattern.type == "this":
        raise NotAdapted("is called on an object that it is given")
    if pattern.type != "identifier":
        raise NotAdapted("takes a parameter apart where it is stated")
    name = program.text_of(pattern)
    optional = default is not None or node.type == "optional_parameter"
    written = (
        program.text_of(annotation).removeprefix(":") if annotation is not None else stated.get(name, "")
    )
    kind = program.scope.read(written) if written else StatedType(None)
    if is_rest:
        return _rest(program, name, kind, uses, annotation is None)
    count = _called_with(program, uses, name)
    if kind.is_function or (count is not None and not kind.options):
        return ScriptParameter(name, (), optional, called_with=count or 1)
    if kind.options or (kind.options is not None and annotation is not None):
        return ScriptParameter(name, kind.options, optional, kind.made_by)
    clues = read_clues(name, default, uses, program.text)
    if (
        default is not None
        and default.type in ("null", "undefined")
        and max(clues.points.values(), default=0) < 6
    ):
        return ScriptParameter(name, (), True)
    found = tuple(clues.ranked())
    return ScriptParameter(name, found or (() if default is not None else UNKNOWN), optional)


def _rest(program: CodeTree, name: str, kind: StatedType, uses: "Node", is_element: bool) -> ScriptParameter:
    """A parameter that takes all arguments that are left; JSDoc states the type of one of them."""
    clues = read_clues(name, None, uses, program.text)
    options = kind.options or tuple(kind for kind in clues.ranked() if kind.kind == "list") or _ANY_LIST
    if is_element and kind.options and options[0].kind != "list":
        options = tuple(ValueType("list", (kind,)) for kind in options)
    return ScriptParameter(
        name, tuple(kind for kind in options if kind.kind == "list") or _ANY_LIST, False, "...{}"
    )


def _called_with(program: CodeTree, function: "Node", name: str) -> int | None:
    """With how many arguments a parameter is called; None if it is not."""
    for node in walk(function):
        called = node.child_by_field_name("function") if node.type == "call_expression" else None
        given = node.child_by_field_name("arguments")
        if called is not None and called.type == "identifier" and program.text_of(called) == name:
            return len(given.named_children) if given is not None else 0
    return None


# --- calling ------------------------------------------------------------------------------------------------


def _ways(program: CodeTree, code: str, called: _Called) -> list[Adapted]:
    if called.word("async"):
        raise NotAdapted("gives its result later")
    if called.word("set") or called.name == "constructor":
        raise NotAdapted("gives no result")
    built_by, owner = _owner(program, called)
    own = [] if called.word("get") else read_parameters(program, called.node, called.node)
    given = [one for one in [*built_by, *own] if one.called_with is None]
    if not given:
        raise NotAdapted("takes no arguments that can be given")
    if len(given) > MAX_PARAMETERS:
        raise NotAdapted(f"more than {MAX_PARAMETERS} parameters")
    nodes = _own(called.node)
    returns = any(node.type == "return_statement" and node.named_children for node in nodes)
    is_value = (called.node.type == "arrow_function" and not nodes[:1]) or (
        nodes and nodes[0].type != "statement_block"
    )
    may_change = changed_elements(called.node, program.text) if not returns and not is_value else ()
    changed = next((one for one in own if one.name in may_change and one in given), None)
    listed = called.word("*") or any(node.type == "yield_expression" for node in nodes)
    sets = re.search(rb"\bSet\b", program.text) is not None
    signatures = tuple(best_first([one.types for one in given]))
    names = _distinct(given)
    is_plain = not (owner or changed or listed or sets or len(given) < len(own))
    if is_plain and not any(one.made_by for one in given):
        return [Adapted(code, called.name, tuple(names), signatures)]
    by_given = dict(zip(map(id, given), names, strict=True))
    arguments = ", ".join(_argument(one, by_given) for one in own)
    builder = owner.format(", ".join(_argument(one, by_given) for one in built_by))
    call = f"{builder}{called.name}" + ("" if called.word("get") else f"({arguments})")
    name = _free_name(program, called, bool(owner), listed)
    lines = _lines(
        name,
        names,
        call,
        names[given.index(changed)] if changed else "",
        listed,
        sets or "Set(" in call,
        _TYPED[program.language],
    )
    marks = call_marks(
        changes=bool(changed) and not listed, passes=any(one.called_with is not None for one in own)
    )
    return [Adapted(f"{code.rstrip()}\n\n{lines}", name, tuple(names), signatures, marks=marks)]


def _owner(program: CodeTree, called: _Called) -> tuple[list[ScriptParameter], str]:
    """The constructor's parameters, and what stands before the method's name."""
    if called.owner is None:
        return [], ""
    name = program.text_of(called.owner.child_by_field_name("name"))
    if called.word("static"):
        return [], f"{name}."
    if called.owner.type.startswith("abstract"):
        raise NotAdapted("the class has no objects of its own")
    constructor = constructor_of(program, called.owner)
    built_by = read_parameters(program, constructor, called.owner) if constructor is not None else []
    whole = f"new {name}({{}})"
    return built_by, f"({whole} as any)." if program.language == "typescript" else f"{whole}."


def constructor_of(program: CodeTree, owner: "Node") -> "Node | None":
    """The constructor of the class, or of the one that it extends."""
    classes = {
        program.text_of(node.child_by_field_name("name")): node
        for node in declared_inside(program.root)
        if node.type in CLASSES
    }
    seen = set[str]()
    node: Node | None = owner
    while node is not None:
        name = program.text_of(node.child_by_field_name("name"))
        if name in seen:
            return None
        seen.add(name)
        body = node.child_by_field_name("body")
        for member in body.named_children if body is not None else ():
            if program.text_of(member.child_by_field_name("name")) == "constructor":
                return member
        heritage = next((child for child in node.named_children if child.type == "class_heritage"), None)
        base = re.search(r"(?:extends\s+)?([\w$]+)", program.text_of(heritage).removeprefix("extends"))
        node = classes.get(base[1]) if heritage is not None and base else None
    return None


def _argument(one: ScriptParameter, names: dict[int, str]) -> str:
    if one.called_with is None:
        name = names[id(one)]
        return one.made_by.format(name) if one.made_by else name
    if one.called_with == 2:
        return "(a, b) => a - b" if _COMPARES.search(one.name) else "(a, b) => a + b"
    return "(x) => x" if one.called_with == 1 else "() => 0"


def _distinct(given: Sequence[ScriptParameter]) -> list[str]:
    found: list[str] = []
    for one in given:
        name = one.name
        while name in found:
            name += "_"
        found.append(name)
    return found


def _lines(name: str, names: list[str], call: str, changed: str, listed: bool, sets: bool, kind: str) -> str:
    """The function that is added."""
    head = f"function {name}({', '.join(one + kind for one in names)}){kind} {{\n"
    if listed:
        return (
            f"{head}  const items{kind} = []\n  for (const item of {call}) {{\n"
            f"    if (items.push(item) === {MOST_LISTED}) break\n  }}\n  return items\n}}\n"
        )
    if changed:
        return f"{head}  {call}\n  return {changed}\n}}\n"
    if not sets:
        return f"{head}  return {call}\n}}\n"
    return f"{head}  const result{kind} = {call}\n  return result instanceof Set ? [...result] : result\n}}\n"


def _free_name(program: CodeTree, called: _Called, has_owner: bool, listed: bool) -> str:
    """A name for the function that is added, as a person might call it."""
    taken = {program.text_of(node) for node in walk(program.root) if node.type == "identifier"}
    name = called.name.lstrip("#_") or called.name
    if (
        has_owner
        and called.owner is not None
        and (name in taken or name in _RESERVED or not name.isidentifier())
    ):
        owner = program.text_of(called.owner.child_by_field_name("name"))
        name = f"{owner[:1].lower()}{owner[1:]}{name[:1].upper()}{name[1:]}"
    elif not has_owner:
        name += "Listed" if listed else "Result"
    while name in taken:
        name += "_"
    return name
