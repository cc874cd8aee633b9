"""What the planted endpoint answers: instructions and programs whose truth is known, in the forms in which
models write them.

The one rule: everything is drawn from the seed and the request alone, so that the same run gets the same
answers; what each program is (`Truth`) is told by its text.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from synth.ids import unit_id
from synth.languages.registry import get_language
from synth.mutation.first_order import make_first_order

MOST_MUTANTS: Final = 12
_FENCED: Final = re.compile(r"```(?P<language>\w+)\n(?P<code>.*)\n```", re.DOTALL)
_TAG: Final = re.compile(r"\bcase-[0-9a-f]{12}\b")
_NAME: Final = re.compile(r"(\w+)\s*\(")


class Truth(StrEnum):
    """What an answer to a request for a program is."""

    RIGHT = "right"
    """The seed itself."""
    MUTANT = "mutant"
    """The seed with one slip. Some do what the seed does."""
    NOTHING = "nothing"
    """No program: a refusal, prose, a program without the name that was asked for."""


class PlantedSeed(NamedTuple):
    """One seed as the endpoint has met it in a request for an instruction."""

    tag: str
    code: str
    language: str


def read_seed(prompt: str) -> PlantedSeed | None:
    """The seed in a request for an instruction."""
    found = _FENCED.search(prompt)
    if found is None:
        return None
    tag = unit_id("case", found["code"], found["language"])
    return PlantedSeed(f"case-{tag.split('-')[-1][:12]}", found["code"], found["language"])


def read_tag(prompt: str) -> str:
    """The tag of the seed that a later request is about; empty if it has none."""
    found = _TAG.search(prompt)
    return found[0] if found else ""


def write_instruction(seed: PlantedSeed, random: Random) -> tuple[str, bool]:
    """An instruction, and whether it holds the solution: one in ten does, one in twenty is a refusal."""
    words = f"Write the function that stands under {seed.tag} in the catalogue, with all of its cases."
    lines = seed.code.strip().splitlines()
    chance = random.random()
    if chance < 0.05:
        return "I'm sorry, but I can't write a task for this code.", False
    if chance < 0.075:
        return f"{words}\n\n```{seed.language}\n{seed.code}\n```", True
    if chance < 0.1:
        return f"{words}\n\n{seed.code}", True
    if chance < 0.125:
        return words + "\n\n" + "\n".join(f"> {line}" for line in lines), True
    if chance < 0.15:
        return words + "\n\n" + "\n".join(f"- `{line.strip()}`" for line in lines if line.strip()), True
    return random.choice((words, f"Task: {words}", f'"{words}"', f"{words}\n")), False


def mutants_of(seed: PlantedSeed, entry_point: str) -> list[str]:
    """Programs with one slip each, drawn by the seed."""
    grammar = get_language(seed.language).grammar
    return [one.code for one in make_first_order(seed.code, grammar, entry_point, MOST_MUTANTS)]


def called_name(prompt: str) -> str:
    """The function that a request for a program declares: the last name before a parenthesis of its first
    inline code, or of its first code block where it has none."""
    inline = re.search(r"(?<!`)`([^`\n]+\([^`\n]*)`(?!`)", prompt)
    block = re.search(r"```\w*\n(.*?)\n", prompt, re.DOTALL)
    declared = inline or block
    names = _NAME.findall(declared[1]) if declared else []
    return names[0] if names else ""


def write_program(
    seed: PlantedSeed, entry_point: str, mutants: list[str], random: Random
) -> tuple[str, Truth]:
    """One answer to a request for a program, and its truth."""
    chance = random.random()
    if chance < 0.04:
        return random.choice(
            ("I'm sorry, I can't do that.", "It is best to write this yourself.")
        ), Truth.NOTHING
    if chance < 0.08 and entry_point:
        other = seed.code.replace(entry_point, entry_point[:1] + "Renamed" + entry_point[1:])
        return _fence(seed.language, other), Truth.NOTHING
    if chance < 0.54 and mutants:
        return _dress(seed.language, random.choice(mutants), random), Truth.MUTANT
    return _dress(seed.language, seed.code, random), Truth.RIGHT


def _fence(tag: str, code: str) -> str:
    return f"```{tag}\n{code.rstrip()}\n```"


def _dress(language: str, code: str, random: Random) -> str:
    """A program in one of the forms in which models answer."""
    forms: tuple[Callable[[], str], ...] = (
        lambda: _fence(language, code),
        lambda: _fence(language, code),
        lambda: _fence("", code),
        lambda: _fence(language.upper(), code),
        lambda: "Here is the code:\n\n" + _fence(language, code) + "\n\nIt handles all cases.",
        lambda: "<think>\nFirst a draft:\n```\ndraft\n```\n</think>\n" + _fence(language, code),
        lambda: _fence(language, code).replace("\n", "\r\n"),
        lambda: f"~~~{language}\n{code.rstrip()}\n~~~",
        lambda: _fence(language, code) + "\n\nUsage:\n\n```text\ncall it\n```",
        lambda: f"```{language}\n{code.rstrip()}\n",
    )
    return random.choice(forms)()
