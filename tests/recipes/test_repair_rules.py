"""Sections that need candidates are refused where there are none."""

import pytest

from synth.config import Recipe
from synth.recipe.checks import check_rules


def findings(name: str, **data: object) -> list[str]:
    recipe = Recipe.model_validate(
        {
            "name": "r",
            "engine": {"kind": "vllm_server"},
            "data": {"seeds": {"kind": "pocket"}, name: {}, **data},
        }
    )
    return [one.message for one in check_rules(recipe) if ("data", name) in one.paths]


@pytest.mark.parametrize("name", ["repair", "repair_tasks", "review"])
def test_a_section_about_programs_needs_candidates(name: str) -> None:
    assert findings(name) == ["needs candidates of tasks, but the recipe makes none"]
    assert findings(name, instruct={}, solve={}) == []
