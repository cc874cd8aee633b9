"""What kinds of adapters learn, keep and refer to, with the real trainers on a tiny Qwen2."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from posttrain import sft
from posttrain.core.jobs import make_job
from posttrain.core.policy import (
    find_policy,
    format_of_base,
    load_adapter,
    load_model,
    load_tokenizer,
    save_policy,
)
from posttrain.core.start import load_start
from posttrain.core.token_rows import look_at, matrices_of
from synth.config import Recipe
from synth.errors import RecipeError
from synth.policy import is_plain_adapter
from synth.training_config import LoraConfig
from tests.training.conftest import WriteRows
from tests.training.test_preference_losses import BETA, Ratios
from tests.training.test_trainers import build, dpo_job, margins, sft_job
from tests.training.tiny import chat_rows, pair_rows

KINDS: dict[str, dict[str, Any]] = {
    "DoRA": {"dora": True},
    "rank-stabilised": {"rslora": True},
    "over 4 bits": {"quantization": "nf4"},
    "DoRA over 4 bits": {"quantization": "nf4", "dora": True},
    "with token rows": {"train_tokens": ("<|im_end|>", "<|im_start|>")},
}
TURN = ("<|im_start|>", "<|im_end|>")


def lora(**settings: Any) -> LoraConfig:  # noqa: ANN401
    if settings.get("quantization"):
        pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    return LoraConfig(rank=4, alpha=8, **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_trained_is_float32_and_is_saved(
    kind: str, policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """The merged weights answer as the adapter over its base does."""
    job = sft_job(
        policy,
        write_rows("rows", chat_rows(8)),
        tmp_path / "out",
        lora=lora(**KINDS[kind]),
        learning_rate=1e-2,
        epochs=2,
    )
    done = sft.train(job)
    assert done.adapter is not None
    saved = load_file(done.adapter / "adapter_model.safetensors").values()
    assert {tensor.dtype for tensor in saved} == {torch.float32}
    merged = load_model(str(done.merged), "float32")
    adapted = load_adapter(load_model(str(policy), "float32"), str(done.adapter), trainable=False)
    ids = torch.tensor([load_tokenizer(str(policy))("double 3").input_ids])
    expected = adapted(ids).logits
    assert torch.allclose(merged(ids).logits, expected, atol=1e-4)
    assert not torch.allclose(load_model(str(policy), "float32")(ids).logits, expected, atol=1e-2)
    assert is_plain_adapter(str(done.adapter)) == (kind in ("rank-stabilised", "over 4 bits"))


@pytest.mark.parametrize("kind", ["DoRA over 4 bits", "with token rows"])
def test_the_reference_of_an_adapter_that_is_trained_on_is_all_of_it(
    kind: str, policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    settings = lora(**KINDS[kind])
    rows = write_rows("rows", chat_rows(8))
    first = sft.train(sft_job(policy, rows, tmp_path / "first", lora=settings, learning_rate=1e-2))
    job = dpo_job(policy, write_rows("pairs", pair_rows(8)), tmp_path / "dpo", first.adapter, lora=settings)
    assert margins(build(job)) == pytest.approx([0.0], abs=1e-4)


def untied(policy: Path, folder: Path) -> Path:
    """The same policy with an output matrix of its own."""
    model = load_model(str(policy), "float32")
    head = torch.nn.Linear(48, len(load_tokenizer(str(policy))), bias=False)
    head.weight.data = model.get_input_embeddings().weight.data.clone() + 0.01
    model.lm_head, model.config.tie_word_embeddings = head, False
    import shutil

    shutil.copytree(policy, folder / "config")
    model.config.save_pretrained(folder / "config")
    return save_policy(model, str(folder / "config"), folder / "untied")


@pytest.mark.parametrize("tied", [True, False])
def test_without_the_adapter_the_rows_of_tokens_are_those_of_the_base(
    tied: bool, policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    base = policy if tied else untied(policy, tmp_path)
    settings = lora(train_tokens=TURN)
    job = dpo_job(base, write_rows("pairs", pair_rows(4)), tmp_path / "dpo", lora=settings, beta=BETA)
    trainer = build(job)
    torch.manual_seed(0)
    moved = [
        p for name, p in trainer.model.named_parameters() if "trainable_tokens" in name and p.requires_grad
    ]
    assert len(moved) == (1 if tied else 2)
    for parameter in moved:
        parameter.data += torch.randn_like(parameter) * 0.3
    batch = next(iter(trainer.get_train_dataloader()))
    ratios = Ratios(trainer.model, load_model(str(base), "float32").eval(), batch)
    assert ratios.x.abs().max() > 0.01
    expected = -torch.nn.functional.logsigmoid(ratios.x).mean().item()
    loss = trainer.compute_loss(trainer.model, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in moved)


# --- tokens that were never learned -------------------------------------------------------------------------


def unlearned(policy: Path, out: Path, token: str = "<|im_end|>") -> Path:
    """The policy with a row of zeros for this token."""
    model = load_model(str(policy), "float32")
    model.get_input_embeddings().weight.data[load_tokenizer(str(policy)).convert_tokens_to_ids(token)] = 0
    return save_policy(model, str(policy), out)


def test_a_row_of_zeros_is_found_and_trained(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    base, rows = unlearned(policy, tmp_path / "base"), write_rows("rows", chat_rows(8))
    done = sft.train(sft_job(base, rows, tmp_path / "out", epochs=3, learning_rate=5e-2))
    tokenizer, merged = load_tokenizer(str(base)), load_model(str(done.merged), "float32")
    models = (load_model(str(base), "float32"), merged)
    before, after = (look_at(matrices_of(model), tokenizer, TURN) for model in models)
    assert [row.is_learned for row in before] == [True, False]
    assert format_of_base(str(base)) == [str(before[1])]
    assert format_of_base(str(done.merged)) == []
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert merged.get_input_embeddings().weight[end].norm() > 0
    assert after[0].norm == before[0].norm
    assert load_start(sft_job(policy, rows, tmp_path / "x"), tokenizer).tokens == ()


def test_rows_among_those_of_no_token_count_as_unlearned(policy: Path) -> None:
    tokenizer, model = load_tokenizer(str(policy)), load_model(str(policy), "float32")
    model.resize_token_embeddings(len(tokenizer) + 16, mean_resizing=False)
    weight = model.get_input_embeddings().weight.data
    unused = torch.randn(weight.shape[1]) * weight.std()
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    for place in (end, *range(len(tokenizer), len(weight))):
        weight[place] = unused + torch.randn(weight.shape[1]) * weight.std() * 0.05
    assert [row.is_learned for row in look_at(matrices_of(model), tokenizer, TURN)] == [True, False]


def test_a_token_that_the_vocabulary_lacks_is_refused(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    job = sft_job(
        policy, write_rows("r", chat_rows(2)), tmp_path / "x", lora=lora(train_tokens=("<|nothing|>",))
    )
    with pytest.raises(RecipeError, match="nothing"):
        load_start(job, load_tokenizer(str(policy)))


@pytest.mark.parametrize(("swap", "trained"), [("auto", "auto"), ("adapter", "none")])
def test_an_engine_that_serves_adapters_only_gets_no_token_rows(
    swap: str, trained: str, policy: Path, tmp_path: Path
) -> None:
    recipe = Recipe.model_validate(
        {"name": "a", "engine": {"kind": "vllm_server", "swap": swap}, "sft": {"coarse": {}}}
    )
    assert recipe.sft is not None
    job = make_job(recipe.sft.coarse, recipe, "a", find_policy(policy), [], tmp_path)
    assert job.config.lora is not None
    assert job.config.lora.train_tokens == trained
