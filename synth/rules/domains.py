"""Inputs for parameters that take only some values of their shared type: one letter, or no negative number.

The one rule: a value stays in its domain wherever it stands, in a list and as a key too; everything else is
as `input_drawing` draws it.
"""

from collections.abc import Sequence
from random import Random

from synth.languages.spec import Domain
from synth.rules.input_drawing import draw_inputs
from synth.values import Signature, Value, decode, encode

_MORE = 4
"""Rows drawn for each that is wanted: in a smaller domain many become the same."""


def draw_in_domains(
    signature: Signature, domains: Sequence[Domain], count: int, random: Random, hints: Sequence[Value] = ()
) -> list[tuple[str, ...]]:
    """Up to `count` distinct rows of arguments as wire text, each in its parameter's domain."""
    if all(domain == "any" for domain in domains):
        return draw_inputs(signature, count, random, hints)
    drawn = draw_inputs(signature, _MORE * count, random, hints)
    places = [*domains, *["any"] * (len(signature.parameters) - len(domains))]
    rows: dict[tuple[str, ...], None] = {}
    for row in drawn:
        inside = [
            value if domain == "any" else encode(_inside(decode(value), domain, random))
            for value, domain in zip(row, places, strict=True)
        ]
        rows.setdefault(tuple(inside))
    return list(rows)[:count]


def _inside(value: Value, domain: str, random: Random) -> Value:
    if isinstance(value, str):
        return random.choice(value or "a") if domain == "letter" else value
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) if domain == "natural" else value
    if isinstance(value, list):
        return [_inside(item, domain, random) for item in value]
    if isinstance(value, tuple):
        return tuple(_inside(item, domain, random) for item in value)
    if isinstance(value, dict):
        return {_inside(key, domain, random): _inside(item, domain, random) for key, item in value.items()}
    return value
