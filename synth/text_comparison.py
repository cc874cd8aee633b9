"""Two outputs, by a rule for texts.

Place in the flow: `comparison.py` asks here. The one rule: only a line feed ends a line, and only white space
of ASCII is white space. A program's output is never read further than the expected one reaches, except where
the rule ignores order.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from itertools import islice, zip_longest
from typing import Final

from synth.comparison_rules import (
    DEFAULT_TEXT,
    AppsRule,
    ExactRule,
    LinesRule,
    TextComparison,
    TextRule,
    TokensRule,
)

_BLANK: Final = " \t\r\n\v\f"
_TOKEN: Final = re.compile(r"[^ \t\r\n\v\f]+")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NUMBERS: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def equal_texts(found: str, expected: str, rule: TextComparison = DEFAULT_TEXT) -> bool:
    """Whether two outputs are the same by the rule."""
    if found == expected:
        return True
    match rule:
        case ExactRule():
            return False
        case TextRule() | LinesRule():
            return _equal_lines(found, expected, rule)
        case TokensRule():
            return _equal_token_texts(found, expected, rule)
        case AppsRule():
            return _equal_in_apps(found, expected)


def normal_text(text: str) -> str:
    """Output in the form that the default rule compares."""
    return "\n".join(_lines(text))


def _lines(text: str) -> Iterator[str]:
    """The lines, one at a time, without the white space at their ends."""
    at, end = 0, len(text.rstrip(_BLANK))
    while at <= end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        yield text[at:stop].rstrip(_BLANK)
        at = stop + 1


def _normal_lines(text: str, rule: TextRule | LinesRule) -> Iterator[str]:
    trimmed = isinstance(rule, LinesRule)
    for line in _lines(text.lstrip(_BLANK) if trimmed else text):
        kept = line.lstrip(_BLANK) if trimmed else line
        yield kept.lower() if rule.ignore_case else kept


def _equal_lines(found: str, expected: str, rule: TextRule | LinesRule) -> bool:
    ours, theirs = _normal_lines(found, rule), _normal_lines(expected, rule)
    decimals = isinstance(rule, LinesRule) and rule.decimals
    if not rule.any_order:
        return all(
            one == other or (decimals and _equal_decimals(one, other))
            for one, other in zip_longest(ours, theirs)
        )
    wanted = [_decimal_form(line) if decimals else line for line in theirs]
    begun = islice(ours, len(wanted) + 1)
    return Counter(_decimal_form(line) if decimals else line for line in begun) == Counter(wanted)


def _equal_decimals(found: str | None, expected: str | None) -> bool:
    if found is None or expected is None:
        return False
    pairs = zip_longest(_TOKEN.finditer(found), _TOKEN.finditer(expected))
    try:
        return all(one and other and Decimal(one[0]) == Decimal(other[0]) for one, other in pairs)
    except InvalidOperation:
        return False


def _decimal_form(line: str) -> str | tuple[Decimal, ...]:
    """Two lines have the same form if they are equal as decimals or as texts."""
    try:
        numbers = tuple(Decimal(token[0]) for token in _TOKEN.finditer(line))
    except InvalidOperation:
        return line
    return numbers if all(number.is_finite() for number in numbers) else line


def _equal_token_texts(found: str, expected: str, rule: TokensRule) -> bool:
    ours, theirs = _tokens(found, rule), _tokens(expected, rule)
    if not rule.any_order:
        return all(one == other or _near(one, other, rule) for one, other in zip_longest(ours, theirs))
    wanted = list(theirs)
    return _equal_bags(list(islice(ours, len(wanted) + 1)), wanted, rule)


def _tokens(text: str, rule: TokensRule) -> Iterator[str]:
    return (token[0].lower() if rule.ignore_case else token[0] for token in _TOKEN.finditer(text))


def _equal_bags(found: list[str], expected: list[str], rule: TokensRule) -> bool:
    """The same tokens in any order. Numbers that differ are paired by their size, which finds a pairing
    within the tolerance if there is one."""
    if len(found) != len(expected):
        return False
    more, fewer = Counter(found) - Counter(expected), Counter(expected) - Counter(found)
    ours, theirs = list(more.elements()), list(fewer.elements())
    try:
        return all(
            _near(one, other, rule)
            for one, other in zip(sorted(ours, key=Decimal), sorted(theirs, key=Decimal), strict=True)
        )
    except InvalidOperation:
        return False


def _near(found: str | None, expected: str | None, rule: TokensRule) -> bool:
    """Whether both are numbers within the tolerance of each other. Computed with decimals, since a float
    would make long numbers equal that are not."""
    if found is None or expected is None or (rule.rel is None and rule.abs is None):
        return False
    if not (_NUMBER.fullmatch(found) and _NUMBER.fullmatch(expected)):
        return False
    try:
        left, right = Decimal(found), Decimal(expected)
    except InvalidOperation:
        return False
    if left == right:
        return True
    size = max(left.copy_abs(), right.copy_abs())
    allowed = _NUMBERS.multiply(Decimal(rule.rel or 0), size)
    return _NUMBERS.subtract(left, right).copy_abs() <= max(allowed, Decimal(rule.abs or 0))


def _equal_in_apps(found: str, expected: str) -> bool:
    return (
        all(one == other for one, other in zip_longest(_full_lines(found), _full_lines(expected)))
        or _close_lines(found, expected)
        or _same_sets(found, expected, str)
        or _same_sets(found, expected, _rounded)
    )


def _full_lines(text: str) -> Iterator[str]:
    """The lines that are not blank, without the white space at both ends."""
    return filter(None, (line.lstrip(_BLANK) for line in _lines(text)))


def _close_lines(found: str, expected: str) -> bool:
    """Numbers, one a line, as `numpy.allclose` compares them."""
    try:
        for one, other in zip_longest(_full_lines(found), _full_lines(expected)):
            if one is None or other is None:
                return False
            left, right = float(one), float(other)
            if left != right and not abs(left - right) <= 1e-8 + 1e-5 * abs(right):
                return False
    except ValueError:
        return False
    return True


def _same_sets(found: str, expected: str, read: Callable[[str], str | float]) -> bool:
    """Whether both have the same set of lines, each a set of words. Ends at the first word that is not
    expected."""
    try:
        wanted = {frozenset(map(read, _TOKEN.findall(line))) for line in _full_lines(expected)}
        known, seen = frozenset().union(*wanted), set[frozenset[str | float]]()
        for line in _full_lines(found):
            words = set[str | float]()
            for token in _TOKEN.finditer(line):
                if (word := read(token[0])) not in known:
                    return False
                words.add(word)
            seen.add(frozenset(words))
    except ValueError:
        return False
    return seen == wanted


def _rounded(word: str) -> float:
    return round(float(word), 3)
