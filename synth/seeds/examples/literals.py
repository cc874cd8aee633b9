"""Literals of many languages as values: numbers with their suffixes, texts with their escapes.

The one rule: a literal that is not read surely is none.
"""

import re
from typing import Final

_SUFFIX: Final = re.compile(r"(?i)_?(?:[ui](?:8|16|32|64|128|size)|[ul]{1,3}|z|n)$")
_FLOAT_SUFFIX: Final = re.compile(r"(?i)_?(?:f32|f64|[fdl])$")
_INTEGER: Final = re.compile(r"(?i)0[xob][0-9a-f]+|\d+")
_FLOAT: Final = re.compile(r"(?i)(?:\d+\.\d*|\.\d+|\d+)(?:e[+-]?\d+)?")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})"
    r"|([0-7]{2,3})|(\n)|([^xuU]))"
)
_QUOTED: Final = re.compile(
    r"""(?s)(?P<prefix>[a-zA-Z]{0,2})(?P<marks>\"{3}|'{3}|["'`])(?P<body>.*)(?P=marks)"""
)
LONGEST: Final = 4096
"""Characters of a literal."""


def read_number(text: str) -> int | float | None:
    """The number; None for anything else."""
    plain = text.strip().replace("_", "").replace("'", "")
    if len(plain) > LONGEST:
        return None
    if plain.startswith("-"):
        number = read_number(plain[1:])
        return None if number is None else -number
    is_hex = plain[:2].lower() == "0x"
    whole = _SUFFIX.sub("", plain)
    if _INTEGER.fullmatch(whole):
        octal = len(whole) > 1 and whole[0] == "0" and whole.isdigit()
        return int(whole, 8 if octal and not set(whole) & {"8", "9"} else 10 if whole.isdigit() else 0)
    real = plain if is_hex else _FLOAT_SUFFIX.sub("", plain)
    return float(real) if _FLOAT.fullmatch(real) else None


def read_text(text: str) -> str | None:
    """The text in quotes; None if it has a prefix or an escape that is not known."""
    found = _QUOTED.fullmatch(text.strip())
    if found is None or len(text) > LONGEST:
        return None
    prefix, body = found["prefix"].lower(), found["body"]
    if prefix not in ("", "r", "u", "l"):
        return None
    if prefix == "r" or "\\" not in body:
        return body
    fine = True

    def unescape(match: re.Match[str]) -> str:
        nonlocal fine
        code = next((code for code in match.groups()[:4] if code), None)
        if code or match[5]:
            number = int(code, 16) if code else int(match[5], 8)
            fine = fine and number < 0x110000
            return chr(number) if number < 0x110000 else ""
        if match[6]:
            return ""
        fine = fine and (match[7] in _ESCAPES or not match[7].isalnum())
        return _ESCAPES.get(match[7], match[7])

    plain = _ESCAPE.sub(unescape, body)
    return plain if fine and "\\" not in _ESCAPE.sub("", body) else None
