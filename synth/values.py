"""Language-neutral values and the signatures that type them.

A task's contract is a typed signature over int, float, str, bool, null, list, map, tuple and optional, which
is a value or null (`optional[int]`). Values cross a process boundary as *wire text*: tokens separated by one
space, self-describing, so that a driver in any language can read and write them in a few lines:

    i-12  f2.5  finf  f-0.0  b1  n  l2 i1 i2  t2 i1 s  m1 s61 i1
    s6869 (UTF-8 in hex; lone surrogates as three bytes)

The one rule: what `encode` writes, `decode` gives back, to the type and the bit.
"""

import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Value = int | float | str | bool | None | list["Value"] | tuple["Value", ...] | dict["Value", "Value"]
Kind = Literal["int", "float", "str", "bool", "null", "list", "tuple", "map", "optional", "any"]

LONGEST_INT_DIGITS: Final = 100_000
"""Longer integers cannot be read or written by us: it takes time with the square of their length, for this
one a tenth of a second. Python's own limit would be 4,300 digits."""

sys.set_int_max_str_digits(LONGEST_INT_DIGITS)

_ARITY: dict[str, int] = {"int": 0, "float": 0, "str": 0, "bool": 0, "null": 0, "any": 0} | {
    "list": 1,
    "optional": 1,
    "map": 2,
}


class ValueSyntaxError(ValueError):
    """Wire text or a signature that cannot be read. The message names the place and what was expected."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """One type: its kind, and the types inside it (`list` and `optional` have 1, `map` has 2, `tuple` any
    number)."""

    kind: Kind
    inner: tuple["ValueType", ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}[{', '.join(map(str, self.inner))}]" if self.inner else self.kind


@dataclass(frozen=True, slots=True)
class Signature:
    """Types of the parameters and of the result, written `(list[int], int) -> int`."""

    parameters: tuple[ValueType, ...]
    result: ValueType

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.parameters))}) -> {self.result}"


class _TypeReader:
    """A recursive-descent reader of type expressions."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, symbol: str) -> bool:
        self.skip()
        if self.text.startswith(symbol, self.at):
            self.at += len(symbol)
            return True
        return False

    def need(self, symbol: str) -> None:
        if not self.take(symbol):
            raise ValueSyntaxError(f"signature {self.text!r}: expected {symbol!r} at character {self.at}")

    def read_list(self, closing: str) -> tuple[ValueType, ...]:
        if self.take(closing):
            return ()
        types = [self.read_type()]
        while self.take(","):
            types.append(self.read_type())
        self.need(closing)
        return tuple(types)

    def read_type(self) -> ValueType:
        self.skip()
        start = self.at
        while self.at < len(self.text) and self.text[self.at].isalpha():
            self.at += 1
        name = self.text[start : self.at]
        if name not in _ARITY and name != "tuple":
            known = ", ".join([*_ARITY, "tuple"])
            raise ValueSyntaxError(
                f"signature {self.text!r}: {name!r} at character {start} is not a type; known: {known}"
            )
        inner = self.read_list("]") if self.take("[") else ()
        if name != "tuple" and len(inner) != _ARITY[name]:
            raise ValueSyntaxError(
                f"signature {self.text!r}: {name} takes {_ARITY[name]} inner types, found {len(inner)}"
            )
        return ValueType(name, inner)  # type: ignore[arg-type]  # membership was checked above

    def end(self) -> None:
        self.skip()
        if self.at != len(self.text):
            raise ValueSyntaxError(f"signature {self.text!r}: unexpected text at character {self.at}")


def parse_type(text: str) -> ValueType:
    """Read one type, for example `map[str, list[int]]`. Raises ValueSyntaxError."""
    reader = _TypeReader(text)
    found = reader.read_type()
    reader.end()
    return found


@lru_cache(maxsize=1024)
def parse_signature(text: str) -> Signature:
    """Read `(list[int], int) -> int`. Raises ValueSyntaxError."""
    reader = _TypeReader(text)
    reader.need("(")
    parameters = reader.read_list(")")
    reader.need("->")
    result = reader.read_type()
    reader.end()
    return Signature(parameters, result)


def encode(value: Value) -> str:
    """Wire text of a value. Raises TypeError for anything that is not a Value."""
    tokens: list[str] = []
    _encode_into(value, tokens)
    return " ".join(tokens)


def _encode_into(value: object, tokens: list[str]) -> None:
    if value is None:
        tokens.append("n")
    elif value is True or value is False:
        tokens.append("b1" if value else "b0")
    elif isinstance(value, int):
        tokens.append(f"i{value}")
    elif isinstance(value, float):
        tokens.append(f"f{value!r}")
    elif isinstance(value, str):
        tokens.append("s" + value.encode("utf-8", "surrogatepass").hex())
    elif isinstance(value, list | tuple):
        tokens.append(f"{'l' if isinstance(value, list) else 't'}{len(value)}")
        for item in value:
            _encode_into(item, tokens)
    elif isinstance(value, dict):
        tokens.append(f"m{len(value)}")
        for key, item in value.items():
            _encode_into(key, tokens)
            _encode_into(item, tokens)
    else:
        raise TypeError(f"{type(value).__name__} is not a language-neutral value")


def decode(text: str) -> Value:
    """The value of one wire text. Raises ValueSyntaxError on anything else, trailing text included."""
    tokens = text.split(" ")
    value, used = _decode_at(tokens, 0)
    if used != len(tokens):
        raise ValueSyntaxError(f"wire text has {len(tokens) - used} tokens too many")
    return value


def _decode_at(tokens: list[str], at: int) -> tuple[Value, int]:
    if at >= len(tokens) or not tokens[at]:
        raise ValueSyntaxError(f"wire text ends at token {at} where a value was expected")
    tag, rest = tokens[at][0], tokens[at][1:]
    try:
        if tag in "lt":
            items, at = _decode_many(tokens, at + 1, int(rest))
            return (items if tag == "l" else tuple(items)), at
        if tag == "m":
            flat, at = _decode_many(tokens, at + 1, 2 * int(rest))
            return dict(zip(flat[::2], flat[1::2], strict=True)), at
        return _decode_scalar(tag, rest), at + 1
    except ValueSyntaxError:
        raise
    except (ValueError, TypeError) as error:
        raise ValueSyntaxError(f"wire token {tokens[at] if at < len(tokens) else ''!r}: {error}") from error


def _decode_many(tokens: list[str], at: int, count: int) -> tuple[list[Value], int]:
    if not 0 <= count <= len(tokens) - at:
        raise ValueSyntaxError(f"wire text promises {count} values at token {at} and holds fewer")
    items: list[Value] = []
    for _ in range(count):
        item, at = _decode_at(tokens, at)
        items.append(item)
    return items, at


def _decode_scalar(tag: str, rest: str) -> Value:
    if tag == "i":
        return int(rest)
    if tag == "f":
        return float(rest)
    if tag == "s":
        return bytes.fromhex(rest).decode("utf-8", "surrogatepass")
    if tag == "b" and rest in ("0", "1"):
        return rest == "1"
    if tag == "n" and not rest:
        return None
    raise ValueSyntaxError(f"{tag + rest!r} is not a wire token")


def has_any(kind: ValueType) -> bool:
    """Whether the type, or one inside it, is `any`."""
    return kind.kind == "any" or any(map(has_any, kind.inner))


def has_optional(kind: ValueType) -> bool:
    """Whether the type, or one inside it, is `optional`."""
    return kind.kind == "optional" or any(map(has_optional, kind.inner))


def matches(value: Value, expected: ValueType) -> bool:
    """Whether a value has the type. An int is no float, a bool no int, a list no tuple; `any` takes all."""
    kind, inner = expected.kind, expected.inner
    if kind == "any":
        return True
    if kind == "optional":
        return value is None or matches(value, inner[0])
    if kind == "list":
        return isinstance(value, list) and all(matches(item, inner[0]) for item in value)
    if kind == "tuple":
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(matches, value, inner))
    if kind == "map":
        return isinstance(value, dict) and all(
            matches(k, inner[0]) and matches(v, inner[1]) for k, v in value.items()
        )
    exact = {"int": int, "float": float, "str": str, "bool": bool, "null": type(None)}
    return type(value) is exact[kind]
