"""Words for inputs, read from a program: its literals, texts that its patterns and formats ask for, and texts
with the structure that its names speak of, such as a URL, a date or several lines.

Place in the flow: the search for strong inputs draws from them, since a branch on `"--verbose"` or a split at
`/` is never reached by texts drawn at random. The one rule: a program is only read as text here, so whatever
it holds costs little and runs nothing.
"""

import re
import tomllib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

from synth.languages.code_tokens import code_tokens

_LONGEST: Final = 60
_MOST: Final = 80
_EXACT: Final = 1 << 53
"""Up to here every language has every int."""
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_ESCAPE: Final = re.compile(r"\\(u\{?[0-9a-fA-F]{1,6}\}?|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LITERAL: Final = re.compile(r"(?i:[rbuf]{0,2})(\"\"\"|'''|[\"'`])(.*)\1", re.DOTALL)
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][0-9]+)?")
_FORMATTED: Final = {
    "%Y": "2024", "%m": "02", "%d": "29", "%H": "13", "%M": "05", "%S": "59", "%y": "99", "%b": "Feb",
    "%B": "March", "%a": "Mon", "%A": "Sunday", "%I": "11", "%p": "PM", "%j": "060", "%f": "000123",
    "%z": "+0100", "%Z": "UTC",
}  # fmt: skip
_TROUBLE: Final = (re.error, RecursionError, OverflowError, ValueError, IndexError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class CodeWords:
    """What a program's text suggests as parts of inputs, each once, in the order of the program."""

    numbers: tuple[int | float, ...]
    texts: tuple[str, ...]
    """Its literals, and texts made from its patterns and formats."""
    themes: tuple[str, ...]
    """Texts with a structure that its words speak of."""


def read_code_words(code: str, language: str = "", names: tuple[str, ...] = ()) -> CodeWords:
    """The words of a program; `names` are those of its parameters, which say what it takes."""
    numbers, texts = dict[int | float, None](), dict[str, None]()
    for token in code_tokens(code, language):
        if found := _LITERAL.fullmatch(token):
            for text in _from_literal(found[2], is_raw="r" in token[:2].lower()):
                texts.setdefault(text)
        elif token[0].isdigit() and (number := _NUMBER.match(token.replace("_", ""))):
            numbers.setdefault(_number(number[0]))
    said = f"{code} {' '.join(names)}".lower()
    themes = (text for pattern, some in _themes() if pattern.search(said) for text in some)
    return CodeWords(tuple(numbers)[:_MOST], tuple(texts)[:_MOST], tuple(dict.fromkeys(themes)))


@cache
def _themes() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    found = tomllib.loads(Path(__file__).with_name("input_themes.toml").read_text("utf-8"))
    return tuple((re.compile(theme["words"]), tuple(theme["texts"])) for theme in found["theme"])


def _number(said: str) -> int | float:
    if said[:2] in ("0x", "0X"):
        return int(said[:18], 16)
    value = float(said[:18])
    return value if "." in said else int(min(value, _EXACT))


def _from_literal(inner: str, *, is_raw: bool) -> Iterator[str]:
    """The text of a literal, its parts, and what fits it if it is a pattern or a format."""
    text = inner if is_raw else _ESCAPE.sub(_unescape, inner)
    if not text:
        return
    if len(text) <= _LONGEST:
        yield text
    parts = re.split(r"[\s,;|]+", text[:2000])
    if len(parts) > 1:
        yield from (part for part in parts[:20] if 0 < len(part) <= _LONGEST)
    if "%" in text and len(text) <= _LONGEST:
        made = re.sub(r"%[a-zA-Z]", lambda found: _FORMATTED.get(found[0], "7"), text)
        if made != text:
            yield made
    if is_raw or re.search(r"[\\\[\](){}+*?^$]", text):
        yield from texts_that_match(inner, Random(len(inner)))


def _unescape(found: re.Match[str]) -> str:
    said = found[1]
    if said[0] in "ux" and len(said) > 1:
        code = int(said.strip("ux{}") or "0", 16)
        return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else "?"
    return _ESCAPES.get(said, said)


def texts_that_match(pattern: str, random: Random, count: int = 3) -> list[str]:
    """Texts that a regular expression describes; none if it is not one, or a long one."""
    if len(pattern) > 200:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = _parser.parse(pattern)
        made = ("".join(_matching(parsed, random)) for _ in range(count))
        return [text for text in made if 0 < len(text) <= _LONGEST]
    except _TROUBLE:
        return []


def _matching(parsed: Iterable[tuple[object, Any]], random: Random) -> Iterator[str]:
    """The parts of one matching text. Anchors and conditions give nothing."""
    for operation, about in parsed:
        name = str(operation)
        if name == "LITERAL":
            yield chr(about)
        elif name == "NOT_LITERAL":
            yield "a" if about != ord("a") else "b"
        elif name == "ANY":
            yield random.choice("aZ5 _")
        elif name == "IN":
            yield _one_of(about, random)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = about
            for _ in range(random.randint(min(least, 8), min(int(most), least + 2, 8))):
                yield from _matching(inner, random)
        elif name == "SUBPATTERN":
            yield from _matching(about[-1], random)
        elif name == "BRANCH":
            yield from _matching(random.choice(about[1]), random)


_CATEGORIES: Final = {"CATEGORY_DIGIT": "0179", "CATEGORY_WORD": "aZ_7", "CATEGORY_SPACE": " \t"}


def _one_of(choices: Sequence[tuple[object, Any]], random: Random) -> str:
    if str(choices[0][0]) == "NEGATE":
        barred = {_one_of(choices[1:], random) for _ in range(40)}
        return random.choice([letter for letter in "azKZ059 _-./" if letter not in barred] or ["~"])
    operation, about = random.choice(choices)
    name = str(operation)
    if name == "LITERAL":
        return chr(about)
    if name == "RANGE":
        return chr(random.randint(*about))
    return random.choice(_CATEGORIES.get(str(about), "a-. "))
