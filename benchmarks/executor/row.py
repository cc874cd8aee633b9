"""One figure of the executor's benchmark."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its aim. `must` marks figures that are right or wrong; the others are ratios on
    a noisy machine."""

    name: str
    text: str
    aim: str
    is_right: bool
    must: bool = False


def at_least(name: str, ratio: float, aim: float, text: str = "") -> Row:
    """A ratio that should reach its aim."""
    return Row(name, f"{ratio:.2f}x{f'  ({text})' if text else ''}", f"at least {aim:g}x", ratio >= aim)


def at_most(name: str, ratio: float, aim: float, text: str = "") -> Row:
    """A ratio that should stay below its aim."""
    return Row(name, f"{ratio:.2f}x{f'  ({text})' if text else ''}", f"at most {aim:g}x", ratio <= aim)


def none_of(name: str, found: int, of: str = "") -> Row:
    """A count that must be 0."""
    return Row(name, f"{found}{f' {of}' if of else ''}", "0", found == 0, must=True)
