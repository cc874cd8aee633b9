"""What cannot be launched, or shared out over processes, is refused with the recipe."""

from pathlib import Path

import pytest

from synth.errors import RecipeError
from tests.recipes.written import load_text

BASE = """
name: a
sft: {coarse: {data: rows.jsonl}}
dpo: {data: pairs.jsonl}
"""
NODES = "launch={nodes: 2, main_address: '10.0.0.1:29500'}"


def load(tmp_path: Path, changes: list[str]) -> None:
    for name in ("rows.jsonl", "pairs.jsonl", "accelerate.yaml"):
        (tmp_path / name).write_text("{}\n", encoding="utf-8")
    load_text(tmp_path, BASE, changes)


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        (["launch.nodes=2"], "launch.main_address", "must be `host:port`"),
        (["launch={nodes: 2, main_address: first}"], "launch.main_address", "must be `host:port`"),
        ([NODES, "launch.node_rank=2"], "launch.node_rank", "must be below `nodes`, which is 2"),
        (
            [NODES, "evaluation={suite: pocket-heldout}", "engine={kind: vllm_server}"],
            "launch.nodes",
            "only trainers",
        ),
        (["launch={accelerate_config: nowhere.yaml}"], "launch.accelerate_config", "does not exist"),
        (["launch.processes=3"], "sft.coarse.rows_per_step", "16 rows a step, which 3 processes"),
        (["launch.processes=2", "dpo.rows_per_step=7"], "dpo.rows_per_step", "rows_per_step: 8"),
        (["launch.processes=32"], "sft.coarse.rows_per_step", "rows_per_step: 32"),
        (
            ["dpo={data: pairs.jsonl, rows_per_step: 8, gradient_accumulation: 2}"],
            "dpo.gradient_accumulation",
            "follows",
        ),
        (
            ["launch.sharding=fsdp2", "dpo.lora={quantization: nf4}"],
            "dpo.lora.quantization",
            "cannot be sharded",
        ),
        (["launch.processes=0"], "launch.processes", "at least 1"),
    ],
)
def test_what_cannot_be_launched_is_refused(
    changes: list[str], where: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as refused:
        load(tmp_path, changes)
    text = str(refused.value)
    assert where in text and message in text, text


def test_a_file_of_accelerate_stands_for_all_other_keys(tmp_path: Path) -> None:
    file = str(tmp_path / "accelerate.yaml")
    load(tmp_path, [f"launch.accelerate_config={file}"])
    with pytest.raises(RecipeError, match="stands in the file of `accelerate_config`"):
        load(tmp_path, [f"launch={{accelerate_config: '{file}', processes: 2}}"])


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["launch.processes=4"],
        [NODES, "launch.processes=8"],
        ["launch={sharding: fsdp2, processes: 2}"],
        ["launch.processes=6", "sft.coarse.rows_per_step=36", "dpo.rows_per_step=12"],
    ],
)
def test_what_can_be_launched_is_not_refused(changes: list[str], tmp_path: Path) -> None:
    load(tmp_path, changes)
