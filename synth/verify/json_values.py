"""Plain JSON values to the typed values of a signature, and back.

Place in the flow: rows of `codemill verify` hold JSON; `synth.values` holds what crosses a process boundary.
The one rule: a value that does not fit its type is refused with the place where it does not, and never bent
until it fits.
"""

from collections.abc import Iterable
from typing import Final

from synth.values import Value, ValueType

_FLOAT_NAMES: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_SCALARS: Final[dict[str, type]] = {"int": int, "str": str, "bool": bool, "null": type(None)}


class Misfit(ValueError):
    """A JSON value that does not fit. `place` is where inside the value, for example `[2].1`."""

    def __init__(self, expected: str, found: object, place: str = "") -> None:
        self.expected, self.found, self.place = expected, found, place
        super().__init__(f"{place}: expected {expected}, found {found!r}")

    def inside(self, step: str) -> "Misfit":
        """The same, seen from one level further out."""
        return Misfit(self.expected, self.found, step + self.place)


def from_json(value: object, kind: ValueType) -> Value:
    """The typed value of a JSON value. Raises Misfit.

    An int fits a float; "NaN", "Infinity" and "-Infinity" do, too. Tuples are arrays of their exact length.
    Maps are objects (whose keys are read by the key type) or arrays of pairs.
    """
    if kind.kind == "any":
        return value  # type: ignore[return-value]  # what json.loads makes is a Value
    if kind.kind == "optional":
        return None if value is None else from_json(value, kind.inner[0])
    if kind.kind == "float":
        return _read_float(value)
    if kind.kind == "list" and isinstance(value, list):
        return _read_items(value, (kind.inner[0] for _ in value))
    if kind.kind == "tuple" and isinstance(value, list) and len(value) == len(kind.inner):
        return tuple(_read_items(value, kind.inner))
    if kind.kind == "map" and isinstance(value, dict | list):
        return _read_map(value, kind)
    if type(value) is _SCALARS.get(kind.kind):
        return value  # type: ignore[return-value]  # its type was compared
    raise Misfit(str(kind), value)


def _read_float(value: object) -> float:
    if isinstance(value, str) and value in _FLOAT_NAMES:
        return _FLOAT_NAMES[value]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Misfit("float", value)
    try:
        return float(value)
    except OverflowError:
        raise Misfit("float (64 bits)", value) from None


def _read_items(values: list[object], kinds: Iterable[ValueType]) -> list[Value]:
    read: list[Value] = []
    for index, (value, kind) in enumerate(zip(values, kinds, strict=True)):
        try:
            read.append(from_json(value, kind))
        except Misfit as error:
            raise error.inside(f"[{index}]") from None
    return read


def _read_map(value: dict[str, object] | list[object], kind: ValueType) -> dict[Value, Value]:
    key_type, value_type = kind.inner
    pairs = value.items() if isinstance(value, dict) else [_read_pair(pair, kind) for pair in value]
    read: dict[Value, Value] = {}
    for key, item in pairs:
        try:
            read[
                _read_key(key, key_type) if isinstance(value, dict) else _hashable(from_json(key, key_type))
            ] = from_json(item, value_type)
        except Misfit as error:
            raise error.inside(f"[{key!r}]") from None
    return read


def _read_pair(pair: object, kind: ValueType) -> tuple[object, object]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise Misfit(f"{kind} as an object or as an array of [key, value] pairs", pair)
    return pair[0], pair[1]


def _hashable(key: Value) -> Value:
    try:
        hash(key)
    except TypeError:
        raise Misfit("a key that a map can have", key) from None
    return key


def _read_key(text: object, kind: ValueType) -> Value:
    """The key of an object: text, which stands for a number or a truth value where the type says so."""
    if kind.kind in ("str", "any"):
        return str(text)
    try:
        if kind.kind == "int":
            return int(str(text))
        if kind.kind == "float":
            return float(str(text))
    except ValueError:
        raise Misfit(f"a key of type {kind}", text) from None
    if kind.kind == "bool" and text in ("true", "false"):
        return text == "true"
    raise Misfit(f"pairs, since a JSON object has no keys of type {kind}", text)


def to_json(value: Value) -> object:
    """A value as JSON shows it: tuples are arrays, maps with other than text keys are arrays of pairs, what
    JSON lacks is named."""
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {str(key): to_json(item) for key, item in value.items()}
        return [[to_json(key), to_json(item)] for key, item in value.items()]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return next(name for name, number in _FLOAT_NAMES.items() if repr(number) == repr(value))
    return value
