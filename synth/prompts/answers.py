"""Readers of model answers: from text to code, to test inputs, to an instruction. Pure functions.

The one rule: an answer in the wrong format gives nothing (and is counted), never a guess.
"""

import re

from synth.languages.registry import normalize_language
from synth.prompts.fences import read_fences
from synth.prompts.inputs_answer import InputsAnswer, extract_inputs

__all__ = ["InputsAnswer", "extract_code", "extract_inputs", "extract_instruction"]

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_CODE_SIGNS = re.compile(
    r"^[^\S\n]*(?:def|class|import|from|function|const|let|var|public|static|using|#include|fn|func)\b"
    r"|^[^\S\n]*package\b"
    r"|[;{}]\s*$",
    re.MULTILINE,
)
_LABEL = re.compile(
    r"^(?:#+\s*)?\**(?:instruction|task|problem|指令|任务|题目|要求)\**\s*[:：]\**\s*", re.IGNORECASE
)
_QUOTES = {'"': '"', "'": "'", "“": "”", "「": "」", "`": "`"}


def extract_code(text: str, language: str) -> str | None:
    """The program in an answer: the longest block of that language, or of no language; without any fence,
    text that looks like code."""
    text = _THOUGHTS.sub("", text)
    blocks = read_fences(text)
    if not blocks:
        return text.strip("\n").rstrip() if _CODE_SIGNS.search(text) else None
    wanted = normalize_language(language)
    matching = [block.text for block in blocks if normalize_language(block.tag) == wanted] or [
        block.text for block in blocks if not block.tag
    ]
    longest = max(reversed(matching), key=len, default="").strip("\n").rstrip()
    return longest or None


def extract_instruction(text: str) -> str | None:
    """The instruction in an answer, without label and quotes. None for an empty one, and for one with code:
    it may be the solution."""
    text = _THOUGHTS.sub("", text).strip()
    if read_fences(text):
        return None
    text = _LABEL.sub("", text).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text or None
