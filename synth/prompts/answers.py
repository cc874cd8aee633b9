"""Readers of model answers: from text to code, to test inputs, to an instruction. Pure functions.

Place in the flow: the factory, the evaluation and `codemill verify` read answers here and nowhere else. The
one rule: an answer in the wrong format gives nothing (and is counted), never a guess.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from synth.languages.registry import normalize_language
from synth.prompts.chatter import without_chatter
from synth.prompts.fences import Fenced, read_fences
from synth.prompts.inputs_answer import InputsAnswer, extract_inputs
from synth.prompts.reasoning import without_reasoning

__all__ = [
    "Choice",
    "CodeAnswer",
    "InputsAnswer",
    "extract_code",
    "extract_inputs",
    "extract_instruction",
    "read_code",
]

Choice = Literal["definition", "last", "first"]
"""Which of several blocks is the answer: the last that defines what is asked for, the last, or the first. The
benchmarks differ (LiveCodeBench takes the last, McEval and MdEval the first)."""

_CODE_SIGNS = re.compile(
    r"^[^\S\n]*(?:def|class|import|from|function|const|let|var|public|static|using|#include|fn|func)\b"
    r"|^[^\S\n]*package\b"
    r"|[;{}]\s*$",
    re.MULTILINE,
)
_BEFORE = (
    r"export|public|private|protected|static|async|pub|final|inline|local|default|abstract|override|unsafe|"
    r"const|open|internal|sealed|data|let|rec"
)
_KEYWORD = (
    r"def|class|function|fn|func|fun|sub|proc|procedure|struct|enum|impl|trait|interface|module|object|"
    r"record|defn|defun|define|defp|defmodule"
)
_DEFINITION = re.compile(
    rf"^[^\S\n]*(?:(?:{_BEFORE})\s+)*\(?(?:{_KEYWORD})\s+\(?(?P<name>[\w.:?!'-]+)"
    r"|^[^\S\n]*(?:const|let|var|val)\s+(?P<bound>\w+)[^=\n]*=[^=\n]*(?:=>|->|\bfunction\b)"
    r"|^[^\S\n]*(?!return\b|else\b|new\b|throw\b)[A-Za-z_][\w:<>,\[\]*&. ]*[ *&>](?P<typed>\w+)\s*"
    r"\([^;\n]*\)[^;=\n{]*\n?[^\S\n]*\{",
    re.MULTILINE,
)
_NO_ANSWERS = re.compile(r"(?i)tests?(?:_|$)|_?tests?\d*$|main$|(?-i:Test)")
"""Names that a usage example defines."""
_LABEL = re.compile(
    r"^(?:#+\s*)?\**(?:instruction|task|problem|指令|任务|题目|要求)\**\s*[:：]\**\s*", re.IGNORECASE
)
_QUOTES = {'"': '"', "'": "'", "“": "”", "「": "」", "`": "`"}


class CodeAnswer(NamedTuple):
    """The program in an answer."""

    code: str
    """Empty where the answer has none."""
    cut: bool = False
    """The answer ends inside its reasoning or its program."""


def read_code(
    text: str, language: str, name: str = "", choice: Choice = "definition", *, any_tag: bool = False
) -> CodeAnswer:
    """The program in an answer: one of its blocks of that language, or of no language; without any fence,
    text that looks like code. `name` is what the program has to define; with `any_tag`, a block of another
    language counts where there is no better one, and so does text that does not look like code."""
    spoken = without_reasoning(text)
    blocks = read_fences(spoken.text)
    if not blocks:
        bare = spoken.text.strip("\n").rstrip()
        return CodeAnswer(bare if any_tag or _CODE_SIGNS.search(bare) else "", spoken.cut)
    wanted = normalize_language(language)
    full = [block for block in blocks if block.text.strip()]
    matching = [block for block in full if normalize_language(block.tag) == wanted]
    matching = matching or [block for block in full if not block.tag] or (full if any_tag else [])
    if not matching:
        return CodeAnswer("", spoken.cut or blocks[-1].cut)
    chosen = _choose(matching, name, choice)
    return CodeAnswer(chosen.text.strip("\n").rstrip(), chosen.cut)


def _choose(blocks: Sequence[Fenced], name: str, choice: Choice) -> Fenced:
    if choice == "first":
        return blocks[0]
    if choice == "last":
        return blocks[-1]
    defined = [_defined(block.text) for block in blocks]
    asked = [block for block, names in zip(blocks, defined, strict=True) if name in names]
    answers = asked or [
        block for block, names in zip(blocks, defined, strict=True) if not all(map(_NO_ANSWERS.match, names))
    ]
    if answers:
        return answers[-1]
    return max(reversed(blocks), key=lambda block: len(block.text))


def _defined(code: str) -> set[str]:
    return {found["name"] or found["bound"] or found["typed"] for found in _DEFINITION.finditer(code)}


def extract_code(text: str, language: str, name: str = "") -> str | None:
    """The program in an answer, as `read_code` finds it; None where there is none."""
    return read_code(text, language, name).code or None


def extract_instruction(text: str) -> str | None:
    """The instruction in an answer, without label and quotes. None for an empty one, and for one with code:
    it may be the solution."""
    text = without_reasoning(text).text.strip()
    if read_fences(text):
        return None
    text = _LABEL.sub("", without_chatter(text)).strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text or None
