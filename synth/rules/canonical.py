"""The canonical form of outputs, so that equal values have equal texts.

The one rule: maps ignore their order; everything else is as `encode` writes it. Of a long output only a hash
is kept, and it makes no case.
"""

from contextlib import suppress
from typing import Final

from synth.ids import content_hash
from synth.records import Observation
from synth.values import Value, ValueSyntaxError, ValueType, decode, encode

LONGEST: Final = 16 << 10
"""Characters: a longer output is not read."""
_EXACT: Final = 1 << 53
"""Up to here every int is a float."""
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


def canonical_outputs(observation: Observation, kind: ValueType | None = None) -> dict[int, str]:
    """Output by input number, for the inputs on which the program returned a value: canonical, or a hash
    if it is longer than LONGEST. `kind` is the type of the results, where it is known."""
    found: dict[int, str] = {}
    for case in without_long_outputs(observation).cases:
        if case.status == "returned" and case.output is not None:
            with suppress(ValueSyntaxError, RecursionError):
                whole = is_whole(case.output)
                found[case.index] = canonical_output(case.output, kind) if whole else case.output
    return found


def canonical_output(output: str, kind: ValueType | None = None) -> str:
    """The wire text with each map's entries sorted by their keys' wire text. With the type of the result,
    an int is the float that it equals where the type says float, and a whole float is an int where it says
    `any`: so two that the judge takes for equal have one text. Raises ValueSyntaxError."""
    value = decode(output)
    return encode(_sorted(value if kind is None else _of_type(value, kind)))


def _of_type(value: Value, kind: ValueType) -> Value:
    if kind.kind == "any":
        return _with_ints(value)
    if kind.kind == "optional":
        return None if value is None else _of_type(value, kind.inner[0])
    if kind.kind == "float" and type(value) is int and abs(value) <= _EXACT:
        return float(value)
    if kind.kind == "list" and isinstance(value, list):
        return [_of_type(item, kind.inner[0]) for item in value]
    if kind.kind == "tuple" and isinstance(value, tuple) and len(value) == len(kind.inner):
        return tuple(map(_of_type, value, kind.inner))
    if kind.kind == "map" and isinstance(value, dict):
        return {_of_type(key, kind.inner[0]): _of_type(item, kind.inner[1]) for key, item in value.items()}
    return value


def _with_ints(value: Value) -> Value:
    if isinstance(value, list):
        return [_with_ints(item) for item in value]
    if isinstance(value, tuple):
        return tuple(map(_with_ints, value))
    if isinstance(value, dict):
        return {key: _with_ints(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT else value


def _sorted(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=encode)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return tuple(_sorted(item) for item in value) if isinstance(value, tuple) else value
