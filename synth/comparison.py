"""Whether what a program gave is what was expected: texts line by line, values by their wire texts.

Place in the flow: `verdict.py` asks here. The one rule: a program's output is never read further than the
expected one reaches. Equal texts are not read at all, values without maps are compared token by token up to
the first difference, and only maps are decoded, when both sides have the same number of tokens.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from synth.values import Value, ValueSyntaxError, decode, equal

_BLANK: Final = " \t\r\n\v\f"
_FLOAT_LENGTH: Final = 40
"""No float is longer in any language's shortest form."""
_INT: Final = re.compile(r"(-?)0*(\d+)", re.ASCII)
_SHOWN_TOKENS, _SHOWN_DIGITS = 600, 4_000


def equal_texts(found: str, expected: str) -> bool:
    """Whether two outputs are the same, apart from white space at the ends of lines and of the text. Only
    a line feed ends a line."""
    return found == expected or all(
        ours == theirs for ours, theirs in zip_longest(_lines(found), _lines(expected))
    )


def normal_text(text: str) -> str:
    """Output in the form used for comparison."""
    return "\n".join(_lines(text))


def _lines(text: str) -> Iterator[str]:
    """The lines, one at a time, without the white space at their ends."""
    at, end = 0, len(text.rstrip(_BLANK))
    while at <= end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        yield text[at:stop].rstrip(_BLANK)
        at = stop + 1


def equal_values(found: str, expected: str, relative: float, absolute: float) -> bool:
    """Whether two wire texts state equal values, as `values.equal` says. The expected one is known to be
    right. Text that is no value equals nothing."""
    if found == expected:
        return True
    if not may_be_equal(found, expected):
        return False
    if " m" not in f" {expected}":
        return all(
            ours == theirs or _equal_tokens(ours, theirs, relative, absolute)
            for ours, theirs in _differing(found, expected)
        )
    try:
        left, right = decode(found), decode(expected)
        return equal(left, right, relative_tolerance=relative, absolute_tolerance=absolute)
    except (ValueSyntaxError, RecursionError):
        return False


def may_be_equal(found: str, expected: str) -> bool:
    """Whether two wire texts have as many tokens, and lengths that equal values can have."""
    spaces = expected.count(" ")
    longest = len(expected) + (spaces + 1) * _FLOAT_LENGTH
    return len(found) <= longest and found.count(" ") == spaces


def _differing(found: str, expected: str) -> Iterator[tuple[str, str]]:
    """The tokens of both sides from the first difference on."""
    start = expected.rfind(" ", 0, _common(found, expected) + 1) + 1
    ours, theirs = start, start
    while True:
        one, other = found.find(" ", ours), expected.find(" ", theirs)
        if one < 0 or other < 0:
            yield found[ours:], expected[theirs:]
            return
        yield found[ours:one], expected[theirs:other]
        ours, theirs = one + 1, other + 1


def _common(left: str, right: str) -> int:
    """How many characters at the start are the same; found by halving, so the characters are compared in
    C."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _equal_tokens(found: str, expected: str, relative: float, absolute: float) -> bool:
    """Whether two tokens that differ as texts are the same number or text all the same."""
    if not found or found[0] != expected[0]:
        return False
    if expected[0] == "f":
        try:
            left, right = float(found[1:]), float(expected[1:])
        except ValueError:
            return False
        return equal(left, right, relative_tolerance=relative, absolute_tolerance=absolute)
    if expected[0] == "i":
        return _plain_int(found[1:]) == _plain_int(expected[1:])
    return expected[0] == "s" and found[1:].lower() == expected[1:].lower()


def _plain_int(digits: str) -> str:
    """An integer without zeros before it; never converted, since that takes time with the square of its
    length."""
    read = _INT.fullmatch(digits)
    if read is None:
        return digits
    return f"{read[1]}{read[2]}" if read[2] != "0" else "0"


def shown_value(wire: str) -> Value:
    """The value of a wire text, for people: only the beginning of a long one is read. Raises
    ValueSyntaxError, RecursionError."""
    if len(wire) <= _SHOWN_DIGITS:
        return decode(wire)
    tokens = iter(wire.split(" ", _SHOWN_TOKENS)[:_SHOWN_TOKENS])
    try:
        return _read_beginning(tokens)
    except (StopIteration, ValueError, TypeError) as error:
        raise ValueSyntaxError(f"wire text that begins with {wire[:60]!r}") from error


def _read_beginning(tokens: Iterator[str]) -> Value:
    token = next(tokens)
    tag, rest = token[:1], token[1:]
    if tag == "m":
        pairs = list(_read_many(tokens, 2 * int(rest)))
        return dict(zip(pairs[::2], pairs[1::2], strict=False))
    if tag in ("l", "t"):
        items = list(_read_many(tokens, int(rest)))
        return items if tag == "l" else tuple(items)
    if tag == "s":
        return bytes.fromhex(rest[:_SHOWN_DIGITS]).decode("utf-8", "replace")
    return decode(token[:_SHOWN_DIGITS])


def _read_many(tokens: Iterator[str], count: int) -> Iterator[Value]:
    """So many values, or as many as there are."""
    for _ in range(count):
        try:
            yield _read_beginning(tokens)
        except StopIteration:
            return
