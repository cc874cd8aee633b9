"""How JavaScript and TypeScript state calls: Jest's and node's assertions, rows of `each`, `@example`."""

import re
from typing import Final

from synth.languages.stated_calls import WANTED, CodePlace, ExampleSyntax, FileImports

_IMPORT: Final = re.compile(
    r"import\s+(?:type\s+)?(?:\*\s+as\s+)?(\w+)?\s*,?\s*(?:\{([^}]*)\})?\s*from\s*['\"]([^'\"\n]+)['\"]"
)
_REQUIRE: Final = re.compile(
    r"(?:const|let|var)\s+(?:(\w+)|\{([^}]*)\})\s*=\s*require\(\s*['\"]([^'\"\n]+)['\"]\s*\)"
)
_EXAMPLE: Final = re.compile(
    r"^[ \t]*\*?[ \t]*(?:@example[ \t]*)?([A-Za-z_$][\w$.]*\(.*\))[ \t]*;?[ \t]*"
    r"(?://[ \t]*(?:=>|->|returns|prints|outputs?:?)?|=>|->|=+|→|returns)[ \t]*(\S.*?)[ \t]*;?[ \t]*$",
    re.MULTILINE,
)
_COMMENT: Final = re.compile(r"/\*\*.*?\*/|//[^\n]*", re.DOTALL)


def find_documents(text: str) -> list[str]:
    """Calls and results in the comments: `f(2) // => 4`, `f(2) = 4`, `f(2) returns 4`."""
    return [
        f"{WANTED}({found[1]}, {found[2]})"
        for comment in _COMMENT.finditer(text)
        for found in _EXAMPLE.finditer(comment[0].removesuffix("*/").removeprefix("//"))
    ]


def find_imports(text: str, path: str) -> FileImports:
    """What a file imports from files of its tree. A default import has the name that it is given."""
    names: dict[str, CodePlace] = {}
    for found in (*_IMPORT.finditer(text), *_REQUIRE.finditer(text)):
        place = _find_place(found[3], path)
        if not place:
            continue
        if found[1]:
            names[found[1]] = CodePlace(place)
        for part in (found[2] or "").split(","):
            words = part.replace(":", " as ").split()
            if words:
                names[words[-1]] = CodePlace(place, words[0])
    return FileImports(names)


def _find_place(module: str, path: str) -> str:
    """The path of a module that is named relative to the importing file; empty for another one."""
    if not module.startswith("."):
        return ""
    parts = path.split("/")[:-1]
    for part in re.sub(r"\.[cm]?[jt]sx?$", "", module).split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    return "/".join(parts)


SYNTAX: Final = ExampleSyntax(
    literals={
        "number": "number",
        "string": "text",
        "template_string": "text",
        "true": "true",
        "false": "false",
        "null": "null",
    },
    lists=frozenset({"array"}),
    maps=frozenset({"object"}),
    pairs={"pair": ("key", "value")},
    calls={"call_expression": ("function", "arguments"), "new_expression": ("constructor", "arguments")},
    members={"member_expression": ("object", "property")},
    wrappers=frozenset(
        {"parenthesized_expression", "as_expression", "non_null_expression", "expression_statement"}
    ),
    bindings={"variable_declarator": ("name", "value"), "assignment_expression": ("left", "right")},
    loops={"for_in_statement": ("left", "right")},
    inline={"arrow_function": ("parameters", "body"), "function_expression": ("parameters", "body")},
    branches=frozenset(
        {"if_statement", "while_statement", "for_statement", "for_in_statement", "try_statement"}
    ),
    truthy=True,
    optional=True,
    equal=frozenset(
        "toBe toEqual toStrictEqual equal strictEqual deepEqual deepStrictEqual assertEquals".split()
    ),
    raising={"toThrow": -1, "toThrowError": -1, "throws": 1},
    constants={"toBeNull": None, "Infinity": float("inf"), "Number.MAX_SAFE_INTEGER": 2**53 - 1},
    documents=find_documents,
    frame="function session() {{\n{body}\n}}".replace("{{", "{").replace("}}", "}"),
    imports=find_imports,
)
