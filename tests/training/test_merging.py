"""What an adapter learned is in the weights that are served, whatever their type."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from posttrain import sft
from posttrain.core import merging
from posttrain.core.policy import load_adapter, load_model, load_tokenizer, masters_of, merge_and_save
from posttrain.core.start import load_start
from synth.errors import TrainerError
from tests.training.conftest import WriteRows
from tests.training.test_trainers import losses, sft_job
from tests.training.tiny import chat_rows

BETWEEN = 1 + 2**-10  # an eighth of the way from 1 to the next bfloat16


def adapter_of(policy: Path, folder: Path, change: float = 0.05, **settings: Any) -> Path:  # noqa: ANN401
    """An adapter over the policy with random weights of this size, saved by PEFT."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(3)
    config = LoraConfig(
        task_type="CAUSAL_LM", **{"r": 4, "lora_alpha": 8, "target_modules": "all-linear", **settings}
    )
    model = get_peft_model(load_model(str(policy), "float32"), config)
    for name, parameter in model.named_parameters():
        if "lora_A" in name or "lora_B" in name or "trainable_tokens" in name:
            parameter.data = torch.randn_like(parameter) * change
    model.save_pretrained(str(folder))
    return folder


def merged_by_peft(policy: Path, adapter: Path) -> dict[str, torch.Tensor]:
    model = load_adapter(load_model(str(policy), "float32"), str(adapter), trainable=False)
    return dict(model.merge_and_unload().state_dict())


# --- rounding -----------------------------------------------------------------------------------------------


def test_rounding_is_right_on_average_where_the_nearest_value_never_is() -> None:
    values = torch.full((100_000,), BETWEEN)
    for sign in (1, -1):
        rounded = merging.round_stochastically(sign * values, seed=1)
        assert set(rounded.tolist()) == {sign * 1.0, sign * (1 + 2**-7)}
        assert rounded.float().mean().item() == pytest.approx(sign * BETWEEN, abs=1e-4)
    assert set(values.bfloat16().tolist()) == {1.0}


def test_rounding_has_a_seed_and_leaves_what_needs_none() -> None:
    values = torch.randn(1000)
    same = [merging.round_stochastically(values, seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], same[2])
    exact = values.bfloat16()
    assert torch.equal(merging.round_stochastically(exact.float(), seed=1), exact)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_never_saved(value: float) -> None:
    with pytest.raises(TrainerError, match="diverged"):
        merging.round_stochastically(torch.tensor([1.0, value]), seed=0)


# --- merging ------------------------------------------------------------------------------------------------

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rank-stabilised": {"use_rslora": True},
    "ranks and alphas by layer": {
        "rank_pattern": {"q_proj": 2},
        "alpha_pattern": {"layers.1.mlp.up_proj": 32},
    },
    "DoRA": {"use_dora": True},
    "rank-stabilised DoRA": {"use_dora": True, "use_rslora": True},
    "with trained rows": {"trainable_token_indices": [3, 70], "ensure_weight_tying": True},
    "with whole modules": {"modules_to_save": ["norm"]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_in_float32_the_merge_is_that_of_peft(kind: str, policy: Path, tmp_path: Path) -> None:
    adapter = adapter_of(policy, tmp_path / "adapter", **KINDS[kind])
    merged = load_model(str(merge_and_save(str(policy), str(adapter), tmp_path / "merged")), "float32")
    for name, expected in merged_by_peft(policy, adapter).items():
        assert torch.allclose(merged.state_dict()[name], expected, atol=1e-6), name


def test_a_base_in_several_files_is_merged_file_by_file(policy: Path, tmp_path: Path) -> None:
    model = load_model(str(policy), "float32")
    base = tmp_path / "base"
    shutil.copytree(policy, base, ignore=shutil.ignore_patterns("*.safetensors"))
    model.save_pretrained(base, max_shard_size="60KB")
    assert len(merging.weight_files(base)) > 1
    adapter = adapter_of(policy, tmp_path / "adapter")
    merged = load_model(str(merge_and_save(str(base), str(adapter), tmp_path / "merged")), "float32")
    for name, expected in merged_by_peft(policy, adapter).items():
        assert torch.allclose(merged.state_dict()[name], expected, atol=1e-6), name


def share_kept(base: Path, merged: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    """How much of the wanted change the merged weights hold: 1 if it is all there, 0 if it was lost."""
    before = load_model(str(base), "bfloat16").float().state_dict()
    kept = asked = 0.0
    for name, value in wanted.items():
        change = value - before[name]
        kept += float(((merged[name].float() - before[name]) * change).sum())
        asked += float((change * change).sum())
    return kept / asked


def test_a_change_below_the_grid_of_bfloat16_is_kept(policy: Path, tmp_path: Path) -> None:
    """The change is a hundredth of the step that bfloat16 makes at these weights."""
    base = merge_and_save(
        str(policy), str(adapter_of(policy, tmp_path / "none", 0.0)), tmp_path / "b", "bfloat16"
    )
    adapter = adapter_of(base, tmp_path / "adapter", change=1e-3)
    wanted = {
        name: value
        for name, value in merged_by_peft(base, adapter).items()
        if "proj" in name and "bias" not in name
    }
    kept = []
    for seed in range(6):
        out = merge_and_save(str(base), str(adapter), tmp_path / f"merged{seed}", "bfloat16", seed)
        kept.append(share_kept(base, load_model(str(out), "bfloat16").state_dict(), wanted))
    nearest = share_kept(base, {name: value.bfloat16() for name, value in wanted.items()}, wanted)
    assert nearest < 0.3
    assert sum(kept) / len(kept) == pytest.approx(1.0, abs=0.15)


def test_the_same_merge_gives_the_same_bytes(policy: Path, tmp_path: Path) -> None:
    adapter = adapter_of(policy, tmp_path / "adapter")
    made = [
        merge_and_save(str(policy), str(adapter), tmp_path / name, "bfloat16", seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, again, other = ((folder / "model.safetensors").read_bytes() for folder in made)
    assert first == again != other


# --- all weights --------------------------------------------------------------------------------------------


def test_all_weights_trained_in_bfloat16_move_as_they_do_in_float32(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    data, trained = write_rows("rows", chat_rows(32)), {}
    for dtype in ("float32", "bfloat16"):
        job = sft_job(policy, data, tmp_path / dtype, lora=None, learning_rate=1e-5, epochs=4, warmup_ratio=0)
        trained[dtype] = sft.train(job.model_copy(update={"dtype": dtype}))
    wide, narrow = losses(trained["float32"].folder), losses(trained["bfloat16"].folder)
    assert narrow[-1] == pytest.approx(wide[-1], rel=0.01)
    before = load_model(str(policy), "float32").state_dict()
    after = load_model(masters_of(str(trained["bfloat16"].merged)), "float32").state_dict()
    moved = sum(int((after[name] != before[name]).sum()) for name in before)
    assert moved >= 0.99 * sum(value.numel() for value in before.values())
    assert (
        next(iter(load_file(trained["bfloat16"].merged / "model.safetensors").values())).dtype
        is torch.bfloat16
    )
    assert masters_of(str(trained["float32"].merged)) == str(trained["float32"].merged)
    assert trained["bfloat16"].manifest.sealed == ("merged", "float32")


def test_the_next_training_of_all_weights_goes_on_from_float32(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    data = write_rows("rows", chat_rows(8))
    job = sft_job(policy, data, tmp_path / "first", lora=None, learning_rate=1e-5)
    first = sft.train(job.model_copy(update={"dtype": "bfloat16"}))
    job = sft_job(first.merged, data, tmp_path / "second", lora=None).model_copy(update={"dtype": "bfloat16"})
    start = load_start(job, load_tokenizer(job.policy)).model.state_dict()
    for name, value in load_model(str(first.folder / "float32"), "float32").state_dict().items():
        assert torch.equal(start[name], value), name
