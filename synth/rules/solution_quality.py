"""How good a right program is to learn from, as far as its text shows: explained, well named, well laid out,
and neither the shortest nor the longest of its kind.

Place in the flow: selection ranks the passing programs of a task by it. The one rule: it compares programs
that do the same in the same language, so it says nothing about what they do.
"""

from math import exp, log
from typing import Final

from synth.languages.code_tokens import KEYWORDS, LIBRARY, code_tokens, comment_length

LONGEST_LINE: Final = 100
"""Longer lines count against the layout."""
MOST_COMMENTS: Final = 0.5
"""Beyond this share of the text, comments explain no more."""
LEAST_NAME: Final = 3
"""Shorter names say little."""


def score_solution(code: str, language: str, usual_length: float) -> float:
    """From 0 to 1, the mean of four shares. `usual_length` is the median length of the programs beside it, in
    characters."""
    parts = (explained(code, language), named(code, language), laid_out(code), _sized(code, usual_length))
    return sum(parts) / len(parts)


def explained(code: str, language: str) -> float:
    """Rises with the comments up to a tenth of the text, and falls when they take most of it."""
    share = comment_length(code, language) / max(1, len(code))
    return min(1.0, 10 * share) if share <= MOST_COMMENTS else 2 * (1 - share)


def named(code: str, language: str) -> float:
    """Share of the distinct names that are words."""
    names = {token for token in code_tokens(code, language) if token.isidentifier()} - KEYWORDS - LIBRARY
    return sum(len(name) >= LEAST_NAME for name in names) / len(names) if names else 1.0


def laid_out(code: str) -> float:
    """Share of the lines that are of usual length and hold one statement."""
    lines = [line for line in code.splitlines() if line.strip()]
    good = sum(len(line) <= LONGEST_LINE and ";" not in line.rstrip().rstrip(";") for line in lines)
    return good / len(lines) if lines else 0.0


def _sized(code: str, usual_length: float) -> float:
    return exp(-abs(log(max(1, len(code)) / max(1.0, usual_length))))
