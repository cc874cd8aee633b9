"""Finds what gives another answer at another time in a program: chance, the clock, threads, files, its input,
the environment and the network.

Place in the flow: reference execution refuses a seed with such a word before anything is run; the words are
the language's (`Language.impure`). The one rule: a word counts as code, never in a comment or a text.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from synth.languages.code_tokens import code_tokens
from synth.languages.registry import find_language

_BEFORE_A_DEFINITION: Final = frozenset({"fn", "func", "function", "def"})
_BEFORE_A_CALL: Final = frozenset(
    {"return", "else", "case", "await", "throw", "in", "not", "and", "or", "do"}
)


class ImpureWord(NamedTuple):
    """A word of the code, and what makes it impure."""

    word: str
    kind: str


def find_impurity(code: str, language: str) -> ImpureWord | None:
    """The first impure word of a program; None if it has none. A word in lower case is not meant where it is
    a method of an object or is defined here."""
    spoken = find_language(language)
    words = _by_first_token(spoken.name) if spoken and spoken.impure else {}
    tokens = code_tokens(code, spoken.name if spoken else "") if words else []
    for at, token in enumerate(tokens):
        for word in words.get(token, ()):
            if tuple(tokens[at : at + len(word.tokens)]) == word.tokens and not _is_own(tokens, at, token):
                return word.shown
    return None


class _Pattern(NamedTuple):
    tokens: tuple[str, ...]
    shown: ImpureWord


@cache
def _by_first_token(language: str) -> Mapping[str, list[_Pattern]]:
    spoken = find_language(language)
    found: dict[str, list[_Pattern]] = {}
    for kind, words in spoken.impure.items() if spoken else ():
        for word in words:
            tokens = tuple(code_tokens(word))
            found.setdefault(tokens[0], []).append(_Pattern(tokens, ImpureWord(word, kind)))
    return found


def _is_own(tokens: list[str], at: int, token: str) -> bool:
    before = tokens[at - 1] if at else ""
    if before in _BEFORE_A_DEFINITION:
        return True
    if not token[:1].islower():
        return False
    typed = before.isidentifier() and before not in _BEFORE_A_CALL and tokens[at + 1 : at + 2] == ["("]
    return before == "." or tokens[max(0, at - 2) : at] == ["-", ">"] or typed
