"""How Java states calls: JUnit's assertions, rows of `@CsvSource` and `@MethodSource`, callers."""

import re
from collections.abc import Callable
from typing import Final

from synth.grammar.nodes import Node
from synth.grammar.trees import node_text, walk
from synth.languages.stated_calls import (
    OF_AN_OBJECT,
    UNKNOWN,
    CallForm,
    CodePlace,
    ExampleSyntax,
    FileImports,
    Form,
    InlineForm,
    ItemsForm,
    LiteralForm,
    NameForm,
    RowTable,
)

_PACKAGE: Final = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)
_IMPORT: Final = re.compile(r"^\s*import\s+(static\s+)?([\w.]+?)(\.\*)?\s*;", re.MULTILINE)
_METHOD_SOURCE: Final = re.compile(
    r"@MethodSource\(\s*(?:\"(\w+)\"|\{\s*\"(\w+)\"\s*\})?\s*\)|@MethodSource\b"
)
_CSV: Final = re.compile(r"@CsvSource\(\s*(?:value\s*=\s*)?\{(.*?)\}\s*\)", re.DOTALL)
_VALUES: Final = re.compile(
    r"@ValueSource\(\s*(?:ints|longs|doubles|strings|chars|booleans)\s*=\s*\{(.*?)\}\s*\)", re.DOTALL
)
_LINE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NUMBERS: Final = frozenset("int long short byte Integer Long Short Byte double float Double Float".split())


def _read(node: Node, text: bytes, read: Callable[[Node], Form]) -> Form | None:
    """Calls with an object before them, objects, arrays."""
    if node.type == "method_invocation":
        whole, name = node.child_by_field_name("object"), node.child_by_field_name("name")
        given = node.child_by_field_name("arguments")
        if name is None or given is None:
            return None
        arguments = tuple(read(one) for one in given.named_children if "comment" not in one.type)
        return _call(node_text(name, text), read(whole) if whole is not None else None, arguments, whole)
    if node.type == "object_creation_expression":
        kind, given = node.child_by_field_name("type"), node.child_by_field_name("arguments")
        told = (UNKNOWN,) if given is not None and given.named_children else ()
        return CallForm(("new", node_text(kind, text).partition("<")[0]), told) if kind is not None else None
    if node.type == "array_creation_expression":
        value = node.child_by_field_name("value")
        return read(value) if value is not None else None
    if node.type == "class_literal" and node.named_children:
        return NameForm((node_text(node.named_children[0], text),))
    if node.type == "lambda_expression":
        body = node.child_by_field_name("body")
        return InlineForm((), body) if body is not None else None
    return None


def _call(name: str, of: Form | None, arguments: tuple[Form, ...], whole: Node | None) -> Form:
    if of is None or whole is None:
        return CallForm((name,), arguments)
    if isinstance(of, CallForm) and of.path[0] == "new":
        has_state = whole.type == "identifier" or bool(of.arguments)
        return CallForm((*of.path[1:], name), arguments, OF_AN_OBJECT if has_state else None)
    if isinstance(of, CallForm):
        return CallForm((name,), arguments, of)
    if isinstance(of, LiteralForm):
        return of if not arguments and name in ("toString", "intern") else UNKNOWN
    if not isinstance(of, NameForm):
        return UNKNOWN
    path = (*of.path, name)
    if ".".join(path) in _LISTING:
        values = [one.value for one in arguments if isinstance(one, LiteralForm)]
        return LiteralForm(values) if len(values) == len(arguments) else ItemsForm(arguments)
    return arguments[0] if ".".join(path) in _SAME and len(arguments) == 1 else CallForm(path, arguments)


_LISTING: Final = frozenset({"List.of", "Arrays.asList", "Stream.of", "Arguments.of", "arguments"})
_SAME: Final = frozenset(
    {"Integer.valueOf", "Long.valueOf", "Double.valueOf", "Optional.of", "String.valueOf"}
)


def _find_table(node: Node, text: bytes, read: Callable[[Node], Form]) -> RowTable | None:
    """The rows that a parameterized test is run with."""
    if node.type != "method_declaration" or not node.named_children:
        return None
    head = node_text(node.named_children[0], text) if node.named_children[0].type == "modifiers" else ""
    if "Source" not in head:
        return None
    named = _parameters(node, text)
    names = tuple(name for name, _ in named)
    if found := _CSV.search(head):
        lines = [line[1] for line in _LINE.finditer(found[1])]
        return RowTable(names, tuple(row for line in lines if (row := _csv_row(line, named)) is not None))
    if found := _VALUES.search(head):
        rows = (
            [_typed(part.strip().strip("\"'"), named[0][1]) for part in found[1].split(",")] if named else []
        )
        return RowTable(names, tuple(LiteralForm([row]) for row in rows if row is not None))
    if found := _METHOD_SOURCE.search(head):
        name = node.child_by_field_name("name")
        source = found[1] or found[2] or (node_text(name, text) if name is not None else "")
        return RowTable(names, _rows_of(node, source, text, read))
    return RowTable(names, ())


def _parameters(node: Node, text: bytes) -> list[tuple[str, str]]:
    found = node.child_by_field_name("parameters")
    named = []
    for one in found.named_children if found is not None else ():
        kind, name = one.child_by_field_name("type"), one.child_by_field_name("name")
        if kind is not None and name is not None:
            named.append((node_text(name, text), node_text(kind, text)))
    return named


def _csv_row(line: str, named: list[tuple[str, str]]) -> Form | None:
    """A line of comma-separated values as the parameters' types."""
    parts = [part.strip().strip("'") for part in line.split(",")]
    if len(parts) != len(named):
        return None
    values = [_typed(part, kind) for part, (_, kind) in zip(parts, named, strict=True)]
    known = [value for value in values if value is not None]
    return LiteralForm(list(known)) if len(known) == len(values) else None


def _typed(part: str, kind: str) -> int | float | bool | str | None:
    if kind in ("String", "char", "Character"):
        return part if "\\" not in part else None
    if kind in ("boolean", "Boolean"):
        return part == "true" if part in ("true", "false") else None
    try:
        real = kind in ("double", "float", "Double", "Float")
        return (float(part) if real else int(part.rstrip("L"))) if kind in _NUMBERS else None
    except ValueError:
        return None


def _rows_of(node: Node, name: str, text: bytes, read: Callable[[Node], Form]) -> tuple[Form, ...]:
    """The rows that a method of the same class returns."""
    body = node.parent
    for method in body.named_children if body is not None else ():
        named = method.child_by_field_name("name")
        if method.type != "method_declaration" or named is None or node_text(named, text) != name:
            continue
        returned = next((one for one in walk(method) if one.type == "return_statement"), None)
        form = read(returned.named_children[0]) if returned is not None and returned.named_children else None
        if isinstance(form, ItemsForm):
            return form.items
        if isinstance(form, LiteralForm) and isinstance(form.value, list):
            return tuple(LiteralForm(item) for item in form.value)
    return ()


def find_imports(text: str, path: str) -> FileImports:
    """The classes and static methods that a file imports; its package's other classes need no import."""
    names: dict[str, CodePlace] = {}
    everywhere: list[str] = []
    for found in _IMPORT.finditer(text):
        place = found[2].replace(".", "/")
        if found[1] and found[3]:
            everywhere.append(place)
        elif found[1]:
            names[place.rpartition("/")[2]] = CodePlace(place.rpartition("/")[0], place.rpartition("/")[2])
        elif not found[3]:
            names[place.rpartition("/")[2]] = CodePlace(place)
    package = _PACKAGE.search(text)
    folder = f"{package[1].replace('.', '/')}/" if package else path.rpartition("/")[0] + "/"
    return FileImports(names, tuple(everywhere), (folder,))


SYNTAX: Final = ExampleSyntax(
    names=frozenset({"identifier", "type_identifier"}),
    literals={
        "decimal_integer_literal": "number",
        "hex_integer_literal": "number",
        "octal_integer_literal": "number",
        "binary_integer_literal": "number",
        "decimal_floating_point_literal": "number",
        "string_literal": "text",
        "character_literal": "text",
        "true": "true",
        "false": "false",
        "null_literal": "null",
    },
    lists=frozenset({"array_initializer"}),
    calls={"method_invocation": ("name", "arguments"), "object_creation_expression": ("type", "arguments")},
    members={"field_access": ("object", "field")},
    wrappers=frozenset({"parenthesized_expression", "cast_expression"}),
    bindings={"variable_declarator": ("name", "value"), "assignment_expression": ("left", "right")},
    loops={"enhanced_for_statement": ("name", "value")},
    branches=frozenset(
        {
            "if_statement",
            "while_statement",
            "for_statement",
            "enhanced_for_statement",
            "try_statement",
            "switch_expression",
        }
    ),
    equal=frozenset({"assertEquals", "assertArrayEquals", "assertIterableEquals", "assertSame", "isEqualTo"}),
    holds={"assertTrue": True, "assertFalse": False},
    raising={"assertThrows": 0, "assertThrowsExactly": 0},
    constants={
        "Integer.MAX_VALUE": 2**31 - 1,
        "Integer.MIN_VALUE": -(2**31),
        "Long.MAX_VALUE": 2**63 - 1,
        "Long.MIN_VALUE": -(2**63),
    },
    read=_read,
    tables=_find_table,
    imports=find_imports,
)
