"""Packed SFT against unpacked SFT: the same loss, gradients and end, after an interruption and with several
processes too."""

from pathlib import Path
from typing import Any

import pytest
import torch

from posttrain import sft
from posttrain.core.jobs import SftJob
from posttrain.core.packed_training import PackedRows
from posttrain.core.policy import load_model
from posttrain.launch import run_trainers
from synth.launch_config import LaunchConfig
from tests.training.conftest import WriteRows
from tests.training.test_trainers import FIM, LORA, build, check_resume, losses, sft_job
from tests.training.tiny import chat_rows


def loss_and_gradients(job: SftJob, micro_batches: int) -> tuple[float, dict[str, torch.Tensor]]:
    """Of the first step, as the trainer makes it: normalised by the trained tokens of all its batches."""
    trainer = build(job)
    batches, count = trainer.get_batch_samples(iter(trainer.get_train_dataloader()), micro_batches, "cpu")
    assert len(batches) == micro_batches
    trainer.model.eval()  # no dropout
    loss = 0.0
    for batch in batches:
        part = trainer.compute_loss(trainer.model, batch, num_items_in_batch=count)
        part.backward()
        loss += part.item()
    return loss, {
        name: parameter.grad
        for name, parameter in trainer.model.named_parameters()
        if parameter.grad is not None
    }


def test_loss_and_gradients_are_those_of_unpacked_rows(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """All rows in one step: once padded, once in packs of 128 tokens, two micro-batches of three."""
    data = write_rows("rows", [*chat_rows(14), *FIM])
    plain = sft_job(policy, data, tmp_path / "plain", lora=None, batch_size=20)
    packed = sft_job(policy, data, tmp_path / "packed", lora=None, packing=True, max_length=128, batch_size=3)
    config = packed.config.model_copy(update={"gradient_accumulation": 2})
    expected, gradients = loss_and_gradients(plain, 1)
    found, others = loss_and_gradients(packed.model_copy(update={"config": config}), 2)
    assert found == pytest.approx(expected, rel=1e-4)
    assert others.keys() == gradients.keys() and len(gradients) > 20
    for name, gradient in gradients.items():
        assert (others[name] - gradient).norm() < 1e-4 * gradient.norm(), name


def test_a_pack_is_the_rows_that_it_names_and_a_process_may_have_none() -> None:
    """Where only others have a pack left, `steps` names one row, of which nothing is trained."""

    class Letters:
        def __getitems__(self, rows: list[int]) -> list[str]:
            return ["abcdef"[row] for row in rows]

    rows = PackedRows(Letters())
    assert rows.__getitems__([[3, 1], [0]]) == ["d", "b", "a"]
    assert rows.__getitems__([0]) == ["a"]


def test_a_packed_training_resumes_with_the_same_losses(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """Stopped in the second epoch, whose packs are others than the first one's."""
    job = sft_job(
        policy,
        write_rows("rows", [*chat_rows(22), *FIM]),
        tmp_path / "straight",
        lora=LORA.model_copy(update={"dropout": 0.2}),
        packing=True,
        max_length=128,
        batch_size=1,
        gradient_accumulation=2,
        epochs=2,
        save_steps=5,
    )
    check_resume(job, 6, tmp_path / "resumed")


def test_two_processes_learn_what_one_does(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    """Steps of six, six and one packs: one device has all, or two share them and the second has nothing to do
    in the last step."""
    data = write_rows("rows", [*chat_rows(36), *FIM])
    settings: dict[str, Any] = {"packing": True, "max_length": 128, "batch_size": 3, "rows_per_step": 6}
    one, two = (sft_job(policy, data, tmp_path / name, **settings) for name in ("one", "two"))
    sft.train(one)
    run_trainers([two], tmp_path / "train.log", launch=LaunchConfig(processes=2))
    assert losses(two.folder) == pytest.approx(losses(one.folder), abs=1e-5)
    assert len(losses(one.folder)) == 3
    expected, found = (load_model(str(job.folder / "merged"), "float32").state_dict() for job in (one, two))
    for name, weights in expected.items():
        assert torch.allclose(found[name], weights, atol=1e-5), name
