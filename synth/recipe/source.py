"""Reads YAML into plain data that remembers where every value was written, and applies `--set` flags.

First step of loading a recipe. The one rule: nothing is guessed. Scalars follow YAML 1.2 (`no` is a
string, `3e-4` a number), duplicate keys are problems, and every value knows its file and line, or the flag
that set it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from synth.errors import Problem

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
KeyPath = tuple[str | int, ...]

SEE = "docs/recipes.md"
_MAX_NODES = 50_000


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+.0123456789"),
)


@dataclass(slots=True)
class Document:
    """Plain data of one recipe, the place of each value, and the problems so far."""

    name: str
    data: dict[str, Plain] = field(default_factory=dict)
    places: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: KeyPath) -> str:
        """Where the value was written: `recipe.yaml:12`, or `--set a.b=1`. For a missing value,
        its parent's place."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return self.name

    def where(self, path: KeyPath, *, with_value: bool = True) -> str:
        """Place, key and value in one line: the start of every message."""
        text = f"{self.place(path)}: {key_text(path)}" if path else self.place(path)
        found = lookup(self.data, path)
        shown = with_value and path and isinstance(found, str | int | float | bool)
        return f"{text} = {_shorten(found)}" if shown else text


def key_text(path: KeyPath) -> str:
    """`data.solve.languages[0]` for the path of keys and positions."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def lookup(data: Plain, path: KeyPath) -> Plain:
    """The value at the path, or None."""
    for part in path:
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def read_document(text: str, name: str) -> Document:
    """Read the text of one YAML file. If the result has `problems`, its data may be partial."""
    document = Document(name)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except (yaml.YAMLError, RecursionError) as error:
        document.problems.append(_syntax_problem(error, name))
        return document
    if root is None:
        document.problems.append(Problem(name, "is empty", "write at least `name: my-run`", SEE))
    elif not isinstance(root, yaml.MappingNode):
        found = Problem(
            f"{name}:{root.start_mark.line + 1}",
            "must be a mapping of keys to values",
            "begin with `name: my-run`",
            SEE,
        )
        document.problems.append(found)
    else:
        document.data = _Builder(document, loader).mapping(root, ())
    return document


class _Builder:
    """Turns nodes into plain data, and records lines and duplicate keys."""

    def __init__(self, document: Document, loader: _Loader) -> None:
        self.document, self.loader = document, loader
        self.open: set[int] = set()
        self.count = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Plain:
        self.document.places.setdefault(path, self.place(node))
        self.count += 1
        if id(node) in self.open or self.count > _MAX_NODES:
            self.problem(
                node,
                path,
                "must not contain an alias of itself or more than 50,000 values",
                "write the values out",
            )
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            return self.scalar(node, path)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Plain]:
        self.document.places.setdefault(path, self.place(node))
        result: dict[str, Plain] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(key_node, path, "must have plain words as keys", "write `key: value`")
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in result:
                self.problem(
                    key_node,
                    (*path, key),
                    f"was already given in line {lines[key]}",
                    "keep one of the two",
                    with_value=False,
                )
                continue
            self.document.places[(*path, key)], lines[key] = f"{self.document.name}:{line}", line
            result[key] = self.value(value_node, (*path, key))
        return result

    def scalar(self, node: yaml.Node, path: KeyPath) -> Plain:
        try:
            value = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.problem(
                node,
                path,
                f"cannot be read: {_first_line(error)}",
                "write a plain string, number, true, false or null",
            )
            return None
        return value if isinstance(value, str | int | float | bool | None) else str(node.value)

    def place(self, node: yaml.Node) -> str:
        return f"{self.document.name}:{node.start_mark.line + 1}"

    def problem(
        self, node: yaml.Node, path: KeyPath, expected: str, fix: str, *, with_value: bool = True
    ) -> None:
        value = f" = {node.value}" if with_value and isinstance(node, yaml.ScalarNode) else ""
        self.document.problems.append(
            Problem(f"{self.place(node)}: {key_text(path)}{value}", expected, fix, SEE)
        )


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Apply flags `a.b=value`, where the value is YAML. Invalid flags become problems that name the flag."""
    for flag in overrides:
        shown = f"--set {flag}"
        keys, separator, text = flag.partition("=")
        path = tuple(_override_path(keys.strip()))
        if not separator or not path or "" in path:
            document.problems.append(
                Problem(shown, "must have the form KEY=VALUE", "write --set data.solve.n=4", SEE)
            )
            continue
        value = read_document(f"value: {text}", shown)
        if value.problems or "value" not in value.data or len(value.data) > 1:
            document.problems.append(
                Problem(
                    shown,
                    f"has no YAML value after the `=`: {text!r}",
                    "write a value such as 4, 0.5, true, text or [a, b]",
                    SEE,
                )
            )
            continue
        put(document, path, value.data["value"], shown)


def _override_path(keys: str) -> Iterator[str | int]:
    for part in keys.replace("[", ".").replace("]", "").split("."):
        yield int(part) if part.isdigit() else part


def put(document: Document, path: KeyPath, value: Plain, shown: str) -> None:
    """Put the value at the path, creating mappings as needed. The flag becomes the place
    of everything below."""
    holder: Plain = document.data
    for depth, part in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            holder[part] = value if last else holder[part] if holder[part] is not None else {}
            holder = holder[part]
        elif isinstance(holder, dict):
            key = str(part)
            holder[key] = value if last else holder[key] if holder.get(key) is not None else {}
            holder = holder[key]
        else:
            before = key_text(path[:depth])
            document.problems.append(
                Problem(
                    shown, f"cannot be set: {before} has no {part!r} inside", f"set {before} as a whole", SEE
                )
            )
            return
    for old in [place for place in document.places if place[: len(path)] == path]:
        del document.places[old]
    document.places[path] = shown


def _syntax_problem(error: Exception, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = f"{name}:{mark.line + 1}" if mark is not None else name
    said = str(getattr(error, "problem", None) or _first_line(error))
    fix = (
        "indent with two spaces per level; quote strings that contain `: ` or start with a special character"
    )
    return Problem(place, f"is not valid YAML: {said}", fix, SEE)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _shorten(value: Plain, limit: int = 80) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def read_text(path: Path) -> str | Problem:
    """The text of a recipe file, or the reason why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return Problem(str(path), f"is not UTF-8 text (byte {error.start})", "save it as UTF-8", SEE)
    except OSError as error:
        return Problem(str(path), f"cannot be read: {error.strerror}", "name a readable file", SEE)
