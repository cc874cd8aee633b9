"""What a recipe's rounds cannot mean is refused with the recipe."""

from pathlib import Path

import pytest

from synth.errors import RecipeError
from tests.recipes.written import load_text

BASE = """
name: a
engine: {kind: vllm_server}
data: {seeds: {kind: pocket}, instruct: {}, solve: {n: 8}}
sft: {coarse: {}}
evaluation: {suite: pocket-heldout}
"""
DEVELOPMENT = "evaluation.development={suite: pocket-development}"


def load(tmp_path: Path, changes: list[str]) -> list[str]:
    """The warnings."""
    loaded = load_text(tmp_path, BASE, ["loop.rounds=2", *changes])
    return [f"{one.where} {one.message}" for one in loaded.warnings]


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        (["loop.select=best"], "loop.select = best", "needs `evaluation.development`"),
        (["evaluation.development={suite: pocket-heldout}"], "development.suite", "must not be a suite that"),
        ([DEVELOPMENT, "evaluation.hard={suite: pocket-development}"], "development.suite", "must not be"),
        ([DEVELOPMENT, "evaluation.k=[8]"], "evaluation.k", "must have 1"),
        (["evaluation.hard={suite: nowhere.jsonl}"], "evaluation.hard.suite", "existing file"),
        (["evaluation.hard={suite: pocket-deep, languages: [klingon]}"], "hard.languages", "klingon"),
        (["data.pairs={after_sft: true}"], "data.pairs.after_sft", "needs `dpo`"),
        (["data.pairs={after_sft: true}", "dpo={}", "sft=null"], "data.pairs.after_sft", "needs `sft`"),
        (["loop.replay=1.5"], "loop.replay", "must be at most 1.0"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(
    tmp_path: Path, changes: list[str], where: str, message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, changes)
    assert where in str(caught.value)
    assert message in str(caught.value)


def test_a_recipe_with_all_of_them_loads_and_keys_without_effect_are_warned_about(tmp_path: Path) -> None:
    every = [DEVELOPMENT, "evaluation.hard={suite: pocket-deep, n: 2}", "loop.select=best", "loop.start=base"]
    assert not any("loop." in words for words in load(tmp_path, every))
    one_round = load(tmp_path, [*every, "loop.rounds=1", "loop.replay=0.5"])
    without = [words for words in one_round if "has no effect" in words]
    assert ["loop.replay" in words for words in without] == [True, False]
    assert "loop.start" in without[1]


def test_suites_in_files_are_found_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl").write_text("")
    text = BASE.replace("pocket-heldout}", "pocket-heldout, development: {suite: dev.jsonl}}")
    evaluation = load_text(tmp_path, text, []).recipe.evaluation
    assert evaluation is not None and evaluation.development is not None
    assert evaluation.development.suite == str(tmp_path / "dev.jsonl")
