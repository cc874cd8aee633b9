"""What a model thought before it answered, taken off its answer.

Place in the flow: every reader of answers calls this first. The one rule: reasoning is marked outside of the
answer's code; a program that holds such a mark as a text, in quotes or in a fenced block, keeps it.
"""

import re
from typing import NamedTuple

from synth.prompts.fences import fence_of

_NAMES = r"think|thinking|thought|reasoning|seed:think"
_OPEN = rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
_CLOSE = rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
_MARK = re.compile(rf"(?<!['\"])(?<!(?<!`)`)(?:(?P<open>{_OPEN})|(?P<close>{_CLOSE}))(?!['\"]|`(?!`))")


class Spoken(NamedTuple):
    """The answer without its reasoning."""

    text: str
    cut: bool = False
    """The reasoning does not end: the answer never began."""


def without_reasoning(text: str) -> Spoken:
    """The answer alone. Reasoning stands between its marks, or before a closing mark whose opening one the
    prompt held."""
    if _MARK.search(text) is None:
        return Spoken(text)
    lines = text.split("\n")
    opens_next = _next_fence_opens(lines)
    kept, fence, thinking = list[str](), "", False
    for at, line in enumerate(lines):
        if fence and not (_is_mark_alone(line) and opens_next[at]):
            kept.append(line)
            mark = fence_of(line)
            fence = "" if mark is not None and mark.closes(fence) else fence
            continue
        rest = "" if thinking else line
        if marks := list(_MARK.finditer(line)):
            rest, thinking = _spoken_part(line, marks, kept, thinking)
            fence = ""
        if thinking and not rest:
            continue
        kept.append(rest)
        mark = fence_of(rest)
        fence = mark.fence if mark is not None else fence
    return Spoken("\n".join(kept), thinking)


def find_reasoning(text: str) -> str:
    """The first reasoning that `without_reasoning` takes off; empty if it takes none, or if it has no end."""
    if without_reasoning(text).text == text:
        return ""
    marks = list(_MARK.finditer(text))
    start = marks[0].end() if marks[0]["open"] else 0
    end = next((mark.start() for mark in marks if mark["close"]), None)
    return text[start:end].strip() if end is not None else ""


def _spoken_part(line: str, marks: list[re.Match[str]], kept: list[str], thinking: bool) -> tuple[str, bool]:
    """What of a line with marks is answer, and whether the reasoning goes on after it. A closing mark without
    an opening one empties `kept`: all of it was reasoning."""
    said, at = "", 0
    for mark in marks:
        if mark["open"] and not thinking:
            said += line[at : mark.start()]
            thinking = True
        elif mark["close"]:
            if not thinking:
                said = ""
                kept.clear()
            thinking = False
        at = mark.end()
    return (said if thinking else said + line[at:]), thinking


def _is_mark_alone(line: str) -> bool:
    found = _MARK.fullmatch(line.strip())
    return found is not None and found["close"] is not None


def _next_fence_opens(lines: list[str]) -> list[bool]:
    """For each line, whether the next fence after it opens a block, so that one around the line was left
    open."""
    following, opens = [False] * len(lines), False
    for at in range(len(lines) - 1, -1, -1):
        following[at] = opens
        mark = fence_of(lines[at])
        opens = bool(mark.tag) if mark is not None else opens
    return following
