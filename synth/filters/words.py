"""Prose as words for comparing: case, punctuation and layout gone; Chinese, Japanese and Korean text becomes
single characters.

The one rule: changing only letter case, punctuation, white space or Unicode width of a text changes no word.
"""

import re
import unicodedata

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}_])\w)+")
_SIGN = re.compile(r"[^\w\s]")
_IDEOGRAPH = re.compile(rf"[{_CJK}]")


def split_words(text: str) -> list[str]:
    """Words in order, case-folded and width-normalized (NFKC). `don't` is `don`, `t`; `snake_case` is
    `snake`, `case`."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def split_joined_words(text: str) -> list[str]:
    """The words of the text without its punctuation: `don't` is `dont`, `a-b` is `ab`. They are left when the
    signs are taken out of a text."""
    return split_words(_SIGN.sub("", unicodedata.normalize("NFKC", text)))


def is_ideographic(words: list[str]) -> bool:
    """Whether more than half of the words are single ideographs or kana, so that n-grams must be longer."""
    return 2 * sum(1 for word in words if _IDEOGRAPH.match(word)) > len(words)


def ngrams(tokens: list[str], n: int) -> list[str]:
    """All runs of n tokens, joined; empty when there are fewer than n."""
    return ["\x1f".join(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
