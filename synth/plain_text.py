"""Text that is safe to print: everything that could control a terminal is shown as an escape.

The one rule: text from a model, a source, a row or a server never reaches a terminal raw. Control characters,
escape sequences, bidirectional controls and lone surrogates become escapes such as `\\x1b`.
"""

import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def plain(text: object) -> str:
    """The text without anything that controls a terminal. Newlines and tabs stay."""
    return _UNSAFE.sub(_escape, str(text))


def plain_line(text: object) -> str:
    """The same, with line breaks shown too: for names, which must not look like lines of ours."""
    return plain(text).replace("\n", "\\n")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
