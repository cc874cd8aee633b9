"""What a written instruction must not be: the solution in any dress, a refusal, talk about code, chatter,
repetition, another natural language, or nothing.

Place in the flow: the instruct stage asks here about each answer. The one rule: an instruction in words may
name what the code names; a run of the code's own tokens, as long as a statement, is the code.
"""

import re
import tomllib
import zlib
from collections import Counter
from importlib.resources import files
from typing import Final

from synth.filters.protocol import Evidence, Reject
from synth.languages.code_tokens import code_tokens
from synth.prompts.chatter import chatter_in
from synth.rules.disguised_code import ENOUGH_SIGNS, code_signs, decoded, overlap, said_lines

LONGEST_RUN: Final = 12
"""Tokens of the code in a row that an instruction may not hold."""
LEAST_SIGNS: Final = 4
"""Of these, tokens that are neither words nor numbers: a run of mere words is prose, or a list."""
_QUOTED: Final = re.compile(r"^[ \t]*(?:>|\d+[.:)]|[-*+])[ \t]?|`", re.MULTILINE)
"""What stands before the lines of a quotation or list, and around inline code."""
_TALK: Final = tomllib.loads(
    files("synth.rules").joinpath("instruction_talk.toml").read_text(encoding="utf-8")
)
_REFUSAL: Final = re.compile(
    rf"(?i)^\W*(?:(?:{'|'.join(_TALK['opening'])})[,.!: ]+(?:but )?){{0,3}}(?:{'|'.join(_TALK['refusal'])})"
)
_META: Final = re.compile(f"(?i){'|'.join(_TALK['code'])}")
_FORM: Final = re.compile(f"(?i){'|'.join(_TALK['form'])}")
_LEAST_LETTERS: Final = 3
"""Letters that the shortest instruction has; those of scripts beyond Latin count thrice."""
LEAST_LINES: Final = 0.5
"""The share of the code's statements from which on an instruction that says them is the code."""


def find_fault(
    instruction: str, code: str, language: str, natural: str = "", most_overlap: float = 1.0
) -> Reject | None:
    """Why the text is no instruction for the code, with what shows it; None if it may be one. `natural` is
    the language that was asked for (a code such as `en`; empty: any)."""
    said: Evidence = {"answer": instruction[:200]}
    if _weight(instruction) < _LEAST_LETTERS:
        return Reject("malformed_answer", said)
    if _REFUSAL.match(instruction):
        return Reject("instruction_refused", said)
    if leak := find_leak(instruction, code, language):
        return Reject("instruction_leaks", {"code": leak[:200]})
    if again := repeated(instruction):
        return Reject("instruction_repeats", {"repeated": again[:200]})
    if found := _META.search(instruction) or _FORM.search(instruction):
        return Reject("instruction_of_code", {"words": found[0][:200], **said})
    if words := chatter_in(instruction):
        return Reject("instruction_chatter", {"words": words[:200]})
    if wrong := _wrong_script(instruction, natural):
        return Reject("wrong_natural_language", {"asked": natural, "found": wrong, **said})
    share = round(overlap(instruction, code, language), 4)
    if share > most_overlap:
        return Reject("instruction_overlaps", {"overlap": share, **said})
    return None


def find_leak(instruction: str, code: str, language: str) -> str:
    """The solution, or code in place of words, in whatever dress; empty if there is none."""
    bare = _QUOTED.sub("", instruction)
    for text in (instruction, *decoded(instruction)):
        if run := shared_run(text, code, language):
            return " ".join(run)
        if text is not instruction and code_signs(text) >= ENOUGH_SIGNS:
            return text
    if said_lines(bare, code, language) >= LEAST_LINES:
        return "most of its statements, one by one"
    return bare if code_signs(bare) > ENOUGH_SIGNS else ""


def repeated(text: str) -> str:
    """What a text says again and again; empty if it does not."""
    counted = Counter(one.strip() for one in re.split(r"[\n.!?。！？،;]+", text) if len(one.strip()) >= 8)
    if counted and counted.most_common(1)[0][1] >= 4:
        return counted.most_common(1)[0][0]
    if found := re.search(r"(.{1,60}?)\1{7,}$", text[-700:], re.DOTALL):
        return found[1]
    raw = text.encode()
    return text if len(raw) >= 400 and len(zlib.compress(raw)) / len(raw) < 0.18 else ""


_SCRIPTS: Final = {
    "zh": r"[\u4e00-\u9fff]",
    "ja": r"[\u3040-\u30ff\u4e00-\u9fff]",
    "ko": r"[\uac00-\ud7af]",
    "ru": r"[\u0400-\u04ff]",
    "ar": r"[\u0600-\u06ff]",
}


def _wrong_script(text: str, natural: str) -> str:
    """What is wrong about the writing for the language that was asked for; empty if nothing, or unsure."""
    letters = [one for one in re.sub(r"[`\"'“‘][^`\"'”’]*[`\"'”’]", "", text) if one.isalpha()]
    if not natural or len(letters) < 8:
        return ""
    share = {
        name: sum(bool(re.match(one, c)) for c in letters) / len(letters) for name, one in _SCRIPTS.items()
    }
    if natural in share:
        kana = sum("\u3040" <= one <= "\u30ff" for one in letters) / len(letters)
        if natural in ("zh", "ja") and share[natural] >= 0.2 and (kana > 0.1) != (natural == "ja"):
            return "ja" if natural == "zh" else "zh"
        return "another script" if share[natural] < 0.2 else ""
    if max(share.values()) > 0.3:
        return max(share, key=lambda name: share[name])
    words = re.findall(r"[^\W\d_]+", text.lower())
    counts = {name: sum(word in listed for word in words) for name, listed in _COMMON.items()}
    best = max(counts, key=lambda name: counts[name])
    if natural in counts and counts[best] >= 3 and counts[best] > 2 * counts[natural]:
        return best
    return ""


_COMMON: Final = {  # words that the others do not have, or seldom
    "en": frozenset("the of and is to that it for with each are if then return an be by from".split()),
    "es": frozenset("el los las una y del con cada es si al devuelve como su más son está".split()),
    "fr": frozenset("le les des une qui et du est pour avec dans si chaque au par renvoie la sont".split()),
    "de": frozenset(
        "der die das und ist ein eine einer den dem mit für von wenn zu gib jede aus nicht".split()
    ),
    "pt": frozenset("o os um uma e do da dos com cada não é em ao devolva retorne mais são está".split()),
}


def _weight(text: str) -> int:
    return sum(1 if one.isascii() else 3 for one in text if one.isalpha())


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
