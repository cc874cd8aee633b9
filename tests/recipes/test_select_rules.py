"""A choice that would change nothing, or has nothing to choose from, is said before anything is asked."""

from pathlib import Path

import pytest

from posttrain.plan.calls import plan_data
from synth.errors import RecipeError
from tests.recipes.written import load_text

BASE = """
name: a
engine: {kind: vllm_server}
data: {seeds: {kind: pocket, count: 10}, instruct: {}, solve: {n: 8}, select: {per_task: 2}, pairs: {}}
sft: {coarse: {}, fine: {}}
dpo: {}
"""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.solve.tries=2", "data.solve.sampling={temperature: 0}"], "every try would get the same"),
        (["data.solve=null", "data.pairs=null", "data.labels={}"], "needs solutions"),
        (["data.pairs={after_sft: true, speed: {}}"], "times none"),
        (["data.solve.tries=11"], "at most 10"),
        (["data.select.clusters={vectors: model}"], "must name a folder"),
        (["data.select.balance={edges: [0.5, 0.1]}"], "must rise"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, changes: list[str], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_text(tmp_path, BASE, changes)
    assert any(message in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("changes", "warns"),
    [
        ([], False),
        (["data.select.per_task=1"], True),
        (["data.select={balance: {}}"], False),
        (["data.select={clusters: {}}"], False),
        (["data.select.per_task=1", "sft.fine=null"], False),
    ],
)
def test_a_fine_set_with_the_rows_of_the_coarse_one_is_warned_of(
    tmp_path: Path, changes: list[str], warns: bool
) -> None:
    said = [one.message for one in load_text(tmp_path, BASE, changes).warnings]
    assert any("has the rows of the coarse one" in one for one in said) is warns


def test_the_plan_counts_every_try_as_its_bound(tmp_path: Path) -> None:
    def calls(changes: list[str]) -> dict[str, float | None]:
        recipe = load_text(tmp_path, BASE, changes).recipe
        assert recipe.data is not None
        found = plan_data(recipe, recipe.data, 1, None)
        return {one.name: one.calls.value for one in found if one.calls is not None}

    assert calls([]) == {"data: instruct": 10, "data: inputs": 10, "data: solve": 10}
    assert calls(["data.solve.tries=10"]) == {"data: instruct": 10, "data: inputs": 100, "data: solve": 100}
