"""Test inputs drawn from a typed signature: edge cases first, then small random values.

The one rule: values mean the same in every language (small integers, short ASCII strings, finite floats),
rows are distinct, and the same random generator gives the same rows.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from random import Random

from synth.languages.code_tokens import code_tokens
from synth.values import Signature, Value, ValueType, encode

_WORDS = (
    "apple",
    "banana",
    "level",
    "Hello",
    "world",
    "noon",
    "Code",
    "mill",
    "sky",
    "aeiou",
    "radar",
    "Python",
    "test",
    "a",
    "XYZ",
    "go",
)
_STRINGS = (
    "",
    "a",
    "abc",
    "level",
    "Hello World",
    "aab",
    "UPPER",
    "12a3",
    "  pad ",
    "a,b,c",
    "race car!",
    "xyz xyz",
    "42",
    "-7",
    "3.5",
)
_INTS = (0, 1, -1, 2, 5, 10, -7, 100, 3, -100, 12, 7)
_FLOATS = (0.0, 1.0, -1.5, 0.5, 2.25, -100.0, 10.0)
_KEYS = ("a", "b", "key", "x", "name", "zeta")
_ANY: tuple[Value, ...] = (0, "a", [1, 2], "", True, 3.5, [], -4)
MAX_INT = 100
RARE_INT = 1000
ATTEMPTS_A_ROW = 20


def draw_inputs(
    signature: Signature, count: int, random: Random, hints: Sequence[Value] = ()
) -> list[tuple[str, ...]]:
    """Up to `count` distinct rows of arguments as wire text; fewer only if the types have fewer values. Edge
    cases come first.

    `hints` are values that matter to the program, such as its literals (`literal_hints`); a quarter of the
    scalars are drawn from them.
    """
    drawer = _Drawer(random, hints)
    rows: dict[tuple[str, ...], None] = {}
    for row in _edge_rows(signature):
        if len(rows) >= max(1, count // 2):
            break
        rows.setdefault(_encode(row))
    for _ in range(ATTEMPTS_A_ROW * count):
        if len(rows) >= count:
            break
        rows.setdefault(_encode(_related([drawer.draw(kind) for kind in signature.parameters], random)))
    return list(rows)[:count]


def _encode(row: list[Value]) -> tuple[str, ...]:
    return tuple(map(encode, row))


def _edge_rows(signature: Signature) -> Iterator[list[Value]]:
    """Edge values of all parameters in parallel, so that a few rows cover all of them; a parameter with none
    left repeats a plain value."""
    columns = [_edges(kind) for kind in signature.parameters]
    plain = [column[min(2, len(column) - 1)] for column in columns]
    for row in zip_longest(*columns):
        yield [
            plain[at]
            if value is None and signature.parameters[at].kind not in ("null", "optional")
            else value
            for at, value in enumerate(row)
        ]


def _edges(kind: ValueType) -> list[Value]:
    """Edge values of a type: empty, zero, negative, one element, duplicates."""
    if kind.kind == "list":
        return _list_edges(_edges(kind.inner[0]))
    if kind.kind == "optional":
        return [None, *_edges(kind.inner[0])]
    if kind.kind == "map":
        keys, values = _edges(kind.inner[0]), _edges(kind.inner[1])
        filled = dict(zip(keys[1:4], values[1:4], strict=False))
        return [{}, {keys[1 % len(keys)]: values[0]}, filled]
    if kind.kind == "tuple":
        columns = [_edges(inner) for inner in kind.inner]
        width = max(map(len, columns), default=1)
        return [tuple(column[at % len(column)] for column in columns) for at in range(min(width, 4))]
    scalars: dict[str, tuple[Value, ...]] = {
        "int": _INTS[:6],
        "float": _FLOATS[:5],
        "str": _STRINGS[:7],
        "bool": (True, False),
        "any": _ANY[:4],
    }
    return list(scalars.get(kind.kind, (None,)))


def _list_edges(items: list[Value]) -> list[Value]:
    one, two = items[min(1, len(items) - 1)], items[min(3, len(items) - 1)]
    return [[], [one], [two, two], list(items), list(reversed(items)), [items[0]], [one, two, one, two, two]]


class _Drawer:
    """Draws random values of a type, sometimes near a hint."""

    def __init__(self, random: Random, hints: Sequence[Value]) -> None:
        self._random = random
        self._hints = {
            kind: [hint for hint in hints if type(hint).__name__ == kind] for kind in ("int", "float", "str")
        }

    def draw(self, kind: ValueType, depth: int = 0) -> Value:
        """A random value of the type; deeper containers are shorter."""
        if kind.kind == "list":
            return self._draw_list(kind.inner[0], depth)
        if kind.kind == "optional":
            return None if self._random.random() < 0.15 else self.draw(kind.inner[0], depth)
        if kind.kind == "map":
            keys, values = kind.inner
            return {
                self._draw_key(keys): self.draw(values, depth + 1) for _ in range(self._random.randint(0, 5))
            }
        if kind.kind == "tuple":
            return tuple(self.draw(inner, depth + 1) for inner in kind.inner)
        return self._draw_scalar(kind.kind)

    def _draw_list(self, inner: ValueType, depth: int) -> Value:
        random, longest = self._random, 8 if depth == 0 else 4
        items = [
            self.draw(inner, depth + 1)
            for _ in range(random.randint(0 if random.random() < 0.1 else 1, longest))
        ]
        if len(items) > 1 and random.random() < 0.3:
            items[random.randrange(len(items))] = items[random.randrange(len(items))]
        if inner.kind in ("int", "float", "str") and random.random() < 0.15:
            items.sort(key=lambda item: item if isinstance(item, int | float) else str(item))
        return items

    def _draw_key(self, kind: ValueType) -> Value:
        return (
            self._random.choice(_KEYS)
            if kind.kind == "str" and self._random.random() < 0.7
            else self._draw_scalar(kind.kind)
        )

    def _draw_scalar(self, kind: str) -> Value:
        random, hints = self._random, self._hints.get(kind)
        if hints and random.random() < 0.25:
            return _near_hint(random.choice(hints), random)
        if kind == "int":
            return _draw_int(random)
        if kind == "float":
            return random.choice(
                (
                    round(random.uniform(-10, 10), 2),
                    float(random.randint(-20, 20)),
                    random.randint(-400, 400) / 4,
                )
            )
        if kind == "str":
            return _draw_str(random)
        if kind == "bool":
            return random.random() < 0.5
        return random.choice(_ANY) if kind == "any" else None


def _near_hint(hint: Value, random: Random) -> Value:
    """The hint, a number next to it, or a text that contains it."""
    if isinstance(hint, str):
        return random.choice(
            (hint, f"{hint}{random.choice(_WORDS)}", f"{random.choice(_WORDS)}{hint}", f"a{hint}b{hint}c")
        )
    if isinstance(hint, int | float):
        return hint + random.choice((-1, 0, 0, 1))
    return hint


def literal_hints(code: str, language: str = "") -> list[Value]:
    """Short plain string literals and small numbers of a program: inputs near them reach its branches."""
    found: dict[str, Value] = {}
    for token in code_tokens(code, language):
        if (
            token[0] in "\"'"
            and 2 < len(token) <= 14
            and token.isascii()
            and "\\" not in token
            and token[:3] not in ('"""', "'''")
        ):
            found[token] = token[1:-1]
        elif token.isdigit() and len(token) <= 4:
            found[token] = int(token)
    return list(found.values())


def _draw_int(random: Random) -> int:
    chance = random.random()
    if chance < 0.55:
        return random.randint(-10, 20)
    return random.randint(-MAX_INT, MAX_INT) if chance < 0.95 else random.randint(-RARE_INT, RARE_INT)


def _draw_str(random: Random) -> str:
    """Words, phrases, digits, palindromes, mixed case, punctuation: typical input of string functions."""
    chance, word = random.random(), random.choice(_WORDS)
    if chance < 0.3:
        return " ".join(random.choice(_WORDS) for _ in range(random.randint(1, 4)))
    if chance < 0.45:
        return word[: random.randint(1, 3)] + word[: random.randint(1, 3)][::-1]
    if chance < 0.6:
        return "".join(random.choice("abcxyzAEIou") for _ in range(random.randint(1, 9)))
    if chance < 0.75:
        return random.choice(
            (
                str(random.randint(-99, 999)),
                f"{word}{random.randint(0, 99)}",
                "".join(random.choice("01") for _ in range(5)),
            )
        )
    if chance < 0.9:
        return random.choice(
            (
                f"{word}, {random.choice(_WORDS)}!",
                f"({word})",
                f"{word}-{random.choice(_WORDS)}",
                f"{word}_{word}.",
                f" {word} ",
            )
        )
    return random.choice((word.upper(), word.title(), word.swapcase()))


def _related(row: list[Value], random: Random) -> list[Value]:
    """Sometimes derive a later argument from an earlier one: an element, an index, a substring."""
    for at in range(1, len(row)):
        if random.random() < 0.4:
            row[at] = _part_of(row[random.randrange(at)], row[at], random)
    return row


def _part_of(whole: Value, current: Value, random: Random) -> Value:
    """A part of `whole` that has the type of `current`, or `current`."""
    if isinstance(whole, str) and isinstance(current, str) and whole:
        start = random.randrange(len(whole))
        return whole[start : start + random.randint(1, 3)]
    if isinstance(whole, list) and whole:
        item = random.choice(whole)
        if type(item) is type(current) and not isinstance(current, list | dict):
            return item
        if isinstance(current, list) and current and type(current[0]) is type(item):
            return [*current[: len(current) // 2], *whole[: random.randint(1, len(whole))]]
    if isinstance(whole, list | str) and type(current) is int:
        return random.randint(0, len(whole))
    if isinstance(whole, dict) and whole and isinstance(current, str):
        return random.choice([key for key in whole if isinstance(key, str)] or [current])
    return current
