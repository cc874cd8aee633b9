"""The canonical form of outputs, so that equal values have equal texts.

The one rule: maps ignore their order; everything else is as `encode` writes it. Of a long output only a hash
is kept, and it makes no case.
"""

from contextlib import suppress
from typing import Final

from synth.ids import content_hash
from synth.records import Observation
from synth.values import Value, ValueSyntaxError, decode, encode

LONGEST: Final = 16 << 10
"""Characters: a longer output is not read."""
_LONG: Final = "# too long: "


def without_long_outputs(observation: Observation) -> Observation:
    """The observation with a hash in place of each long output, so that equal ones are still equal."""
    if all(len(case.output or "") <= LONGEST for case in observation.cases):
        return observation
    cases = (
        case.model_copy(update={"output": _LONG + content_hash(case.output)})
        if len(case.output or "") > LONGEST
        else case
        for case in observation.cases
    )
    return observation.model_copy(update={"cases": tuple(cases)})


def is_whole(output: str) -> bool:
    """Whether it is a value, not the hash of a long output."""
    return not output.startswith(_LONG)


def canonical_outputs(observation: Observation) -> dict[int, str]:
    """Output by input number, for the inputs on which the program returned a value: canonical, or a hash
    if it is longer than LONGEST."""
    found: dict[int, str] = {}
    for case in without_long_outputs(observation).cases:
        if case.status == "returned" and case.output is not None:
            with suppress(ValueSyntaxError, RecursionError):
                found[case.index] = canonical_output(case.output) if is_whole(case.output) else case.output
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
