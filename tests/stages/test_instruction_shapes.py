"""Shapes of tasks: turns, what is asked, and which recipes are refused."""

from collections import Counter

import pytest

from synth.config import Recipe
from synth.generation.scripted import ScriptedEngine
from synth.prompts.library import PromptLibrary
from synth.recipe.checks import check_rules
from synth.recipe.names import check_names
from synth.records import Task
from synth.stages.instruct import InstructStage
from synth.stages.instruction_shapes import take_turns
from synth.stages.solve import render_solve
from tests.builders import build_reference
from tests.stages.harness import build_context, build_shard, run_stage

SHAPES = ["plain", "docstring", "request", "story", "stub", "brief"]


def tasks(shapes: list[str]) -> list[Task]:
    shard = build_shard(*(build_reference(f"seed-{at}") for at in range(12)))
    context = build_context(
        {"instruct": {"shapes": shapes}}, engine=ScriptedEngine(lambda _: "Add the numbers.")
    )
    return run_stage(InstructStage(context), shard).made(Task)


def test_shapes_take_turns_and_each_asks_in_its_own_words() -> None:
    made = tasks(SHAPES)
    assert Counter(task.shape for task in made) == dict.fromkeys(["", *SHAPES[1:]], 2)
    prompts = PromptLibrary.load("default")
    asked = {task.shape: render_solve(prompts, task, "python")[-1].content for task in made}
    assert len(set(asked.values())) == 6
    assert all("Add the numbers." in one and "def " in one for one in asked.values())


def test_without_shapes_every_task_is_plain() -> None:
    assert {task.shape for task in tasks([])} == {""}


def test_where_a_shard_begins_is_drawn_once() -> None:
    first = [take_turns(SHAPES, 1, f"shard-{at}")(0) for at in range(30)]
    assert first == [take_turns(SHAPES, 1, f"shard-{at}")(0) for at in range(30)]
    assert len(set(first)) == 6


def recipe(shapes: list[str], prompts: str) -> Recipe:
    data = {"seeds": {"kind": "pocket"}, "instruct": {"shapes": shapes}, "solve": {}}
    return Recipe.model_validate({"name": "r", "prompts": prompts, "data": data})


@pytest.mark.parametrize(
    ("shapes", "said"),
    [(["plain", "brief"], "at least 3 shapes"), (["plain", "brief", "stub", "brief"], "is listed twice")],
)
def test_a_list_of_which_one_shape_would_have_too_much_is_refused(shapes: list[str], said: str) -> None:
    assert any(said in one.message for one in check_rules(recipe(shapes, "default")))
    assert not any("shape" in one.message for one in check_rules(recipe(SHAPES, "default")))


def test_a_set_without_the_prompt_of_a_shape_is_refused() -> None:
    found = [one.message for one in check_names(recipe(SHAPES, "pocket"))]
    assert any("prompts/pocket/solve.story.md must exist" in one for one in found)
    assert not any("solve." in one.message for one in check_names(recipe(SHAPES, "default")))
