"""The recipe of the method: every part of the report that is built is switched on."""

from benchmarks.method.report import report_data
from synth.config import DataConfig
from synth.prompts.library import PromptLibrary
from synth.recipe import load_recipe

PARTS = (
    "seeds",
    "instruct",
    "memory",
    "inputs",
    "solve",
    "evidence",
    "select",
    "checklist",
    "repair",
    "repair_tasks",
    "review",
    "pairs",
    "fim",
)


def test_every_part_is_switched_on() -> None:
    recipe = load_recipe("qwen2.5-coder/report", machine=False).recipe
    assert recipe.data is not None
    assert all(getattr(recipe.data, part) is not None for part in PARTS)
    assert recipe.sft is not None
    assert recipe.sft.coarse is not None
    assert recipe.sft.fine is not None
    assert recipe.dpo is not None
    assert recipe.loop.rounds > 1


def test_every_question_has_its_prompt() -> None:
    recipe = load_recipe("qwen2.5-coder/report", machine=False).recipe
    assert recipe.data is not None
    assert set(recipe.data.asking) <= set(PromptLibrary.load(recipe.prompts).prompts)


def test_what_the_planted_endpoint_is_asked_is_a_data_half_of_the_same_parts() -> None:
    planted = DataConfig.model_validate({"seeds": {"kind": "pocket"}, **report_data("python")})
    assert all(getattr(planted, part) is not None for part in PARTS)
