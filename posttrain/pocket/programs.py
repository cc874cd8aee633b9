"""Renders chains as source code: a function in one of four languages, in one of several styles."""

import random
from dataclasses import dataclass, field

from posttrain.pocket.chains import Chain, ChainStep
from posttrain.pocket.operation import Type

_TYPE_NAMES: dict[str, dict[Type, str]] = {
    "python": {
        "I": "int",
        "B": "bool",
        "S": "str",
        "L": "list[int]",
        "W": "list[str]",
        "M": "dict[str, int]",
    },
    "java": {
        "I": "long",
        "B": "boolean",
        "S": "String",
        "L": "List<Long>",
        "W": "List<String>",
        "M": "Map<String, Long>",
    },
    "cpp": {
        "I": "long long",
        "B": "bool",
        "S": "string",
        "L": "vector<long long>",
        "W": "vector<string>",
        "M": "map<string, long long>",
    },
}
_JSDOC: dict[Type, str] = {
    "I": "number",
    "B": "boolean",
    "S": "string",
    "L": "number[]",
    "W": "string[]",
    "M": "Object<string, number>",
}
_NEUTRAL: dict[Type, str] = {
    "I": "int",
    "B": "bool",
    "S": "str",
    "L": "list[int]",
    "W": "list[str]",
    "M": "map[str, int]",
}
_EMPTY = {"I": "0", "S": "''", "L": "[]", "W": "[]", "M": "{}"}
_END = {"python": "", "javascript": ";", "java": ";", "cpp": ";"}
NAMES: dict[Type, str] = {"I": "n", "B": "ok", "S": "s", "L": "xs", "W": "ws", "M": "m"}
OTHER_NAMES: dict[Type, tuple[str, ...]] = {
    "I": ("num", "value", "a"),
    "B": ("flag",),
    "S": ("text", "line", "name"),
    "L": ("nums", "values", "items"),
    "W": ("words", "names", "parts"),
    "M": ("table", "scores", "counts"),
}


@dataclass(slots=True)
class Style:
    """The look of a function: names, one expression or steps, the form of each operation, indentation."""

    entry_point: str = "solve"
    names: dict[Type, str] = field(default_factory=lambda: dict(NAMES))
    nested: bool = False
    variant: int = 0
    indent: int = 4


def draw_style(
    rng: random.Random, entry_point: str = "solve", *, free_names: bool = False, indent: int = 4
) -> Style:
    names = dict(NAMES)
    if free_names and rng.random() < 0.6:
        names = {kind: rng.choice(options) for kind, options in OTHER_NAMES.items()}
    return Style(entry_point, names, nested=rng.random() < 0.4, variant=rng.choice((0, 0, 1)), indent=indent)


def signature(chain: Chain) -> str:
    """The language-neutral signature, for example `(list[int]) -> int`."""
    return f"({_NEUTRAL[chain.source]}) -> {_NEUTRAL[chain.target]}"


def declaration(chain: Chain, language: str, style: Style) -> str:
    """The first line of the function, without the brace or colon."""
    name, x = style.entry_point, style.names[chain.source]
    if language == "javascript":
        return f"function {name}({x})"
    types = _TYPE_NAMES[language]
    if language == "python":
        return f"def {name}({x}: {types[chain.source]}) -> {types[chain.target]}"
    prefix = "static " if language == "java" else ""
    return f"{prefix}{types[chain.target]} {name}({types[chain.source]} {x})"


class _Writer:
    """Writes the body step by step; `expression` is the name of the current value, or the code
    that computes it."""

    def __init__(self, chain: Chain, language: str, style: Style) -> None:
        self.language, self.style = language, style
        self.lines: list[str] = []
        self.kind: Type = chain.source
        self.expression = style.names[chain.source]
        self.declared = {self.expression}

    def declare(self, kind: Type, value: str) -> str:
        """Assign a value to the variable of its type, and continue with that variable."""
        name = self.style.names[kind]
        prefix = "" if name in self.declared else _declarator(self.language, kind)
        self.declared.add(name)
        self.lines.append(f"{prefix}{name} = {value}{_END[self.language]}")
        return name

    def settle(self) -> None:
        """Make sure that the current value has a name."""
        if self.expression not in self.declared:
            self.expression = self.declare(self.kind, self.expression)

    def add(self, step: ChainStep, *, last: bool) -> None:
        operation = step.operation
        templates = operation.code[self.language]
        template = templates[self.style.variant % len(templates)]
        constants = dict(zip(("k", "j"), step.constants, strict=False))
        if template.startswith("!"):
            self.add_statements(template[1:], operation.target, constants)
            return
        simple = self.expression in self.declared
        chainable = (
            template.startswith("{x}.")
            and template.count("{x}") == 1
            and self.expression.endswith(")")
            and " ? " not in self.expression
        )
        if not simple and not (self.style.nested and chainable):
            self.settle()
        value = template.format(x=self.expression, **constants)
        self.kind, self.expression = operation.target, value
        if not last and not self.style.nested:
            self.expression = self.declare(self.kind, value)

    def add_statements(self, template: str, target: Type, constants: dict[str, int | str]) -> None:
        self.settle()
        y = self.expression
        if "{declare}" in template:
            name = self.style.names[target]
            y = name if name not in self.declared else name + "2"
            self.declared.add(y)
        text = template.replace("{declare}", _braced(self._empty(target, y)))
        self.lines += text.format(x=self.expression, y=y, **constants).split("\n")
        self.kind, self.expression = target, y

    def _empty(self, kind: Type, name: str) -> str:
        """Declare a variable with the empty value of its type."""
        if self.language == "javascript":
            return f"let {name} = {_EMPTY[kind]};"
        return f"{_declarator(self.language, kind)}{name}{' = 0' if kind == 'I' else ''};"


def _declarator(language: str, kind: Type) -> str:
    """The text before a declared name."""
    if language == "python":
        return ""
    return "let " if language == "javascript" else f"{_TYPE_NAMES[language][kind]} "


def _braced(text: str) -> str:
    """Text for a template, with doubled braces."""
    return text.replace("{", "{{").replace("}", "}}")


def render_program(chain: Chain, language: str, style: Style) -> str:
    """The whole function. Java and C++ have no imports: the driver supplies them."""
    writer = _Writer(chain, language, style)
    for position, step in enumerate(chain.steps):
        writer.add(step, last=position == len(chain.steps) - 1)
    body = [*writer.lines, f"return {writer.expression}{_END[language]}"]
    head = declaration(chain, language, style)
    lines = [_indented(line, style.indent) for line in body]
    if language == "python":
        return "\n".join([head + ":", *lines])
    return "\n".join([head + " {", *lines, "}"])


def _indented(line: str, width: int) -> str:
    """A line one level deeper; a level inside a template is 4 spaces."""
    text = line.lstrip(" ")
    return " " * (width * (1 + (len(line) - len(text)) // 4)) + text


def render_jsdoc(chain: Chain, style: Style) -> str:
    """The type comment that gives a JavaScript function its signature."""
    source, target = _JSDOC[chain.source], _JSDOC[chain.target]
    return f"/** @param {{{source}}} {style.names[chain.source]} @returns {{{target}}} */"
