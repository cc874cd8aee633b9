"""GPUs that a recipe names for nobody, or twice, are refused with the recipe."""

from pathlib import Path

import pytest

from synth.errors import RecipeError
from tests.recipes.written import load_text

BASE = """
name: a
engine: {kind: vllm_server}
data: {seeds: {kind: pocket}, instruct: {}, solve: {n: 8}}
sft: {coarse: {}}
"""
REMOTE = "{kind: openai_api, base_url: http://localhost/v1, model: m}"


def load(tmp_path: Path, changes: list[str]) -> None:
    load_text(tmp_path, BASE, changes)


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        (["devices={engine: []}"], "devices.engine", "at least one GPU"),
        (["devices={trainer: [0, -1]}"], "devices.trainer", "numbered from 0"),
        (["devices={trainer: [0, 1, 0]}"], "devices.trainer", "named twice: 0"),
        (["devices={trainer: [0]}", "sft=null"], "devices.trainer", "trains nothing"),
        (["devices={teacher: [0]}"], "devices.teacher", "has no `teacher`"),
        (["devices={engine: [0]}", f"engine={REMOTE}"], "devices.engine", "uses none of this machine"),
        (["devices={teacher: [0]}", f"teacher={REMOTE}"], "devices.teacher", "uses none of this machine"),
        (
            ["devices={engine: [0]}", "engine.extra_args=[-tp, '2', --data-parallel-size=2]"],
            "devices.engine",
            "must name 4 GPUs",
        ),
        (
            ["devices={engine: [0, 1]}", "engine={kind: transformers_local}"],
            "devices.engine",
            "must name 1 GPUs",
        ),
        (["devices={engine: zero}"], "devices.engine", "list"),
    ],
)
def test_named_gpus_that_mean_nothing_are_refused(
    tmp_path: Path, changes: list[str], where: str, message: str
) -> None:
    with pytest.raises(RecipeError) as refused:
        load(tmp_path, changes)
    problem = refused.value.problems[0]
    assert where in problem.where and message in problem.message


@pytest.mark.parametrize(
    "devices", ["{}", "{engine: [0], trainer: [0]}", "{engine: [1, 0], trainer: [2, 3]}", "{trainer: [7]}"]
)
def test_gpus_apart_equal_or_overlapping_are_taken(tmp_path: Path, devices: str) -> None:
    load(tmp_path, [f"devices={devices}"])
