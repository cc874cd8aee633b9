"""Reader of test inputs that a model wrote: one JSON array of arguments a line, or one JSON list
of such arrays.

The one rule: an input has exactly the types of the signature, or it is dropped and counted. JSON has fewer
types than a signature, so the signature decides: a list becomes a tuple, an object or a list of pairs becomes
a map, an integer becomes a float.
"""

import ast
import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from synth.prompts.fences import read_fences
from synth.prompts.reasoning import without_reasoning
from synth.values import Signature, Value, ValueType, encode

_BULLET = re.compile(r"^\s*(?:[-*•]\s+|\d+[.):]\s*)?")
_LONGEST_INT_BITS = 14_000
"""4,214 digits."""
_LONGEST_LINE = 20_000


class InputsAnswer(NamedTuple):
    """Rows of arguments as wire texts, and how many rows had to be dropped."""

    rows: tuple[tuple[str, ...], ...]
    dropped: int


class _Unreadable(Exception):
    """Text that is not a literal, or a value that does not have the type."""


def extract_inputs(text: str, signature: Signature) -> InputsAnswer:
    """The inputs in an answer. Fenced blocks are read when there are any, else the lines that begin
    with a bracket."""
    text = without_reasoning(text).text
    blocks = read_fences(text)
    content = "\n".join(block.text for block in blocks) if blocks else text
    lines = [_BULLET.sub("", line, count=1).strip().rstrip(",") for line in content.split("\n")]
    by_line = _read_rows((line for line in lines if line[:1] in ("[", "(")), signature)
    whole = _read_whole(content, signature)
    return whole if len(whole.rows) > len(by_line.rows) else by_line


def _read_rows(lines: Iterable[str], signature: Signature) -> InputsAnswer:
    rows, dropped = list[tuple[str, ...]](), 0
    for line in lines:
        try:
            rows.append(_wire_row(_read_literal(line), signature))
        except _Unreadable:
            dropped += 1
    return InputsAnswer(tuple(rows), dropped)


def _read_whole(content: str, signature: Signature) -> InputsAnswer:
    """The content as one list of rows; empty if it is not one."""
    start = content.find("[")
    if start < 0:
        return InputsAnswer((), 0)
    try:
        found = _read_literal(content[start:])
    except _Unreadable:
        return InputsAnswer((), 0)
    rows, dropped = list[tuple[str, ...]](), 0
    for item in found if isinstance(found, list) else []:
        try:
            rows.append(_wire_row(item, signature))
        except _Unreadable:
            dropped += 1
    return InputsAnswer(tuple(rows), dropped)


def _read_literal(text: str) -> object:
    """A JSON value at the beginning of the text, or a whole Python literal (models write `True`, `None`
    and `(1, 2)`)."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        pass
    if len(text) > _LONGEST_LINE:
        raise _Unreadable
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise _Unreadable from None


def _wire_row(row: object, signature: Signature) -> tuple[str, ...]:
    if not isinstance(row, list | tuple) or len(row) != len(signature.parameters):
        raise _Unreadable
    return tuple(
        encode(_typed(item, expected)) for item, expected in zip(row, signature.parameters, strict=True)
    )


def _typed(found: object, expected: ValueType) -> Value:
    """The value as the type asks. Raises _Unreadable."""
    match expected.kind:
        case "int" | "bool" | "str" | "null":
            return _scalar(found, expected)
        case "float":
            return float(_number(found))
        case "list":
            return [_typed(item, expected.inner[0]) for item in _items(found)]
        case "tuple":
            items = _items(found)
            if len(items) != len(expected.inner):
                raise _Unreadable
            return tuple(_typed(item, inner) for item, inner in zip(items, expected.inner, strict=True))
        case "map":
            return _map(found, expected)
        case "optional":
            return None if found is None else _typed(found, expected.inner[0])
        case "any":
            return _untyped(found)


def _scalar(found: object, expected: ValueType) -> Value:
    kind = {"int": int, "bool": bool, "str": str, "null": type(None)}[expected.kind]
    if type(found) is not kind or _is_too_long(found):
        raise _Unreadable
    return found  # type: ignore[return-value]  # its type was checked


def _number(found: object) -> int | float:
    if type(found) is float or (type(found) is int and abs(found) < 1 << 1000):
        return found
    raise _Unreadable


def _items(found: object) -> list[object]:
    if not isinstance(found, list | tuple):
        raise _Unreadable
    return list(found)


def _map(found: object, expected: ValueType) -> Value:
    """From an object (its keys are texts, so they are read as the key's type) or a list of pairs. A key that
    comes twice is refused."""
    key_type, value_type = expected.inner
    if isinstance(found, dict):
        pairs = [(_key(key, key_type), item) for key, item in found.items()]
    else:
        pairs = [(_typed(key, key_type), item) for key, item in map(_pair, _items(found))]
    try:
        made = {key: _typed(item, value_type) for key, item in pairs}
    except TypeError:  # a list cannot be a key
        raise _Unreadable from None
    if len(made) != len(pairs):
        raise _Unreadable
    return made


def _pair(found: object) -> tuple[object, object]:
    items = _items(found)
    if len(items) != 2:
        raise _Unreadable
    return items[0], items[1]


def _key(key: object, expected: ValueType) -> Value:
    if not isinstance(key, str) or expected.kind in ("str", "any"):
        return _typed(key, expected)
    return _typed(_read_literal(key), expected)


def _is_too_long(found: object) -> bool:
    """Whether it is an integer that no task asks for."""
    return isinstance(found, int) and found.bit_length() > _LONGEST_INT_BITS


def _untyped(found: object) -> Value:
    if _is_too_long(found):
        raise _Unreadable
    if found is None or isinstance(found, bool | int | float | str):
        return found
    if isinstance(found, list):
        return [_untyped(item) for item in found]
    if isinstance(found, tuple):
        return tuple(_untyped(item) for item in found)
    if isinstance(found, dict):
        return {_untyped(key): _untyped(item) for key, item in found.items()}
    raise _Unreadable
