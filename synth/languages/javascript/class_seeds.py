"""Which JavaScript and TypeScript classes can be seeds, and what they take.

Place in the flow: `classes.py` states this for the cutter and for reference execution. The one rule: what an
annotation or JSDoc states is taken; what clues leave open is tried in the likeliest two ways, and what has a
default is left to it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from synth.languages.classes import ClassSeeds, DraftClass, DraftMethod, FoundClass, has_slot
from synth.languages.javascript.adapting import (
    CLASSES,
    CodeTree,
    ScriptParameter,
    constructor_of,
    declared_inside,
    read_parameters,
    read_program,
)
from synth.languages.spec import NotAdapted
from synth.values import ValueType

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_WORDS: Final = frozenset({"static", "async", "get", "set", "*"})
_HIDDEN: Final = re.compile(r"\A\s*(?:private|protected)\b|\A\s*[#_]")
_SAYS: Final = re.compile(r"\bconsole\s*\.|\bprocess\s*\.")
_PREFERRED: Final = ("int", "str")
"""The kinds that are tried for what clues leave open, each in a way of its own."""
_PROBE: Final = """
;function codemill_probe(made<any>, calls<any>)<any> {
  const neutral = (value<any>, depth<any>)<any> => value === null ||
    ['number', 'string', 'boolean'].includes(typeof value) ||
    (Array.isArray(value) && depth < 2 && value.every((one<any>) => neutral(one, depth + 1)))
  const maker<any> = <class>, object<any> = new maker(...made), given<any> = []
  for (const [name, ...values] of calls) {
    let result<any>
    try { result = object[name](...values) } catch (error) { given.push(['raised']); continue }
    if (result === undefined) result = null
    given.push(neutral(result, 0) ? ['gave', Array.isArray(result) ? [...result] : result] : ['other'])
  }
  return given
}
"""


def _make_seeds(language: str) -> ClassSeeds:
    def find(text: str) -> Sequence[FoundClass]:
        program = read_program(text, language) if re.search(r"\bclass\s", text) else None
        found = []
        for node in declared_inside(program.root) if program is not None else ():
            assert program is not None, "what is iterated comes from it"
            names = tuple(dict.fromkeys(program.text_of(_name(one)) for one in _methods(node, program)))
            if len(names) > 1:
                first, last = node.start_point.row + 1, node.end_point.row + 1
                name = program.text_of(_name(node))
                found.append(FoundClass(name, first, last, names))
        return found

    def draft(code: str, name: str) -> Sequence[DraftClass]:
        program = read_program(code, language)
        nodes = [
            one
            for one in declared_inside(program.root)
            if one.type in CLASSES and program.text_of(_name(one)) == name
        ]
        if not nodes:
            raise NotAdapted(f"no class {name} was found in it")
        return list(dict.fromkeys(_draft(code, nodes[-1], program, kind) for kind in _PREFERRED))

    def probe(one: DraftClass) -> str:
        lines = _PROBE.replace("<any>", ": any" if language == "typescript" else "")
        return one.code + lines.replace("<class>", one.name)

    return ClassSeeds(find, draft, probe)


def _name(node: "Node") -> "Node | None":
    return node.child_by_field_name("name")


def _methods(owner: "Node", program: CodeTree) -> Iterator["Node"]:
    """The methods of an object that others may call and that say nothing."""
    body = owner.child_by_field_name("body") if owner.type == "class_declaration" else None
    for one in body.named_children if body is not None else ():
        if one.type != "method_definition" or {child.type for child in one.children} & _WORDS:
            continue
        name, written = program.text_of(_name(one)), program.text_of(one)
        is_plain = name.isidentifier() and name not in ("constructor", "toJSON")
        if is_plain and not _HIDDEN.search(written) and not _SAYS.search(written):
            yield one


def _draft(code: str, owner: "Node", program: CodeTree, preferred: str) -> DraftClass:
    name = program.text_of(_name(owner))
    made = constructor_of(program, owner)
    constructor = DraftMethod(name, (), ())
    if made is not None:
        constructor = _draft_method(name, made, owner, program, preferred)
    methods: dict[str, DraftMethod] = {}
    for node in _methods(owner, program):
        called = program.text_of(_name(node))
        try:
            methods[called] = _draft_method(called, node, node, program, preferred)
        except NotAdapted:
            continue
    if len(methods) < 2:
        raise NotAdapted("fewer than two methods take what a slot holds")
    return DraftClass(code, name, constructor, tuple(methods.values()))


def _draft_method(name: str, node: "Node", uses: "Node", program: CodeTree, preferred: str) -> DraftMethod:
    """Raises NotAdapted for an argument that no slot holds."""
    given = read_parameters(program, node, uses)
    while given and given[-1].optional:
        given.pop()
    return DraftMethod(name, tuple(one.name for one in given), tuple(_kind(one, preferred) for one in given))


def _kind(one: ScriptParameter, preferred: str) -> ValueType:
    options = [kind for kind in one.types if has_slot(kind)]
    if one.called_with is not None or one.made_by or not options:
        raise NotAdapted(f"no slot holds {one.name}")
    return next((kind for kind in options if kind.kind == preferred), options[0])


JAVASCRIPT_SEEDS: Final = _make_seeds("javascript")
TYPESCRIPT_SEEDS: Final = _make_seeds("typescript")
