"""Masks personal data in code: e-mail addresses, phone numbers, addresses of machines, names of authors.

Each value becomes a placeholder of the same form, the same one wherever the value stands in the text, from
the ranges that are reserved for examples. The one rule: only comments and string literals change, and no line
is added or removed, so the code stays valid. Where no grammar tells them apart, every match is masked.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, ip_address
from itertools import count
from typing import NamedTuple

from synth.grammar.loader import NoGrammar
from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import parse
from synth.languages.registry import find_language

MOST_LOOKED_UP = 200
"""A text with more matches is a list of people: all of them are masked, without a look at the grammar."""

_LITERAL = re.compile(r"string|comment|heredoc|template|text|content|regex|doc|literal|char|quoted")
_RESERVED = re.compile(r"(?i)(^|[.@])(example\.(com|org|net|edu)|example|test|invalid|localhost|local)$")
_VERSION = re.compile(r"(?i)(version|release|\bver?|[=~<>^/])[\s:=\"'(]*v?$")
_NOBODYS = frozenset("1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 208.67.222.222 208.67.220.220 1.2.3.4".split())
"""Public resolvers, and the address that examples use."""
_FICTIONAL = re.compile(r"555\D?01\d\d$")


class Masked(NamedTuple):
    """The text with placeholders, and how many values of each kind were replaced."""

    text: str
    counts: Mapping[str, int]


class _Kind(NamedTuple):
    """A kind of personal data. Group 1 of the pattern is the value."""

    name: str
    needs: str
    """A sign without which the text holds none."""
    pattern: re.Pattern[str]
    is_personal: Callable[[str, str], bool]
    """Of the value, and of the text before it on its line."""
    placeholder: Callable[[int], str]
    """Of the number of the value, from 1."""


def _is_private_mail(value: str, before: str) -> bool:
    user, _, host = value.partition("@")
    return user.lower() not in {"git", "hg", "svn"} and not _RESERVED.search(host)


def _is_public_address(value: str, before: str) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    if address.version == 4 and (value in _NOBODYS or value.endswith(".0") or _VERSION.search(before)):
        return False
    return address.is_global and not address.is_multicast


def _is_phone(value: str, before: str) -> bool:
    return 8 <= sum(sign.isdigit() for sign in value) <= 15 and not _FICTIONAL.search(value)


def _is_name(value: str, before: str) -> bool:
    return bool(re.search(r"[^\W\d_]{2}", value)) and not re.search(r"[{}%$=;]|\w\(|^[Pp]erson$", value)


def _documentation_address(number: int) -> str:
    """Of the range for documentation, and after that of the one for benchmarks."""
    return str(IPv4Address("192.0.2.0") + number if number < 255 else IPv4Address("198.18.0.0") + number)


def _fictional_phone(number: int) -> str:
    """Of the numbers that no network assigns."""
    return f"{202 + number // 100}-555-01{number % 100:02d}"


_AUTHOR = r"[@\\]author|:authors?:|authors?:|maintainers?:|(?:written|created) by:?|__author__ *= *[\"']"

_KINDS = (
    _Kind(
        "emails",
        "@",
        re.compile(r"(?<![\w.+-])([\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24})(?![\w@-])"),
        _is_private_mail,
        lambda number: f"person{number}@example.com",
    ),
    _Kind(
        "ip_addresses",
        ".",
        re.compile(r"(?<![\w.-])((?:\d{1,3}\.){3}\d{1,3})(?![\w-]|\.\d)"),
        _is_public_address,
        _documentation_address,
    ),
    _Kind(
        "ip_addresses",
        ":",
        re.compile(r"(?<![\w:.])([23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34})(?![\w:])"),
        _is_public_address,
        lambda number: f"2001:db8::{number:x}",
    ),
    _Kind(
        "phone_numbers",
        "-",
        re.compile(r"(?<![\w.+)-])(\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?![\w-])"),
        _is_phone,
        _fictional_phone,
    ),
    _Kind(
        "phone_numbers",
        "+",
        re.compile(
            r"(?<![\w.)+])(\+[1-9]\d{0,2}[ -](?:\(\d{1,4}\)[ -]?)?\d{2,5}(?:[ -]\d{2,7}){1,4}"
            r"|(?<=[Tt]el:)\+[1-9]\d{7,14})(?![\w-]|\.\d)"
        ),
        _is_phone,
        lambda number: f"+1-{_fictional_phone(number)}",
    ),
    _Kind(
        "author_names",
        "",
        re.compile(
            rf"(?im)^[ \t*#/;%\"'-]{{0,40}}(?:{_AUTHOR})[ \t]*"
            r"([^\W\d_][^\n<>(\[|*\"'#/@:]{1,80}[^\W\d_]\.?)"
        ),
        _is_name,
        lambda number: f"Person {number}",
    ),
)


def mask_personal(text: str, language: str) -> Masked:
    """The text with a placeholder for each value. Counts how often a value was replaced, by kind."""
    counts: Counter[str] = Counter()
    for kind in _KINDS:
        if kind.needs in text:
            text, masked = _mask(text, language, kind)
            counts[kind.name] += masked
    return Masked(text, {name: found for name, found in counts.items() if found})


def _mask(text: str, language: str, kind: _Kind) -> tuple[str, int]:
    matches = list(kind.pattern.finditer(text))
    taken = {match[1] for match in matches}
    found = list(_in_literals(text, language, [match for match in matches if _is_meant(match, kind)]))
    free = (shown for number in count(1) if (shown := kind.placeholder(number)) not in taken)
    placeholders: dict[str, str] = {}
    parts, at = [], 0
    for match in found:
        value = match[1].casefold()
        if value not in placeholders:
            placeholders[value] = next(free)
        parts += [text[at : match.start(1)], placeholders[value]]
        at = match.end(1)
    return "".join((*parts, text[at:])), len(found)


def _is_meant(match: re.Match[str], kind: _Kind) -> bool:
    start = match.start(1)
    line = match.string.rfind("\n", max(0, start - 40), start) + 1
    return kind.is_personal(match[1], match.string[max(line, start - 40) : start])


def _in_literals(text: str, language: str, found: list[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Those that lie in a comment or a string; all of them where the language or the text has no tree."""
    spoken = find_language(language) if found else None
    data = text.encode("utf-8", "surrogatepass")
    if spoken is None or not spoken.grammar or len(found) > MOST_LOOKED_UP:
        yield from found
        return
    try:
        root = parse(data, spoken.grammar).root_node
    except (NoGrammar, UnparsedError):
        yield from found
        return
    at, offset = 0, 0
    for match in found:
        offset += len(text[at : match.start(1)].encode("utf-8", "surrogatepass"))
        at = match.start(1)
        end = offset + len(match[1].encode("utf-8", "surrogatepass"))
        if root.has_error or _is_literal(root.descendant_for_byte_range(offset, end)):
            yield match


def _is_literal(node: Node) -> bool:
    return node.is_leaf or bool(_LITERAL.search(node.type))
