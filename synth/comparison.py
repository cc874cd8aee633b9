"""Whether what a program gave is what was expected, by the rule of the suite.

Place in the flow: `verdict.py` asks here; texts go to `text_comparison.py`, decoded values to
`value_comparison.py`. The one rule: a program's output is never read further than the expected one reaches.
Equal texts are not read at all, values without maps are compared token by token up to the first difference,
and others are decoded only when both sides have the same number of tokens.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from synth.comparison_rules import DEFAULT_TEXT, DEFAULT_VALUES, CheckerRule, Comparison, ValuesRule
from synth.records import Case, FunctionContract, StdioContract, SuiteContract
from synth.text_comparison import equal_texts
from synth.value_comparison import equal
from synth.values import Value, ValueSyntaxError, decode, has_any, parse_signature

_NUMBER_LENGTH: Final = 320
"""No float is longer, nor an int that equals one."""
_INT: Final = re.compile(r"(-?)0*(\d+)", re.ASCII)
_SHOWN_TOKENS, _SHOWN_DIGITS = 600, 4_000


def is_right(output: str, case: Case, rule: Comparison | None, contract: SuiteContract) -> bool:
    """Whether an output is one of the right ones, by the rule or by the default of the contract. A checker is
    no rule that can be applied here."""
    compare = _comparison(rule, contract)
    return any(compare(output, expected) for expected in (case.expected, *case.also))


def _comparison(rule: Comparison | None, contract: SuiteContract) -> Callable[[str, str], bool]:
    if isinstance(rule, CheckerRule):
        raise TypeError("a checker is run, not applied")
    if isinstance(contract, StdioContract):
        text_rule = DEFAULT_TEXT if rule is None or isinstance(rule, ValuesRule) else rule
        return lambda found, expected: equal_texts(found, expected, text_rule)
    value_rule = rule if isinstance(rule, ValuesRule) else DEFAULT_VALUES
    untyped = isinstance(contract, FunctionContract) and has_any(parse_signature(contract.signature).result)
    return lambda found, expected: equal_values(found, expected, value_rule, untyped=untyped)


def equal_values(
    found: str, expected: str, rule: ValuesRule = DEFAULT_VALUES, *, untyped: bool = False
) -> bool:
    """Whether two wire texts state equal values, as `value_comparison.equal` says. The expected one is known
    to be right. Text that is no value equals nothing."""
    if found == expected and rule.equality != "python":
        return True
    if not may_be_equal(found, expected):
        return False
    is_plain = not (untyped or rule.equality != "typed" or rule.ignore_case or rule.any_order)
    if is_plain and " m" not in f" {expected}":
        return all(
            ours == theirs or _equal_tokens(ours, theirs, rule)
            for ours, theirs in _differing(found, expected)
        )
    try:
        return equal(decode(found), decode(expected), rule, untyped=untyped)
    except (ValueSyntaxError, RecursionError):
        return False


def may_be_equal(found: str, expected: str) -> bool:
    """Whether two wire texts have as many tokens, and lengths that equal values can have."""
    spaces = expected.count(" ")
    longest = len(expected) + (spaces + 1) * _NUMBER_LENGTH
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


def _equal_tokens(found: str, expected: str, rule: ValuesRule) -> bool:
    """Whether two tokens that differ as texts are the same number or text all the same."""
    if not found or (found[0] != expected[0] and (found[0], expected[0]) != ("i", "f")):
        return False
    if expected[0] == "f":
        try:
            return len(found) <= _NUMBER_LENGTH and equal(decode(found), decode(expected), rule)
        except ValueSyntaxError:
            return False
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
