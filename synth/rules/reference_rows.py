"""Small questions about the rows and outputs of a seed that ran."""

from synth.rules.canonical import canonical_output
from synth.values import ValueSyntaxError, decode

Rows = tuple[tuple[str, ...], ...]


def is_identity(rows: Rows, outputs: dict[int, str]) -> bool:
    """Whether every answer equals the argument at one fixed position."""
    width = len(rows[0]) if rows else 0
    return any(
        all(canonical_output(rows[at][place]) == output for at, output in outputs.items())
        for place in range(width)
    )


def by_variety(outputs: dict[int, str]) -> list[int]:
    """Inputs in an order that gives each distinct answer once before any answer repeats."""
    first_with: dict[str, int] = {}
    for at in sorted(outputs):
        first_with.setdefault(outputs[at], at)
    fresh = sorted(first_with.values())
    return fresh + [at for at in sorted(outputs) if at not in set(fresh)]


def show_row(row: tuple[str, ...]) -> str:
    """Values for people."""
    try:
        return ", ".join(repr(decode(wire)) for wire in row)[:200]
    except ValueSyntaxError:
        return "a long value"
