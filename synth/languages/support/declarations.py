"""Reads the declaration line of a function in languages that write the type before the name (Java, C#, C++,
C), and JSDoc types.

Place in the flow: used by `find_signature` of those languages, and by Java and C# to see whether a program
has bare methods. It reads text, not a syntax tree, so it needs no grammar. The one rule: a type without a
certain language-neutral meaning gives None, never a guess.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/|^[ \t]*#[^\n]*", re.DOTALL | re.MULTILINE)
_UNREAD = re.compile(
    r"""//[^\n]*|/\*.*?\*/|@"[^"]*(?:""[^"]*)*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
"""Comments and literals of Java and C#, in which braces do not count."""
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
        inside = text[found.end() : at]
        if inside.count("{") > inside.count("}"):
            return found[1]
    return None


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
    text = _COMMENTS.sub(" ", code)
    pattern = rf"([\w:<>,\s\[\]&*]+?[\s>&*\]]){re.escape(name)}\s*\(([^(){{}};]*)\)[\w\s,]*\{{"
    found = list(re.finditer(pattern, text))
    if not found:
        return None
    result = " ".join(word for word in found[-1][1].split() if word not in _MODIFIERS)
    parameters = [_parameter(part) for part in split_top(found[-1][2])]
    return Declaration(result, tuple(p for p in parameters if p)) if all(parameters) else None


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
    kind = generic[found[1]]
    if None in inner_types or {"list": 1, "map": 2}.get(kind, len(inner_types)) != len(inner_types):
        return None
    return f"{kind}[{', '.join(filter(None, inner_types))}]"
