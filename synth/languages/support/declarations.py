"""Reads the declaration line of a function in languages that write the type before the name (Java, C#, C++,
C, D), and JSDoc types, and states the contract of a function from the types that were read.

Place in the flow: used by `find_signature` of the languages, and by Java and C# to see whether a program has
bare methods. It reads text, not a syntax tree, so it needs no grammar. The one rule: a type without a
certain language-neutral meaning gives None, never a guess.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from synth.records import FunctionContract

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|^[ \t]*#[^\n]*", re.DOTALL | re.MULTILINE)
_NO_TYPE = re.compile(r"[^\w:<>,\s\[\]&*]")
_UNREAD = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|@"[^"]*(?:""[^"]*)*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
"""Comments and literals of Java and C#, in which braces do not count."""
_UNREAD_ANYWHERE = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'""", re.DOTALL
)
"""The same where a quote may also begin a lifetime, as in Rust."""
_MODIFIERS = {
    "public",
    "private",
    "protected",
    "static",
    "final",
    "const",
    "inline",
    "constexpr",
    "synchronized",
    "default",
    "strictfp",
}


class Parameter(NamedTuple):
    type_text: str
    name: str


class Declaration(NamedTuple):
    result: str
    parameters: tuple[Parameter, ...]


def enclosing(text: str, heading: str, at: int) -> str | None:
    """The name (group 1 of `heading`) of the innermost block in braces around position `at`, or None."""
    for found in reversed(list(re.finditer(heading, text[:at]))):
        inside = _UNREAD_ANYWHERE.sub(" ", text[found.end() : at])
        if inside.count("{") > inside.count("}"):
            return found[1]
    return None


def blanked(code: str) -> str:
    """The text with blanks for comments and literals; line ends stay."""
    return _UNREAD.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), code)


def outside_braces(code: str) -> list[str]:
    """The text outside braces: one text per declaration, each ending at a semicolon or a block."""
    depth, texts = 0, [""]
    for part in re.split("([{};])", _UNREAD.sub(" ", code)):
        depth += (part == "{") - (part == "}")
        if depth == 0 and part in ("}", ";"):
            texts.append("")
        elif depth == 0:
            texts[-1] += part
    return texts


def split_top(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth, start = [], 0, 0
    for at, symbol in enumerate(text):
        depth += (symbol in "<([{") - (symbol in ">)]}")
        if symbol == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def find_declaration(code: str, name: str) -> Declaration | None:
    """The last definition `<type> name(<parameters>) … {` of the text, or None."""
    text, last, end = _COMMENTS.sub(" ", code), None, 0
    for found in re.finditer(rf"{re.escape(name)}\s*\(([^(){{}};]*)\)[\w\s,]*\{{", text):
        before = _type_before(text[end : found.start()])
        if before:
            last, end = (before, found[1]), found.end()
    if last is None:
        return None
    result = " ".join(word for word in last[0].split() if word not in _MODIFIERS)
    parameters = [_parameter(part) for part in split_top(last[1])]
    return Declaration(result, tuple(p for p in parameters if p)) if all(parameters) else None


def _type_before(text: str) -> str:
    """What may be a type at the end of the text; read from its end, so that long texts cost no more than once
    each."""
    backwards = text[::-1]
    stop = _NO_TYPE.search(backwards)
    found = backwards[: stop.start() if stop else None][::-1]
    if stop and stop[0] == "@":
        _, *rest = found.split(maxsplit=1)
        found = rest[0] if rest else ""
    return found if len(found) > 1 and (found[-1].isspace() or found[-1] in ">&*]") else ""


def _parameter(text: str) -> Parameter | None:
    found = re.fullmatch(r"(.*[\s>&*\]])([A-Za-z_]\w*)\s*((?:\[\])*)", text.strip(), re.DOTALL)
    return Parameter(found[1] + found[3], found[2]) if found else None


def read_type(text: str, simple: Mapping[str, str], generic: Mapping[str, str]) -> str | None:
    """Text form of a C-like type: `simple` maps names to scalar types, `generic` to list, map or tuple."""
    words = [
        word
        for word in re.split(r"\s+", text.replace("std::", " ").replace("&", " ").strip())
        if word not in _MODIFIERS
    ]
    text = " ".join(words)
    if text.endswith("[]"):
        inner = read_type(text[:-2], simple, generic)
        return f"list[{inner}]" if inner else None
    if text in simple:
        return simple[text]
    found = re.fullmatch(r"(\w+)\s*<(.*)>", text, re.DOTALL)
    if not found or found[1] not in generic:
        return None
    inner_types = [read_type(part, simple, generic) for part in split_top(found[2])]
    return composite_type(generic[found[1]], inner_types)


def composite_type(kind: str | None, inner: Sequence[str | None]) -> str | None:
    """Text form of a list, map or tuple of these types. None if one is unknown, or their number is wrong."""
    if kind is None or None in inner or {"list": 1, "map": 2}.get(kind, len(inner)) != len(inner):
        return None
    return f"{kind}[{', '.join(filter(None, inner))}]"


def state_contract(
    entry_point: str, names: Sequence[str], types: Sequence[str | None], result: str | None
) -> FunctionContract | None:
    """The contract with these types, in text form; None if one is unknown."""
    if result is None or None in types:
        return None
    return FunctionContract(
        entry_point=entry_point,
        signature=f"({', '.join(filter(None, types))}) -> {result}",
        parameter_names=tuple(names),
    )


def declared_contract(
    code: str, entry_point: str, read: Callable[[str], str | None], void: str | None = None
) -> FunctionContract | None:
    """The contract of a function whose types stand before the names, each read by `read`; `void` is what the
    result `void` means to a language whose `read` does not know it."""
    declared = find_declaration(code, entry_point)
    if declared is None:
        return None
    names = [parameter.name for parameter in declared.parameters]
    types = [read(parameter.type_text) for parameter in declared.parameters]
    result = void if void and declared.result == "void" else read(declared.result)
    return state_contract(entry_point, names, types, result)
