"""Inputs for parameters that take only some values of their shared type (one letter, no negative number), and
gentle ones, for functions that ask of their arguments that they fit together.

The one rule: a value stays in its domain wherever it stands, in a list and as a key too; everything else is
as `input_drawing` draws it.
"""

import json
from collections.abc import Iterable, Sequence
from random import Random

from synth.languages.spec import Domain
from synth.rules.input_drawing import draw_inputs
from synth.values import Signature, Value, ValueType, decode, encode

_MORE = 4
"""Rows drawn for each that is wanted: in a smaller domain many become the same."""
_ATTEMPTS = 8


def draw_in_domains(
    signature: Signature, domains: Sequence[Domain], count: int, random: Random, hints: Sequence[Value] = ()
) -> list[tuple[str, ...]]:
    """Up to `count` distinct rows of arguments as wire text, each in its parameter's domain."""
    if all(domain == "any" for domain in domains):
        return draw_inputs(signature, count, random, hints)
    drawn = draw_inputs(signature, _MORE * count, random, hints)
    rows = ([decode(value) for value in row] for row in drawn)
    return _distinct((_row(row, signature, domains, random) for row in rows), count)


def write_domains(domains: Sequence[Domain]) -> str:
    """Text of the domains, for a record; empty where every value does."""
    return "" if all(domain == "any" for domain in domains) else json.dumps(domains)


def read_domains(text: str) -> tuple[Domain, ...]:
    """What `write_domains` wrote."""
    return tuple(map(_from_json, json.loads(text))) if text else ()


def _from_json(found: Domain | list[Domain]) -> Domain:
    return tuple(map(_from_json, found)) if isinstance(found, list) else found


def in_domains(arguments: Sequence[str], domains: Sequence[Domain]) -> bool:
    """Whether a row of wire texts lies in the domains of its parameters."""
    row = [decode(wire) for wire in arguments]
    try:
        return all(_inside(value, one, Random(0)) == value for value, one in zip(row, domains, strict=False))
    except ValueError:  # a tuple of another length
        return False


def draw_gently(
    signature: Signature, domains: Sequence[Domain], count: int, random: Random, hints: Sequence[Value] = ()
) -> list[tuple[str, ...]]:
    """Up to `count` distinct rows whose values fit together: in each row all lists are of one small length,
    the numbers are indices into them in ascending order, and nothing is empty or negative."""
    texts = [text for (text,) in draw_inputs(_ONE_TEXT, _MORE * count, random, hints) if text != encode("")]
    rows = (
        _row(_gentle_row(signature, random, texts), signature, domains, random)
        for _ in range(_ATTEMPTS * count)
    )
    return _distinct(rows, count)


_ONE_TEXT = Signature((ValueType("str"),), ValueType("any"))


def _distinct(rows: Iterable[list[Value]], count: int) -> list[tuple[str, ...]]:
    found: dict[tuple[str, ...], None] = {}
    for row in rows:
        if len(found) >= count:
            break
        found.setdefault(tuple(map(encode, row)))
    return list(found)


def _row(
    row: Sequence[Value], signature: Signature, domains: Sequence[Domain], random: Random
) -> list[Value]:
    rest: list[Domain] = ["any" for _ in signature.parameters[len(domains) :]]
    return [_inside(value, domain, random) for value, domain in zip(row, [*domains, *rest], strict=True)]


def _inside(value: Value, domain: Domain, random: Random) -> Value:
    if domain == "any":
        return value
    if isinstance(value, list):
        return [_inside(item, domain, random) for item in value]
    several = domain if isinstance(domain, tuple) else (domain,) * 2
    if isinstance(value, dict):
        return {
            _inside(key, several[0], random): _inside(item, several[1], random) for key, item in value.items()
        }
    if isinstance(value, tuple):
        each = domain if isinstance(domain, tuple) else (domain,) * len(value)
        return tuple(_inside(item, one, random) for item, one in zip(value, each, strict=True))
    if isinstance(value, str) and domain == "letter":
        return random.choice(value or "a")
    return (
        abs(value)
        if isinstance(value, int) and not isinstance(value, bool) and domain == "natural"
        else value
    )


def _gentle_row(signature: Signature, random: Random, texts: Sequence[str]) -> list[Value]:
    length = random.randint(1, 6)
    indices = sorted(random.randrange(length) for kind in signature.parameters if kind.kind == "int")
    has_list = any(kind.kind in ("list", "str", "map") for kind in signature.parameters)
    return [
        indices.pop(0)
        if kind.kind == "int" and has_list and random.random() < 0.9
        else _gentle(kind, random, length, texts)
        for kind in signature.parameters
    ]


def _gentle(kind: ValueType, random: Random, length: int, texts: Sequence[str]) -> Value:
    def inner(at: int) -> Value:
        return _gentle(kind.inner[at], random, length, texts)

    if kind.kind == "list":
        return [inner(0) for _ in range(length)]
    if kind.kind == "map":
        return {inner(0): inner(1) for _ in range(length)}
    if kind.kind == "tuple":
        return tuple(inner(at) for at in range(len(kind.inner)))
    if kind.kind == "str":
        return decode(random.choice(texts)) if texts else "a"
    if kind.kind == "bool":
        return random.random() < 0.5
    if kind.kind == "float":
        return random.randint(1, 80) / 8
    return None if kind.kind == "null" else random.randint(0, 12 if random.random() < 0.7 else length)
