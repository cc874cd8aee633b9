"""KTO with TRL on a tiny Qwen2: its loss against the formula, its reference, and what it learns."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from posttrain import kto, sft
from posttrain.core.jobs import KtoJob
from posttrain.core.metrics_log import read_metrics
from posttrain.core.policy import load_model
from posttrain.core.rows import UnusableRow, labelled_row
from synth.training_config import KtoConfig, LoraConfig
from tests.training.conftest import WriteRows
from tests.training.test_preference_losses import log_likelihoods
from tests.training.test_trainers import build, sft_job
from tests.training.tiny import Row, chat_rows

BETA = 0.4
LORA = LoraConfig(rank=4, alpha=8)


def labelled(count: int) -> list[Row]:
    """Right results, and twice as many wrong ones."""
    return [
        {
            "prompt": [{"role": "user", "content": f"double {number}"}],
            "completion": [{"role": "assistant", "content": f"return {2 * number if good else number}"}],
            "label": good,
        }
        for number in range(1, count + 1)
        for good in (True, False, False)
    ]


def kto_job(
    policy: Path,
    data: Path,
    out: Path,
    adapter: Path | None = None,
    **config: Any,  # noqa: ANN401
) -> KtoJob:
    settings = {"lora": LORA, "learning_rate": 1e-2, "batch_size": 6, "beta": BETA, **config}
    job = KtoJob(
        name=out.name, policy=str(policy), data=(str(data),), output=str(out), config=KtoConfig(**settings)
    )
    return job.model_copy(update={"adapter": str(adapter or "")})


@pytest.mark.parametrize("loss_type", ["kto", "apo_zero_unpaired"])
def test_the_loss_is_that_of_the_formula(
    loss_type: str, policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    data = write_rows("rows", labelled(2))
    weights: dict[str, Any] = {"desirable_weight": 2.0, "undesirable_weight": 0.5}
    trainer = build(kto_job(policy, data, tmp_path / "job", loss_type=loss_type, **weights))
    torch.manual_seed(0)
    for name, parameter in trainer.model.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn_like(parameter) * 0.1
    batch = next(iter(trainer.get_train_dataloader()))
    reference = load_model(str(policy), "float32").eval()

    def ratios(prefix: str) -> torch.Tensor:
        part = {key: batch[prefix + key] for key in ("input_ids", "attention_mask", "completion_mask")}
        now, before = (log_likelihoods(model, part).sum(1) for model in (trainer.model, reference))
        return now - before

    divergence = ratios("KL_").mean().clamp(min=0) if loss_type == "kto" else torch.tensor(0.0)
    sign = torch.where(batch["label"], 1.0, -1.0)
    each = 1 - torch.sigmoid(sign * BETA * (ratios("") - divergence))
    expected = (torch.where(batch["label"], 2.0, 0.5) * each).mean().item()
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(expected, rel=1e-4)
    if loss_type == "kto":
        assert divergence > 0


CASES = ("full weights", "fresh adapter", "adapter trained on")


@pytest.mark.parametrize("case", CASES)
def test_the_reference_is_the_policy_that_training_starts_from(
    case: str, policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    data, adapter = write_rows("rows", labelled(4)), None
    if case == "adapter trained on":
        rows = write_rows("sft", chat_rows(16))
        adapter = sft.train(sft_job(policy, rows, tmp_path / "sft", learning_rate=2e-2)).adapter
    lora = None if case == "full weights" else LORA
    trainer = build(kto_job(policy, data, tmp_path / "job", adapter, lora=lora))
    trainer.model.train()
    for batch in trainer.get_train_dataloader():
        trainer.compute_loss(trainer.model, batch)
    for name in ("rewards/chosen", "rewards/rejected", "kl"):
        assert trainer._metrics["train"][name] == pytest.approx([0.0, 0.0], abs=1e-4)


def test_good_answers_are_learned_and_bad_ones_left(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    done = kto.train(kto_job(policy, write_rows("rows", labelled(8)), tmp_path / "out", epochs=4))
    steps = read_metrics(done.folder / "metrics.jsonl")
    assert steps[-1].metrics["rewards/chosen"] > steps[-1].metrics["rewards/rejected"] + 0.05
    assert (done.manifest.kind, done.manifest.rows) == ("kto", 24)
    assert json.loads((done.folder / "policy.json").read_text())["config"]["loss_type"] == "kto"


def test_good_and_bad_weigh_the_same_in_all() -> None:
    labels = [True] + [False] * 4
    assert kto.weights_of(KtoConfig(), labels) == (1.0, 0.25)
    assert kto.weights_of(KtoConfig(undesirable_weight=2), labels) == (1.0, 2.0)
    assert kto.weights_of(KtoConfig(), [True]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label": 1}, "true or false"),
        ({"label": None}, "true or false"),
        ({"completion": [{"role": "assistant", "content": " "}]}, "empty"),
        ({"completion": [{"role": "user", "content": "a"}]}, "one assistant turn"),
        ({"prompt": "a", "completion": 3}, "must have text"),
        ({"tools": [{"name": "f"}]}, "tools"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(change: Row, reason: str) -> None:
    with pytest.raises(UnusableRow, match=reason):
        labelled_row("row 1", {**labelled(1)[0], **change})
