"""How Python states calls: doctests, assertions of pytest and unittest, rows of `parametrize`, callers."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from synth.grammar.nodes import Node
from synth.grammar.trees import node_text
from synth.languages.stated_calls import (
    RAISED,
    UNKNOWN,
    WANTED,
    CodePlace,
    ComparedForm,
    ExampleSyntax,
    FileImports,
    Form,
    InlineForm,
    ItemsForm,
    LiteralForm,
    RowTable,
)

_PROMPT: Final = re.compile(r"^\s*>>>( |$)")
_MORE: Final = re.compile(r"^\s*\.\.\.( |$)")
_STATEMENT: Final = re.compile(
    r"(?:for|if|with|import|from|def|class|try|while|assert|del|raise|return|global|async|@)\b|@"
    r"|[\w.,\s\[\]'\"()]+(?::[^=]+)?(?<![=!<>])=(?!=)"
)
_DIRECTIVE: Final = re.compile(r"[ \t]*#[ \t]*doctest:.*$", re.MULTILINE)
_LITERAL: Final = re.compile(r"""[-+]?[\d.]|[\[({'"]|True\b|False\b|None\b|[ru]['"]""")
_ERROR: Final = re.compile(r"([A-Za-z_][\w.]*)\s*(?::|$)")
_FROM: Final = re.compile(r"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)", re.MULTILINE)
_IMPORT: Final = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.MULTILINE)
_MOST_LINES: Final = 40


def read_doctests(text: str) -> list[str]:
    """The sessions of a text, each as statements that state calls and what they give."""
    sessions: list[str] = []
    current: list[str] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        if _PROMPT.match(lines[at]):
            source = [lines[at].lstrip()[4:]]
            at += 1
            while at < len(lines) and _MORE.match(lines[at]):
                source.append(lines[at].lstrip()[4:])
                at += 1
            want, at = _read_want(lines, at)
            current.append(_state(source, want))
        else:
            if current and ('"""' in lines[at] or "'''" in lines[at]):
                sessions.append("\n".join(current))
                current = []
            at += 1
    return [*sessions, "\n".join(current)] if current else sessions


def _read_want(lines: list[str], at: int) -> tuple[list[str], int]:
    want: list[str] = []
    while at < len(lines) and len(want) < _MOST_LINES:
        line = lines[at]
        if not line.strip() or _PROMPT.match(line) or '"""' in line or line.strip() == "'''":
            break
        want.append(line.strip())
        at += 1
    return want, at


def _state(source: list[str], want: list[str]) -> str:
    """One example as a statement."""
    code = _DIRECTIVE.sub("", "\n".join(source)).strip()
    plain = (
        code.partition("  #")[0].strip() if len(source) == 1 and "'" not in code and '"' not in code else code
    )
    if not plain or _STATEMENT.match(plain) or plain.endswith((":", ";", ",")):
        return plain if len(source) == 1 and plain and not plain.endswith(":") else "pass"
    if want and want[0].startswith("Traceback"):
        error = _ERROR.match(want[-1]) or next((m for line in want[1:] if (m := _ERROR.match(line))), None)
        name = error[1].rpartition(".")[2] if error else "error"
        return f"{RAISED}({plain}, {name!r})"
    result = " ".join(want)
    if want and _LITERAL.match(result) and "..." not in result and not plain.startswith("print("):
        return f"{WANTED}({plain}, {result})"
    return plain if want or len(source) == 1 else "pass"


def frame_sessions(sessions: list[str]) -> list[str]:
    """Each session as the body of a function."""
    return [session.replace("\n", "\n    ") for session in sessions]


def _find_documents(text: str) -> list[str]:
    return frame_sessions(read_doctests(text))


def _read(node: Node, text: bytes, read: Callable[[Node], Form]) -> Form | None:
    """Conditions, and texts in several parts."""
    if node.type == "not_operator":
        inner = node.child_by_field_name("argument")
        return ComparedForm(UNKNOWN, "not", read(inner)) if inner is not None else UNKNOWN
    if node.type == "concatenated_string":
        parts = [read(one) for one in node.named_children]
        texts = [one.value for one in parts if isinstance(one, LiteralForm) and isinstance(one.value, str)]
        return LiteralForm("".join(texts)) if len(texts) == len(parts) else UNKNOWN
    if node.type == "lambda":
        body = node.child_by_field_name("body")
        return InlineForm((), body) if body is not None else UNKNOWN
    if node.type == "call" and node.named_children and node.named_children[-1].type == "generator_expression":
        return UNKNOWN
    return None


def _find_table(node: Node, text: bytes, read: Callable[[Node], Form]) -> RowTable | None:
    """The rows of `@pytest.mark.parametrize` over a function; the block of `with pytest.raises(..)` has none
    and binds nothing."""
    if node.type == "decorated_definition":
        return next((found for one in node.named_children if (found := _parametrized(one, text, read))), None)
    if node.type == "with_statement":
        head = node_text(node, text).partition("\n")[0]
        return RowTable((), ()) if "raises" in head.lower() or "warns" in head else None
    return None


def _parametrized(node: Node, text: bytes, read: Callable[[Node], Form]) -> RowTable | None:
    call = node.named_children[0] if node.type == "decorator" and node.named_children else None
    arguments = call.child_by_field_name("arguments") if call is not None and call.type == "call" else None
    if (
        call is None
        or arguments is None
        or not node_text(call, text).startswith(("pytest.mark.param", "parametri"))
    ):
        return None
    given = [read(one) for one in arguments.named_children[:2]]
    if len(given) < 2 or not isinstance(given[0], LiteralForm):
        return None
    named, rows = given[0].value, given[1]
    if isinstance(named, str):
        names = tuple(part.strip() for part in named.split(",") if part.strip())
    else:
        names = tuple(str(part) for part in named) if isinstance(named, list | tuple) else ()
    if isinstance(rows, LiteralForm) and isinstance(rows.value, list | tuple):
        return RowTable(names, tuple(LiteralForm(row) for row in rows.value))
    return RowTable(names, rows.items if isinstance(rows, ItemsForm) else ())


def find_imports(text: str, path: str) -> FileImports:
    """What a Python file imports. `path` is its own, without extension, with a slash before it."""
    names: dict[str, CodePlace] = {}
    everywhere: list[str] = []
    for found in _FROM.finditer(text):
        place = _find_place(found[1], path)
        for local, name in _aliases(found[2].strip("()")):
            if name == "*":
                everywhere.append(place)
            else:
                names[local] = CodePlace(place, name)
                names.setdefault(f"{local}.", CodePlace(f"{place}/{name}"))
    for found in _IMPORT.finditer(text):
        for local, name in _aliases(found[1]):
            names[local] = CodePlace(name.replace(".", "/"))
    modules = {key[:-1]: place for key, place in names.items() if key.endswith(".")}
    plain = {key: place for key, place in names.items() if not key.endswith(".")}
    return FileImports(
        plain | {key: place for key, place in modules.items() if key not in plain}, tuple(everywhere)
    )


def _aliases(text: str) -> Iterator[tuple[str, str]]:
    for part in re.sub(r"#[^\n]*|\\", "", text).split(","):
        words = part.split()
        if len(words) == 3 and words[1] == "as":
            yield words[2], words[0]
        elif len(words) == 1:
            yield words[0], words[0]


def _find_place(module: str, path: str) -> str:
    """The path of a module; one that begins with dots is relative to the importing file."""
    dots = len(module) - len(module.lstrip("."))
    rest = module.lstrip(".").replace(".", "/")
    if not dots:
        return rest
    parts = path.split("/")[:-dots]
    return "/".join([*parts, rest] if rest else parts)


SYNTAX: Final = ExampleSyntax(
    literals={
        "integer": "number",
        "float": "number",
        "string": "text",
        "true": "true",
        "false": "false",
        "none": "null",
    },
    lists=frozenset({"list"}),
    tuples=frozenset({"tuple"}),
    maps=frozenset({"dictionary"}),
    pairs={"pair": ("key", "value")},
    calls={"call": ("function", "arguments")},
    members={"attribute": ("object", "attribute")},
    wrappers=frozenset({"parenthesized_expression", "expression_statement", "expression_list"}),
    compared=frozenset({"comparison_operator", "boolean_operator"}),
    negated=frozenset({"unary_operator"}),
    bindings={"assignment": ("left", "right"), "named_expression": ("name", "value")},
    loops={"for_statement": ("left", "right")},
    inline={},
    branches=frozenset(
        {"if_statement", "while_statement", "for_statement", "try_statement", "match_statement"}
    ),
    asserts=frozenset({"assert_statement"}),
    truthy=True,
    optional=True,
    equal=frozenset({"assertEqual", "assertEquals", "assertListEqual", "assertDictEqual", "assertTupleEqual"})
    | frozenset({"assertSequenceEqual", "assertMultiLineEqual", "assertIs"}),
    holds={"assertTrue": True, "assertFalse": False},
    raising={"assertRaises": 0, "raises": 0},
    constants={"math.inf": float("inf"), "math.pi": 3.141592653589793},
    read=_read,
    tables=_find_table,
    documents=_find_documents,
    frame="def session():\n    {body}\n",
    imports=find_imports,
)
