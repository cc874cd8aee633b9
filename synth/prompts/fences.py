"""Fenced code blocks in a model's answer, as CommonMark (4.5) has them, and forgiving: a block that is cut
off is still a block."""

import re
from typing import NamedTuple

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n`]*$")


class Fenced(NamedTuple):
    """A fenced block: the word after the fence in lower case, and the text inside."""

    tag: str
    text: str


def read_fences(text: str) -> list[Fenced]:
    """All fenced blocks in order. A block that is not closed reaches to the end; its text may be cut."""
    blocks: list[Fenced] = []
    fence, tag, lines = "", "", list[str]()
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if not fence:
            if mark:
                fence, tag, lines = mark[1], mark[2].lower(), []
        elif mark and not mark[2] and mark[1].startswith(fence):
            blocks.append(Fenced(tag, "\n".join(lines)))
            fence = ""
        else:
            lines.append(line)
    if fence:
        blocks.append(Fenced(tag, "\n".join(lines)))
    return blocks
