"""The canonical form of outputs, so that equal values have equal texts.

The one rule: maps ignore their order; everything else is as `encode` writes it. A long output is kept as it
was written, and makes no case.
"""

from contextlib import suppress
from typing import Final

from synth.records import Observation
from synth.values import Value, ValueSyntaxError, decode, encode

LONGEST: Final = 16 << 10
"""Characters: a longer output is not read."""


def canonical_outputs(observation: Observation) -> dict[int, str]:
    """Output by input number, for the inputs on which the program returned a value; canonical unless it is
    longer than LONGEST."""
    found: dict[int, str] = {}
    for case in observation.cases:
        if case.status == "returned" and case.output is not None:
            is_short = len(case.output) <= LONGEST
            with suppress(ValueSyntaxError, RecursionError):
                found[case.index] = canonical_output(case.output) if is_short else case.output
    return found


def canonical_output(output: str) -> str:
    """The wire text with each map's entries sorted by their keys' wire text. Raises ValueSyntaxError."""
    return encode(_sorted(decode(output)))


def _sorted(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=encode)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return tuple(_sorted(item) for item in value) if isinstance(value, tuple) else value
