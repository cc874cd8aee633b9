"""Types that JSDoc and TypeScript state, as types that every language shares.

The one rule: what a type leaves open is tried, in order of preference; a type that no other language has
gives no options.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from synth.languages.support.declarations import split_top
from synth.values import ValueType, parse_type

_SIMPLE: Final = {
    "number": ("int", "float"),
    "numeric": ("int", "float"),
    "int": ("int",),
    "integer": ("int",),
    "bigint": ("int",),
    "float": ("float",),
    "double": ("float",),
    "string": ("str",),
    "str": ("str",),
    "char": ("str",),
    "boolean": ("bool",),
    "bool": ("bool",),
    "array": ("list[int]", "list[str]"),
    "object": ("map[str, int]", "map[str, str]"),
    "matrix": ("list[list[int]]",),
    "null": ("null",),
    "undefined": ("null",),
    "void": ("null",),
}
_SILENT: Final = frozenset({"*", "any", "unknown", "mixed", "var", ""})
_LISTS: Final = frozenset(
    "Array ReadonlyArray Iterable ArrayLike List Iterator IterableIterator Generator".split()
)
_MAPS: Final = frozenset("Object Record Map ReadonlyMap".split())
_TYPED_ARRAYS: Final = re.compile(r"(Int|Uint|BigInt|BigUint)\d+(Clamped)?Array|Float\d+Array")
_WRAPPERS: Final = frozenset("Readonly Partial Required NonNullable Readonly".split())
_MAX_OPTIONS: Final = 4


@dataclass(frozen=True, slots=True)
class StatedType:
    """What a parameter's type says."""

    options: tuple[ValueType, ...] | None
    """Types to try, the likeliest first; None if it says nothing; empty if no shared value can be given."""
    made_by: str = ""
    """How the shared value becomes the function's own, with `{}` for it; empty if it is that already."""
    is_function: bool = False
    """Whether it is a function."""


@dataclass(slots=True)
class TypeScope:
    """The types that a program declares itself."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names of `type` declarations, with their texts."""
    generics: frozenset[str] = frozenset()
    """Type parameters, which any type may stand for."""

    def read(self, text: str, depth: int = 0) -> StatedType:
        """What a type expression says; `depth` bounds aliases of aliases."""
        text = re.sub(r"\s+", " ", text).strip().removeprefix("...").removesuffix("=").strip("?! ")
        text = re.sub(r"^(?:readonly|keyof) ", "", text).replace(".<", "<")
        while text.startswith("(") and text.endswith(")") and _closes_at_end(text):
            text = text[1:-1].strip()
        if "=>" in _outside(text) or re.match(r"(?:[Ff]unction|Callback)\b", text):
            return StatedType((), is_function=True)
        parts = _split_union(text)
        if len(parts) > 1:
            return self._union(parts, depth)
        if text.endswith("[]"):
            return self._list(text[:-2], depth)
        if text.startswith("[") and text.endswith("]"):
            inner = [self._first(part, depth) for part in split_top(text[1:-1])]
            whole = [kind for kind in inner if kind is not None]
            return StatedType(
                (ValueType("tuple", tuple(whole)),) if whole and len(whole) == len(inner) else ()
            )
        if generic := re.fullmatch(r"(\w+)<(.*)>", text):
            return self._generic(generic[1], split_top(generic[2]), depth)
        return self._named(text, depth)

    def _union(self, parts: list[str], depth: int) -> StatedType:
        """Each member in turn, without what stands for no value."""
        found = [self.read(part, depth) for part in parts]
        some = [one for one in found if one.options not in ((), (parse_type("null"),))]
        if not some:
            return found[0]
        if any(one.options is None for one in some):
            return StatedType(None)
        options = [kind for one in some for kind in one.options or ()]
        return StatedType(tuple(dict.fromkeys(options))[:_MAX_OPTIONS], some[0].made_by)

    def _list(self, inner: str, depth: int) -> StatedType:
        stated = self.read(inner, depth)
        if stated.made_by or stated.is_function:
            return StatedType(())
        options = stated.options if stated.options is not None else (parse_type("int"), parse_type("str"))
        return StatedType(tuple(ValueType("list", (kind,)) for kind in options)[:_MAX_OPTIONS])

    def _generic(self, name: str, inner: list[str], depth: int) -> StatedType:
        if name in _LISTS and inner:
            return self._list(inner[0], depth)
        if name in ("Set", "ReadonlySet") and inner:
            return StatedType(self._list(inner[0], depth).options, "new Set({})")
        if name in _WRAPPERS and inner:
            return self.read(inner[0], depth)
        if name in _MAPS and len(inner) == 2:
            key, value = self._first(inner[0], depth), self._first(inner[1], depth)
            if key is None or value is None:
                return StatedType(())
            made_by = "new Map(Object.entries({}))" if name.endswith("Map") and key.kind == "str" else ""
            return StatedType((ValueType("map", (key, value)),), made_by)
        if name in self.aliases and depth < _MAX_OPTIONS:
            return self.read(self.aliases[name], depth + 1)
        return StatedType(())

    def _first(self, text: str, depth: int) -> ValueType | None:
        stated = self.read(text, depth)
        options = (parse_type("int"),) if stated.options is None else stated.options
        return options[0] if options and not stated.made_by else None

    def _named(self, text: str, depth: int) -> StatedType:
        if text in self.aliases and depth < _MAX_OPTIONS:
            return self.read(self.aliases[text], depth + 1)
        if text in self.generics or re.fullmatch(r"[A-Z]\d?", text):
            return StatedType((parse_type("int"), parse_type("str")))
        if text in _SILENT:
            return StatedType(None)
        if text.lower() in _SIMPLE:
            return StatedType(tuple(map(parse_type, _SIMPLE[text.lower()])))
        if _TYPED_ARRAYS.fullmatch(text):
            inner = "float" if text.startswith("Float") else "int"
            return StatedType((parse_type(f"list[{inner}]"),), f"{text}.from({{}})")
        if text in ("Set", "Map"):
            kind = "list[int]" if text == "Set" else "map[str, int]"
            return StatedType(
                (parse_type(kind),), "new Set({})" if text == "Set" else "new Map(Object.entries({}))"
            )
        if re.fullmatch(r"'[^']*'|\"[^\"]*\"|`[^`]*`", text):
            return StatedType((parse_type("str"),))
        if re.fullmatch(r"-?\d+", text):
            return StatedType((parse_type("int"),))
        return StatedType((parse_type("bool"),)) if text in ("true", "false") else StatedType(())


def _closes_at_end(text: str) -> bool:
    """Whether the bracket that begins the text is closed by the one that ends it."""
    depth = 0
    for at, symbol in enumerate(text):
        depth += (symbol in "([{<") - (symbol in ")]}" or (symbol == ">" and text[at - 1 : at] != "="))
        if depth == 0:
            return at == len(text) - 1
    return False


def _outside(text: str) -> str:
    """The text outside brackets."""
    depth, kept = 0, []
    for at, symbol in enumerate(text):
        depth += symbol in "([{<"
        kept.append(symbol if depth == 0 else " ")
        depth -= symbol in ")]}" or (symbol == ">" and text[at - 1 : at] != "=")
    return "".join(kept)


def _split_union(text: str) -> list[str]:
    outside = _outside(text)
    cuts = [-1, *(at for at, symbol in enumerate(outside) if symbol == "|"), len(text)]
    parts = [text[start + 1 : end].strip() for start, end in pairwise(cuts)]
    return [part for part in parts if part] or [""]
