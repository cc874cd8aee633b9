"""The forms in which tasks ask for a function: whose turn it is, and what a task of one looks like.

The one rule: turns are taken within a shard, from a place that is drawn for it, so that neither the number of
workers nor a resume changes a task.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from synth.ids import derive_random
from synth.prompts.library import PromptLibrary
from synth.records import FunctionContract, Task
from synth.stages.unit_stage import Decided


def take_turns(shapes: Sequence[str], recipe_seed: int, shard: str) -> Callable[[int], str]:
    """The shape of the unit at each place of a shard; empty for the plain one."""
    if not shapes:
        return lambda _: ""
    first = derive_random(recipe_seed, "instruct", f"shapes of {shard}").randrange(len(shapes))

    def turn(place: int) -> str:
        shape = shapes[(first + place) % len(shapes)]
        return "" if shape == "plain" else shape

    return turn


def shaped(decided: Decided, shape: str) -> Decided:
    """The decision with its tasks in that shape; programs and classes have the plain one alone."""
    made = tuple(
        one.model_copy(update={"shape": shape})
        if shape and isinstance(one, Task) and isinstance(one.contract, FunctionContract)
        else one
        for one in decided.made
    )
    return replace(decided, made=made)


def solve_variant(prompts: PromptLibrary, shape: str, natural_language: str) -> str:
    """The variant of the solve prompt: in the task's shape and language, else in its shape, else in its
    language."""
    if not shape:
        return natural_language
    spoken = f"{shape}.{natural_language}"
    return spoken if f"solve.{spoken}" in prompts.prompts else shape
