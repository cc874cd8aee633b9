"""The type of a program's results: the narrowest type shared by all observed values."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce

from synth.values import Value, ValueType, parse_type

_UNKNOWN = ValueType("any")
_NUMBERS = {"int", "float"}


def infer_type(values: Sequence[Value], *, one_number: bool = False) -> ValueType:
    """The narrowest type that matches all values. Elements of containers that were always empty count as int;
    a mixture with null is optional, any other is `any`.

    Ints and floats together are `any`, since the typed comparison tells them apart; in a language that has
    `one_number` type they are floats.
    """
    merge = partial(_merge, one_number=one_number)
    merged = reduce(merge, (_type_of(value, merge) for value in values)) if values else None
    return _settle(merged)


_Shape = tuple[str, tuple["_Shape | None", ...]] | None
"""Kind and inner shapes; None if unknown, as inside an empty list."""


_Merge = Callable[[_Shape, _Shape], _Shape]


def _type_of(value: Value, merge: _Merge) -> _Shape:
    if isinstance(value, list):
        return ("list", (_merge_all(value, merge),))
    if isinstance(value, tuple):
        return ("tuple", tuple(_type_of(item, merge) for item in value))
    if isinstance(value, dict):
        return ("map", (_merge_all(value, merge), _merge_all(value.values(), merge)))
    return ("null" if value is None else type(value).__name__, ())


def _merge_all(values: Iterable[Value], merge: _Merge) -> _Shape:
    return reduce(merge, (_type_of(item, merge) for item in values), None)


def _merge(left: _Shape, right: _Shape, *, one_number: bool) -> _Shape:
    """The shape that covers both: optional where one is null, `any` if kinds or lengths differ."""
    if left is None or right is None:
        return right if left is None else left
    if "any" not in (left[0], right[0]) and {"null", "optional"} & {left[0], right[0]} and left != right:
        return _optional(_merge(_without_null(left), _without_null(right), one_number=one_number))
    if one_number and {left[0], right[0]} == _NUMBERS:
        return ("float", ())
    if left[0] != right[0] or len(left[1]) != len(right[1]):
        return ("any", ())
    inner = (_merge(a, b, one_number=one_number) for a, b in zip(left[1], right[1], strict=True))
    return (left[0], tuple(inner))


def _without_null(shape: _Shape) -> _Shape:
    if shape is None or shape[0] == "null":
        return None
    return shape[1][0] if shape[0] == "optional" else shape


def _optional(shape: _Shape) -> _Shape:
    return shape if shape is not None and shape[0] == "any" else ("optional", (shape,))


def _settle(shape: _Shape) -> ValueType:
    if shape is None:
        return parse_type("int")
    if shape[0] == "any":
        return _UNKNOWN
    # kinds come from _type_of
    return ValueType(shape[0], tuple(map(_settle, shape[1])))  # type: ignore[arg-type]
