"""What a written instruction must not be: the solution itself, or a refusal to write one.

Place in the flow: the instruct stage asks here about each answer. The one rule: an instruction in words may
name what the code names; a run of the code's own tokens, as long as a statement, is the code.
"""

import re
from typing import Final

from synth.filters.protocol import Reject
from synth.languages.code_tokens import code_tokens

LONGEST_RUN: Final = 12
"""Tokens of the code in a row that an instruction may not hold."""
LEAST_SIGNS: Final = 4
"""Of these, tokens that are neither words nor numbers: a run of mere words is prose, or a list."""
_QUOTED: Final = re.compile(r"^[ \t]*(?:>|\d+[.:)]|[-*+])[ \t]?|`", re.MULTILINE)
"""What stands before the lines of a quotation or list, and around inline code."""
_REFUSAL: Final = re.compile(
    r"(?i)^\W*(?:i(?:'|’)?m (?:really |very )?sorry|i am sorry|sorry,|i apologi[sz]e|i can(?:'|’|no)?t\b"
    r"|i(?:'|’)?m (?:not able|unable)|i am (?:not able|unable)|as an ai\b|unfortunately, i\b"
    r"|抱歉|对不起|很抱歉|我无法|我不能|作为(?:一个)?(?:ai|人工智能))"
)


def find_fault(instruction: str, code: str, language: str) -> Reject | None:
    """Why the text is no instruction for the code: `instruction_refused`, `instruction_leaks`, or None."""
    if _REFUSAL.match(instruction):
        return Reject("instruction_refused", {"answer": instruction[:200]})
    if run := shared_run(instruction, code, language):
        return Reject("instruction_leaks", {"code": " ".join(run)[:200]})
    return None


def shared_run(instruction: str, code: str, language: str) -> list[str]:
    """The first run of the code's tokens that stands in the instruction too; empty if there is none. A
    program that is shorter than a run counts whole."""
    tokens = code_tokens(code, language)
    length = min(LONGEST_RUN, len(tokens))
    words = code_tokens(_QUOTED.sub("", instruction), language)
    said = {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}
    for at in range(len(tokens) - length + 1):
        run = tokens[at : at + length]
        if tuple(run) in said and sum(not token[0].isalnum() for token in run) >= LEAST_SIGNS:
            return run
    return []
