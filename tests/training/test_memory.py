"""Predictions of memory: shapes that are exactly those of the models, and figures that follow from them."""

import json
from pathlib import Path

import pytest

from posttrain.memory.engine import EngineSettings, predict_engine
from posttrain.memory.shapes import ModelShape, find_shape, read_shape
from posttrain.memory.training import TrainingSettings, predict_training, settings_of
from synth.training_config import DpoConfig, LoraConfig, SftConfig

SEVEN = "Qwen/Qwen2.5-Coder-7B"
GB = 1e9


def shape_of(model: str) -> ModelShape:
    shape = find_shape(model)
    assert shape is not None
    return shape


def settings(**changes: object) -> TrainingSettings:
    config = SftConfig(lora=LoraConfig(rank=64), batch_size=4, max_length=4096, gradient_checkpointing=True)
    return settings_of("sft", config, "bfloat16", on_gpu=True)._replace(**changes)  # type: ignore[arg-type]


def test_the_shape_of_a_folder_counts_the_weights_that_its_file_holds(policy: Path) -> None:
    from safetensors import safe_open

    shape = shape_of(str(policy))
    with safe_open(policy / "model.safetensors", framework="pt") as opened:
        stored = sum(opened.get_tensor(name).numel() for name in opened.keys())  # noqa: SIM118
    assert (shape.weights, shape.dtype) == (stored, "float32")


def test_the_shape_of_an_adapter_counts_what_peft_trains(policy: Path) -> None:
    from peft import get_peft_model

    from posttrain.core.adapters import fresh_adapter
    from posttrain.core.policy import load_model

    for targets in ("all-linear", ("q_proj", "down_proj")):
        adapted = get_peft_model(
            load_model(str(policy), "float32"), fresh_adapter(LoraConfig(rank=4, target_modules=targets), "")
        )
        trained = sum(one.numel() for one in adapted.parameters() if one.requires_grad)
        assert shape_of(str(policy)).adapted(4, targets) == trained


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("Qwen/Qwen2.5-Coder-0.5B", 494_032_768),
        ("Qwen/Qwen2.5-Coder-1.5B-Instruct", 1_543_714_304),
        ("Qwen/Qwen2.5-Coder-3B", 3_085_938_688),
        (SEVEN, 7_615_616_512),
        ("someone/Qwen2.5-Coder-14B-Instruct", 14_770_033_664),
        ("Qwen/Qwen2.5-Coder-32B", 32_763_876_352),
    ],
)
def test_the_sizes_of_qwen_coder_are_known_without_a_download(model: str, weights: int) -> None:
    assert shape_of(model).weights == weights


@pytest.mark.parametrize(
    "config", [{}, {"hidden_size": "48"}, {"hidden_size": 48, "num_attention_heads": 4, "num_experts": 8}]
)
def test_what_cannot_be_read_or_is_no_dense_decoder_has_no_shape(
    config: dict[str, object], tmp_path: Path
) -> None:
    assert read_shape(config) is None
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert find_shape(str(tmp_path)) is None
    assert find_shape("someone/unknown") is None


def test_lora_on_7b_in_bfloat16_with_checkpointing_takes_about_thirty_gigabytes() -> None:
    found = predict_training(shape_of(SEVEN), settings())
    assert found.weights == 2 * 7_615_616_512
    assert found.optimizer == 8 * shape_of(SEVEN).adapted(64)
    assert 24 * GB < found.total < 34 * GB


def test_all_weights_of_7b_take_sixteen_bytes_each_and_their_bfloat16_copies() -> None:
    config = SftConfig(lora=None, batch_size=1, gradient_checkpointing=True, gradient_accumulation=8)
    found = predict_training(shape_of(SEVEN), settings_of("sft", config, "bfloat16", on_gpu=True))
    weights = shape_of(SEVEN).weights
    assert found.weights + found.gradients + found.optimizer == 16 * weights
    assert found.casts == 2 * weights


def test_the_rows_of_a_step_are_shared_out_over_processes() -> None:
    config = SftConfig(rows_per_step=12, batch_size=8)
    rows = [
        settings_of("sft", config, "bfloat16", on_gpu=True, processes=processes).batch_size
        for processes in (1, 2, 3, 12)
    ]
    assert rows == [6, 6, 4, 1]
    alone = settings_of("sft", config, "bfloat16", on_gpu=True, processes=2)
    assert not alone.accumulates and settings_of("sft", config, "bfloat16", on_gpu=True).accumulates


def test_four_bits_take_a_third_of_the_weights() -> None:
    four = settings(lora=LoraConfig(rank=64, quantization="nf4"))
    shape = shape_of(SEVEN)
    assert 0.3 < predict_training(shape, four).weights / predict_training(shape, settings()).weights < 0.4


def test_what_costs_memory_is_seen_to_cost_it() -> None:
    shape = shape_of(SEVEN)
    usual = predict_training(shape, settings())
    changes: tuple[dict[str, object], ...] = (
        {"gradient_checkpointing": False},
        {"batch_size": 8},
        {"length": 8192},
        {"weights": "float32", "sums": "float32"},
        {"lora": None, "weights": "float32"},
        {"kind": "dpo"},
        {"processes": 2},
    )
    for dearer in changes:
        assert predict_training(shape, settings(**dearer)).total > usual.total, dearer
    for cheaper in ({"packing": True}, {"processes": 8, "shards": 8}):
        assert predict_training(shape, settings(**cheaper)).total < usual.total, cheaper


def test_the_settings_of_a_job_are_those_that_the_trainer_uses() -> None:
    tuned = settings_of("dpo", DpoConfig(batch_size=2), "auto", on_gpu=False)
    assert (tuned.weights, tuned.sums, tuned.rows, tuned.accumulates) == ("float32", "float32", 4, False)
    whole = settings_of("sft", SftConfig(lora=None), "bfloat16", on_gpu=False)
    assert (whole.weights, whole.sums) == ("float32", "bfloat16")
    packed = settings_of("sft", SftConfig(packing=True), "auto", on_gpu=False, length=100)
    assert (packed.length, packed.mask) == (SftConfig().max_length, 0)
    on_gpu = settings_of("sft", SftConfig(), "auto", on_gpu=True, length=100)
    assert (on_gpu.weights, on_gpu.sums, on_gpu.length) == ("bfloat16", "bfloat16", 100)


def test_a_server_needs_its_share_of_the_weights_and_one_whole_request() -> None:
    alone = predict_engine(shape_of(SEVEN), EngineSettings(8192, 256))
    assert alone.weights == 2 * 7_615_616_512
    assert alone.cache == 8192 * 2 * 28 * 512 * 2
    split = predict_engine(shape_of(SEVEN), EngineSettings(8192, 256, cards=4))
    assert (split.weights, split.cache) == (alone.weights // 4, alone.cache // 4)
    assert predict_engine(shape_of(SEVEN), EngineSettings(8192, 256, adapter_rank=64)).adapters > 0
