"""What two programs are compared by when one may be an edited, renamed or translated copy of the other.

The one rule: each kind of feature survives one kind of change. Abstract runs survive other names and layout,
words survive another language, runs of names and signs survive both in part.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from synth.languages.code_tokens import KEYWORDS, abstract_lexemes, abstract_ngrams, lexemes

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_DOCUMENTATION: Final = ('"""', "'''")
_FEW: Final = frozenset(("0", "1", "2", "0.0", "1.0", "2.0"))
"""Numbers that say nothing about a program."""

_DEFINERS: Final = frozenset(("def", "fn", "func", "function", "fun", "sub", "defun"))

COMMON_WORDS: Final = frozenset(
    """
    a add all an and any append arg args array as at be begin bit body bool by byte bytes call can case char
    check class code col cols console contains copy core count cpp create cur current data def default do
    double each element elements else empty end equal equals error exception exists exp export false file find
    first float for format from func function get given has head i if import in index init inline input insert
    int into is it item items iter j join k key label last left len length line lines list log long m main map
    math max mid min mut n name new next no node none not nil null num number numbers object of ok on one only
    or ord out output pair param params path pop print public push raises range read ref remove replace res
    result return returns reverse right root row rows run self set size slice some sort sorted start static
    std
    step str stream string sub sum swap tail temp test text than that the then this throws time tmp to total
    tree true two type update use used user using util utils val value values var vec vector void when where
    which while will with word words write x y z zero
    """.split()
)
"""Words that programs of any kind have."""


_SHORT_NUMBER: Final = 2


def is_common(word: str) -> bool:
    """Whether programs of any kind have this word or number."""
    return word in COMMON_WORDS or (word.startswith("#") and len(word) <= 1 + _SHORT_NUMBER)


@dataclass(frozen=True, slots=True)
class CodeFeatures:
    """The features of one program. Runs are hashes, valid within one process."""

    tokens: tuple[str, ...]
    """Abstract tokens."""
    runs: frozenset[int]
    """Long runs of abstract tokens."""
    short_runs: frozenset[int]
    spoken_runs: frozenset[int]
    """Runs of tokens as they stand, names without case and underscores."""
    words: frozenset[str]
    """The words of names, strings, comments, and telling numbers."""
    code_words: frozenset[str]
    """The same without comments and documentation."""
    name: str
    """The words of the name of its first function, joined; empty if it defines none that can be seen."""
    name_words: frozenset[str]


def code_features(code: str, language: str, n: int, short_n: int, spoken_n: int) -> CodeFeatures:
    """The features of a program or of a piece of one. Never raises on its content."""
    found = lexemes(code, language)
    program = [one for one in found if one[0] != "comment"]
    tokens = abstract_lexemes(program)
    code_words = _words(one for one in program if not _is_documentation(one))
    name = [word.casefold() for word in _WORD.findall(_first_name(program))]
    return CodeFeatures(
        tokens=tuple(tokens),
        runs=frozenset(map(hash, abstract_ngrams(tokens, n))),
        short_runs=frozenset(map(hash, abstract_ngrams(tokens, short_n))),
        spoken_runs=_runs(_spoken(program), spoken_n),
        words=code_words | _words(one for one in found if one[0] == "comment" or _is_documentation(one)),
        code_words=code_words,
        name="".join(name),
        name_words=frozenset(word for word in name if len(word) > 1),
    )


def _first_name(program: list[tuple[str, str]]) -> str:
    """The name after the word that defines functions; where the language has no such word, the first that a
    bracket follows."""
    texts = [text for _, text in program]
    for at, text in enumerate(texts):
        if text in _DEFINERS:
            after = (
                texts.index(")", at) + 1 if texts[at + 1 : at + 2] == ["("] and ")" in texts[at:] else at + 1
            )
            if after < len(program) and program[after][0] == "word":
                return texts[after]
    for at, (kind, text) in enumerate(program[:-1]):
        if (
            kind == "word"
            and texts[at + 1] == "("
            and text not in KEYWORDS
            and (at == 0 or texts[at - 1] != "@")
        ):
            return text
    return ""


def _is_documentation(one: tuple[str, str]) -> bool:
    return one[0] == "string" and one[1].lstrip("rbufRBUF").startswith(_DOCUMENTATION)


def _words(found: Iterable[tuple[str, str]]) -> frozenset[str]:
    words: set[str] = set()
    for kind, text in found:
        if kind == "number":
            value = text.rstrip("uUlLfFdD").replace("_", "")
            words.update(() if value in _FEW else (f"#{value}",))
        elif kind != "symbol" and not (kind == "word" and text in KEYWORDS):
            words.update(word.casefold() for word in _WORD.findall(text) if len(word) > 1)
    return frozenset(words)


def _spoken(program: list[tuple[str, str]]) -> list[str]:
    spoken: list[str] = []
    for kind, text in program:
        if kind == "string":
            spoken.append("S")
        elif kind == "word":
            spoken.append("".join(_WORD.findall(text)).casefold())
        elif text not in (";", "{", "}"):
            spoken.append(text)
    return spoken


def _runs(tokens: list[str], n: int) -> frozenset[int]:
    return frozenset(hash(tuple(tokens[at : at + n])) for at in range(len(tokens) - n + 1))
