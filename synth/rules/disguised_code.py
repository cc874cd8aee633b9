"""Code in the dress of something else: encoded, escaped, cut into prose, or of another language.

Place in the flow: `instruction_faults` asks here. The one rule: what is decoded is only looked at, never run.
"""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final
from urllib.parse import unquote

from synth.languages.code_tokens import code_tokens

_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{16,}\s*){1,200}={0,2}")
_HEX: Final = re.compile(r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[\s,]?){16,}")
_SIGNS: Final = tuple(
    re.compile(one, re.MULTILINE)
    for one in (
        r"\bdef\s+\w+\s*\(|\bfunc(?:tion)?\s+\w*\s*\(|\bfn\s+\w+\s*[(<]|\blambda\s+\w+\s*:|\bsub\s+\w+\s*\{",
        r"\b(?:public|private|static)\s+(?:static\s+)?[\w<>\[\]]+\s+\w+\s*\(",
        r"^\W*return\b[^\n]*[()\[\]+*/%;=<>]|\breturn\s+\w+\s*;|\breturn\s+[\w.]+\s*[(\[]|[;{]\s*return\b",
        r"\bfor\s*\(\s*(?:let|var|int|auto|const)?|\bfor\s+\w+\s*(?:,\s*\w+)?\s+in\s+[\w.]+\s*[(:{]"
        r"|\bfor\s+\w+\s*:=",
        r"\b(?:if|while|switch)\s*\([^)\n]*\)\s*\{|^\W*(?:if|elif|while|for)\b[^\n]*:\s*$|\}\s*else\s*\{",
        r"\b(?:let|var|const|int|auto|double|String)\s+(?:mut\s+)?\w+\s*(?::\s*\w+\s*)?=[^=]|\w\s*:=\s*\w",
        r"(?:^|[;{:>`])\s*[A-Za-z_][\w.\[\]]*\s*(?:\+|-|\*|/|%|\||&|//)?=\s*[^=\s]",
        r"=>\s*[\w({]|;\s*$|^\s*[{}]\s*$|\)\s*->\s*\w+\s*[:{]",
        r"\b(?:self|this)\.\w+"
        r"|\b\w+\.(?:append|push|push_back|add|lower|toLowerCase|length|len|map|filter)\s*\(",
        r"\bimport\s+\w+\s*[;\n]|#include\s*<|\bassert\s+\w+\(|\bprint(?:ln|f)?\s*\(|console\.log\(",
    )
)
ENOUGH_SIGNS: Final = 2


def code_signs(text: str) -> int:
    """How many kinds of marks of code there are in a text; a task in words has one at the most."""
    return sum(bool(sign.search(text)) for sign in _SIGNS)


def decoded(text: str) -> Iterator[str]:
    """What the text says once an encoding is taken off it, where there is one."""
    text = text[:20_000]
    for found in _BASE64.finditer(text):
        raw = re.sub(r"\s", "", found[0]).replace("-", "+").replace("_", "/").rstrip("=")
        yield from _text(partial(base64.b64decode, raw[: len(raw) // 4 * 4]))
    for found in _HEX.finditer(text):
        digits = re.sub(r"\\x|0x|[\s,]", "", found[0])
        yield from _text(partial(bytes.fromhex, digits[: len(digits) // 2 * 2]))
    plain = html.unescape(unquote(text))
    if plain != text:
        yield plain
    if re.search(r"\\[ntu\"']", text):
        loose = text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\'", "'")
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), loose)


def _text(decode: Callable[[], bytes]) -> Iterator[str]:
    try:
        text = decode().decode("utf-8")
    except (binascii.Error, ValueError):
        return
    if text.isprintable() or re.fullmatch(r"[\s\x20-\x7e]+", text):
        yield text


def said_lines(instruction: str, code: str, language: str) -> float:
    """The share of the code's statements (lines with a sign and four tokens) that stand in the instruction,
    wherever in it: between words, in another order; 0 if there is none."""
    told = _joined(instruction, language)
    lines = {
        _joined(line, language)
        for line in code.splitlines()
        if len(tokens := code_tokens(line, language)) >= 4
        and sum(not one[0].isalnum() for one in tokens) >= 2
    }
    return sum(line in told for line in lines) / len(lines) if lines else 0.0


def overlap(instruction: str, code: str, language: str) -> float:
    """The share of the code's runs of four tokens that stand in the instruction too: 0 to 1."""
    tokens = code_tokens(code, language)
    runs = {tuple(tokens[at : at + 4]) for at in range(len(tokens) - 3)}
    words = code_tokens(re.sub(r"[`>]", " ", instruction), language)
    said = {tuple(words[at : at + 4]) for at in range(len(words) - 3)}
    return len(runs & said) / len(runs) if runs else 0.0


def _joined(text: str, language: str) -> str:
    return " ".join(("", *code_tokens(re.sub(r"`|(?<=\d)[.](?!\w)", " ", text), language), ""))
