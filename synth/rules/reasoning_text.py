"""What a model thought before its answer, as text that can stand in a row: found, and made harmless.

The one rule: it is never part of the program, and nothing in it can be read as a special token or as the mark
that ends it.
"""

import re
from typing import Final

from synth.generation.protocol import Completion
from synth.prompts.reasoning import find_reasoning
from synth.rules.fim_cut import SPECIAL_TOKEN

_THINKING: Final = re.compile(
    r"</?(?:think|thinking|thought|reasoning)>|\[/?THINK\]|◁/?think▷", re.IGNORECASE
)


def reasoning_of(completion: Completion) -> str:
    """What the endpoint shows of it, else what stands between marks in the answer; empty if there is none."""
    return harmless(completion.reasoning or find_reasoning(completion.text)).strip()


def harmless(text: str) -> str:
    """The text with a space inside of whatever is spelled like a special token or a mark of thinking."""
    for pattern in (SPECIAL_TOKEN, _THINKING):
        text = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text


def before_answer(reasoning: str, marks: tuple[str, str], answer: str) -> str:
    """The answer with the reasoning before it, between the marks; the answer alone without reasoning."""
    return f"{marks[0]}{reasoning}{marks[1]}{answer}" if reasoning else answer
