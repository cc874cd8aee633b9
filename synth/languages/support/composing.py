"""Composes expressions over the types of a signature, for languages whose driver is completed per signature
at compile time.

Place in the flow: a language module states its `Terms` (how it writes a type, a reader, a writer) and
composes them over a `ValueType`. The one rule: a type that the terms do not cover raises UnsupportedType, so
no value is ever passed in a different shape.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from synth.languages.spec import UnsupportedType, parameter_names
from synth.values import Signature, ValueType


def check_keys(signature: Signature, container: str) -> None:
    """For languages whose maps turn keys into texts. Raises UnsupportedType for a map with other keys than
    integers and texts; `container` is the language's word for a map, with its article."""
    for kind in (*signature.parameters, signature.result):
        _check_keys(kind, container)


def _check_keys(kind: ValueType, container: str) -> None:
    if kind.kind == "map" and kind.inner[0].kind not in ("int", "str", "any"):
        raise UnsupportedType(f"{container} has no {kind.inner[0]} keys")
    for inner in kind.inner:
        _check_keys(inner, container)


@dataclass(frozen=True, slots=True)
class Terms:
    """Words for scalars (`int`, `float`, `str`, `bool`, `null`, `any`), and patterns with `{}` for
    the inner expression."""

    language: str
    scalars: Mapping[str, str]
    list_of: str = ""
    map_of: str = ""
    tuple_of: Callable[[Sequence[str]], str] | None = None
    keys: frozenset[str] = frozenset({"int", "float", "str", "bool", "null", "list", "tuple", "map", "any"})
    """Kinds that the language's maps accept as keys."""
    optional_of: Callable[[ValueType, str], str] | None = None
    """(the type inside, its expression) -> the expression for it or null."""

    def compose(self, kind: ValueType) -> str:
        """The expression for a type. Raises UnsupportedType."""
        inner = [self.compose(one) for one in kind.inner]
        if kind.kind in self.scalars:
            return self.scalars[kind.kind]
        if kind.kind == "list" and self.list_of:
            return self.list_of.format(*inner)
        if kind.kind == "map" and self.map_of and kind.inner[0].kind in self.keys:
            return self.map_of.format(*inner)
        if kind.kind == "tuple" and self.tuple_of is not None:
            return self.tuple_of(inner)
        if kind.kind == "optional" and self.optional_of is not None:
            return self.optional_of(kind.inner[0], inner[0])
        raise UnsupportedType(f"{self.language} has no type for {kind}")

    def check(self, signature: Signature) -> None:
        """Raises UnsupportedType if a type of the signature cannot be written."""
        for kind in (*signature.parameters, signature.result):
            self.compose(kind)

    def pairs(self, names: tuple[str, ...], signature: Signature) -> list[tuple[str, str]]:
        """Parameter names with the expressions of their types. Raises UnsupportedType."""
        return [
            (name, self.compose(kind))
            for name, kind in zip(parameter_names(names, signature), signature.parameters, strict=True)
        ]
