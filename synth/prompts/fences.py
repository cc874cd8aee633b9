"""Fenced code blocks in a model's answer, as CommonMark (4.5) has them, and forgiving: a block that is cut
off is still a block, and says so.

Place in the flow: the readers of answers choose among the blocks. The one rule: what stands between two
fences is text, whatever it looks like.
"""

import re
from typing import NamedTuple

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n`]*$")


class Fenced(NamedTuple):
    """A fenced block: the word after the fence in lower case, and the text inside."""

    tag: str
    text: str
    cut: bool = False
    """Its end is missing."""


class Fence(NamedTuple):
    """A line that opens or closes a block."""

    fence: str
    tag: str

    def closes(self, opened: str) -> bool:
        """Whether it ends the block that `opened` began."""
        return not self.tag and self.fence.startswith(opened)


def fence_of(line: str) -> Fence | None:
    """The fence that a line is; None where it is none."""
    mark = _FENCE.match(line)
    return Fence(mark[1], mark[2].lower()) if mark else None


def read_fences(text: str) -> list[Fenced]:
    """All fenced blocks in order. A block that is not closed reaches to the end; its text may be cut."""
    blocks: list[Fenced] = []
    fence, tag, lines = "", "", list[str]()
    for line in text.split("\n"):
        mark = fence_of(line)
        if not fence:
            if mark:
                fence, tag, lines = mark.fence, mark.tag, []
        elif mark and mark.closes(fence):
            blocks.append(Fenced(tag, "\n".join(lines)))
            fence = ""
        else:
            lines.append(line)
    if fence:
        blocks.append(Fenced(tag, "\n".join(lines), cut=True))
    return blocks
