"""What a training would refuse after hours is refused with the recipe."""

from pathlib import Path

import pytest

from synth.errors import RecipeError
from tests.recipes.written import load_text

BASE = """
name: a
engine: {kind: vllm_server}
data: {seeds: {kind: pocket}, instruct: {}, solve: {n: 8}, pairs: {}}
sft: {coarse: {}, fine: {}}
dpo: {}
"""
ADAPTER = "engine.swap=adapter"


def load(tmp_path: Path, changes: list[str]) -> None:
    load_text(tmp_path, BASE, changes)


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ([ADAPTER, "sft.fine.lora=null"], "sft.fine.lora", "must be an adapter"),
        ([ADAPTER, "sft.fine.lora={rank: 8}"], "sft.fine.lora.rank = 8", "that of `sft.coarse.lora`"),
        ([ADAPTER, "dpo.lora={alpha: 8}"], "dpo.lora.alpha = 8", "which is 32"),
        ([ADAPTER, "dpo.lora={target_modules: [q_proj]}"], "dpo.lora.target_modules", "all-linear"),
        (["dpo.lora={rank: 513}"], "dpo.lora.rank = 513", "at most 512"),
        (
            ["engine={kind: vllm_server, extra_args: [--max-lora-rank=16]}"],
            "sft.coarse.lora.rank",
            "at most 16",
        ),
        (
            ["engine={kind: vllm_server, extra_args: [--max_lora_rank, '16']}"],
            "sft.coarse.lora.rank",
            "at most 16",
        ),
        (["engine.max_lora_rank=16"], "sft.coarse.lora.rank", "at most 16"),
        (["dpo.loss_type=[exo_pair]"], "dpo.label_smoothing", "above 0"),
        (["dpo.warmup_ratio=1.0"], "dpo.warmup_ratio", "less than 1"),
        (["dpo.max_steps=0"], "dpo.max_steps", "at least 1"),
        (["dpo={label_smoothing: 0.1, loss_type: [sigmoid_norm]}"], "dpo.label_smoothing", "not read"),
        (["dpo={label_smoothing: 0.1, loss_type: [sigmoid, ipo]}"], "dpo.label_smoothing", "`ipo`"),
        (["dpo={label_smoothing: 0.1, loss_type: [sft]}"], "dpo.label_smoothing", "not read"),
        (["dpo.loss_type=[]"], "dpo.loss_type", "at least one"),
        (["dpo.loss_weights=[-1]"], "dpo.loss_weights", "negative"),
        (["dpo.loss_weights=[0]"], "dpo.loss_weights", "all be 0"),
        (["dpo.beta=.inf"], "dpo.beta", "finite"),
        (["sft.coarse.lora={target_modules: []}"], "sft.coarse.lora.target_modules", "at least one"),
        (["sft.coarse.lora={target_modules: '('}"], "sft.coarse.lora.target_modules", "regular expression"),
        (["sft.coarse.lora={target_modules: [q_proj, lm_head]}"], "sft.coarse.lora", "`lm_head`"),
        (["sft.coarse.lora={target_modules: '.*'}"], "sft.coarse.lora", "`lm_head`"),
        ([ADAPTER, "dpo.lora={dora: true}"], "dpo.lora.dora", "served as an adapter"),
        ([ADAPTER, "dpo.lora={train_tokens: [x]}"], "dpo.lora.train_tokens", "only adapters"),
        (["dpo.lora={quantization: nf4}", "launch.sharding=fsdp2"], "dpo.lora.quantization", "shared out"),
        (["kto={batch_size: 1}"], "kto.batch_size", "at least 2"),
        (["kto={rows_per_step: 1}"], "kto.batch_size", "at least 2"),
        (["kto={}", "sft=null", "dpo=null", "data.solve=null", "data.pairs=null"], "kto", "no labelled"),
    ],
)
def test_what_a_training_would_refuse_is_a_problem(
    tmp_path: Path, changes: list[str], where: str, message: str
) -> None:
    with pytest.raises(RecipeError) as refused:
        load(tmp_path, changes)
    found = refused.value.problems[0]
    assert where in found.where, str(refused.value)
    assert message in found.message, str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [ADAPTER],
        ["dpo={label_smoothing: 0.1}"],
        ["dpo={label_smoothing: 0.1, loss_type: [sigmoid, nll], loss_weights: [1, 2]}"],
        ["dpo={loss_type: [sigmoid_norm], beta: 5}"],
        ["engine.swap=weights", "dpo.lora={rank: 600}", "sft.fine.lora=null"],
        ["sft.coarse.lora={target_modules: '.*_proj'}"],
        ["kto={batch_size: 1, loss_type: apo_zero_unpaired}"],
        ["dpo.lora={dora: true, rslora: true, quantization: nf4, train_tokens: [x]}"],
    ],
)
def test_what_works_passes(tmp_path: Path, changes: list[str]) -> None:
    load(tmp_path, changes)
