"""Each loss of preference optimization against its formula, on log-probabilities that are computed here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import logsigmoid

from posttrain.core.policy import load_model
from tests.training.conftest import WriteRows
from tests.training.test_trainers import build, dpo_job
from tests.training.tiny import pair_rows

BETA, SMOOTHING = 0.4, 0.2


class Ratios:
    """Log-ratios of a batch against the reference, and the answers' lengths."""

    def __init__(self, policy: Any, reference: Any, batch: dict[str, torch.Tensor]) -> None:  # noqa: ANN401
        now, before = (log_likelihoods(model, batch) for model in (policy, reference))
        self.chosen_nll = -now[: len(now) // 2].sum(1)
        ratios, lengths = (now - before).sum(1), batch["completion_mask"].sum(1)
        self.chosen, self.rejected = ratios.chunk(2)
        self.chosen_length, self.rejected_length = lengths.chunk(2)
        self.x = BETA * (self.chosen - self.rejected)


def log_likelihoods(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:  # noqa: ANN401
    with torch.no_grad():
        scores = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    found = scores.log_softmax(-1).gather(2, batch["input_ids"][:, 1:, None])[..., 0]
    return found * batch["completion_mask"][:, 1:]


def conservative(r: Ratios) -> torch.Tensor:
    return (-(1 - SMOOTHING) * logsigmoid(r.x) - SMOOTHING * logsigmoid(-r.x)).mean()


def normalised(r: Ratios) -> torch.Tensor:
    return -logsigmoid(BETA * (r.chosen / r.chosen_length - r.rejected / r.rejected_length)).mean()


def held(r: Ratios) -> torch.Tensor:
    return (-logsigmoid(r.x) + 3 * BETA * r.chosen_nll).mean()


CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "sigmoid": ({}, lambda r: -logsigmoid(r.x).mean()),
    "conservative": ({"label_smoothing": SMOOTHING}, conservative),
    "length-normalised": ({"loss_type": ("sigmoid_norm",)}, normalised),
    "held": ({"loss_type": ("sigmoid", "nll"), "loss_weights": (1.0, 3.0)}, held),
    "held and conservative": (
        {"loss_type": ("nll", "sigmoid"), "loss_weights": (3.0, 0.5), "label_smoothing": SMOOTHING},
        lambda r: 0.5 * conservative(r) + 3 * BETA * r.chosen_nll.mean(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_loss_is_that_of_the_formula(
    case: str, policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """On a policy that has left its reference, and answers of unequal length."""
    settings, formula = CASES[case]
    rows = [
        {**row, "chosen": [{"role": "assistant", "content": "return " + "x" * 3**count}]}
        for count, row in enumerate(pair_rows(4))
    ]
    data = write_rows("pairs", rows)
    trainer = build(dpo_job(policy, data, tmp_path / "job", beta=BETA, batch_size=4, **settings))
    torch.manual_seed(0)
    for name, parameter in trainer.model.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn_like(parameter) * 0.1
    batch = next(iter(trainer.get_train_dataloader()))
    ratios = Ratios(trainer.model, load_model(str(policy), "float32").eval(), batch)
    assert ratios.x.abs().max() > 0.05
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(
        formula(ratios).item(), rel=1e-4
    )
