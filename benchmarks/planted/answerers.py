"""Which questions the planted endpoint answers, and with what. A question is known by its `max_tokens`: a
recipe that asks it sets that number in the sampling of its section.

To add a question: a number in `Question`, and a function in `ANSWERERS`, from a module of its own if it is
longer than a few lines.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from random import Random
from typing import Final

from benchmarks.planted import repair, selecting
from benchmarks.planted.answers import called_name, read_seed, read_tag, write_instruction, write_program
from benchmarks.planted.world import World

Answerer = Callable[[World, str, Random], str]


class Question(IntEnum):
    """The `max_tokens` of each question."""

    INSTRUCT = 512
    SOLVE = 1536
    REPAIR = 630
    REPAIR_TASK = 631
    REVIEW = 632
    SELECT_INSTRUCT = 670
    SELECT_SOLVE = 671


def _instruct(world: World, prompt: str, random: Random) -> str:
    seed = read_seed(prompt)
    if seed is None:
        return "There is no code to read."
    world.seeds[seed.tag] = seed
    text, leaks = write_instruction(seed, random)
    if leaks:
        world.said.leaks.add(seed.tag)
    return text


def _solve(world: World, prompt: str, random: Random) -> str:
    seed = world.seeds.get(read_tag(prompt))
    if seed is None:
        return "[]"
    name = called_name(prompt)
    text, truth = write_program(seed, name, world.mutants(seed, name), random)
    world.said.answers[truth] += 1
    return text


ANSWERERS: Final[Mapping[int, Answerer]] = {
    Question.INSTRUCT: _instruct,
    Question.SOLVE: _solve,
    Question.REPAIR: repair.fix,
    Question.REPAIR_TASK: repair.fix,
    Question.REVIEW: repair.review,
    Question.SELECT_INSTRUCT: selecting.instruct,
    Question.SELECT_SOLVE: selecting.solve,
}
