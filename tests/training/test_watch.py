"""Watching a training: guards that stop it before a bad step, held-out rows that end it in time, and figures
of each step."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy
import pytest
import torch
from datasets import Dataset
from transformers import Trainer

from posttrain import dpo, sft, train_jobs
from posttrain.core.jobs import DpoJob, SftJob
from posttrain.core.metrics_log import read_metrics
from posttrain.core.policy import load_model, load_tokenizer
from posttrain.watch import guards
from posttrain.watch.held_out import held_out_places, training_rows
from posttrain.watch.measured import EVALUATIONS
from posttrain.watch.meter import flops_per_token, mean_context, peak_flops
from synth.errors import TrainerError
from synth.store.checkpoints import Checkpoint, read_checkpoint
from synth.training_config import DpoConfig, LoraConfig
from tests.training.conftest import WriteRows
from tests.training.test_trainers import losses, sft_job
from tests.training.tiny import chat_rows, pair_rows

LORA = LoraConfig(rank=4, alpha=8, dropout=0.1)


def job(policy: Path, data: Path, out: Path, **config: object) -> SftJob:
    return sft_job(policy, data, out, **{"lora": LORA, "batch_size": 4, **config})


# --- guards -------------------------------------------------------------------------------------------------


def fault_at(monkeypatch: pytest.MonkeyPatch, change: Callable[[int, torch.Tensor], torch.Tensor]) -> None:
    """Let a fault of the machine change the loss: `change` gets the number of the step and its loss."""
    plain = Trainer.training_step

    def faulty(self: Any, *args: object, **kwargs: object) -> torch.Tensor:  # noqa: ANN401
        return change(self.state.global_step + 1, plain(self, *args, **kwargs))

    monkeypatch.setattr(Trainer, "training_step", faulty)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in chat_rows(40)))
    return file


@pytest.fixture(scope="module")
def straight(policy: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Twenty steps in two epochs, without a fault."""
    return sft.train(job(policy, data, tmp_path_factory.mktemp("straight"), epochs=2))


@pytest.mark.parametrize("step", [6, 11])
def test_a_loss_that_is_not_finite_stops_the_training_before_it_is_learned_from(
    policy: Path, data: Path, straight: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Inside an epoch and at the first step of the second."""
    one = job(policy, data, tmp_path / "out", epochs=2)
    with monkeypatch.context() as broken:
        fault_at(broken, lambda at, loss: loss * math.nan if at == step else loss)
        with pytest.raises(TrainerError, match=rf"step {step}\n  has diverged: the loss is nan") as stopped:
            sft.train(one)
    assert f"goes on after step {step - 1}. " in str(stopped.value)
    assert "lower learning_rate (now 0.001; " in str(stopped.value)
    assert read_checkpoint(one.folder) is None
    seen: list[int] = []
    resumed = sft.train(one, lambda progress: seen.append(progress.step))
    assert seen[0] == step
    assert losses(resumed.folder) == pytest.approx(losses(straight.folder), abs=1e-6)
    assert resumed.manifest.fingerprint == straight.manifest.fingerprint


def test_a_jump_of_the_loss_that_stays_goes_back_to_before_it(
    policy: Path, data: Path, straight: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = job(policy, data, tmp_path / "out", epochs=2, save_steps=1)
    with monkeypatch.context() as broken:
        fault_at(broken, lambda at, loss: loss + 100 if at >= 18 else loss)
        with pytest.raises(TrainerError, match=r"step 18\n  has jumped to a loss of 10\d") as stopped:
            sft.train(one)
    assert "goes on after step 17. " in str(stopped.value) and "spike: null (now 3)" in str(stopped.value)
    resumed = sft.train(one)
    assert losses(resumed.folder) == pytest.approx(losses(straight.folder), abs=1e-6)


def test_where_memory_runs_out_the_state_is_saved_and_the_keys_of_the_job_are_named(
    policy: Path, data: Path, straight: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = job(policy, data, tmp_path / "out", epochs=2)

    def full(at: int, loss: torch.Tensor) -> torch.Tensor:
        if at == 7:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return loss

    with monkeypatch.context() as broken:
        fault_at(broken, full)
        with pytest.raises(TrainerError, match=r"ran out of memory \(CUDA out of memory") as stopped:
            train_jobs._train(one, None)
    said = str(stopped.value)
    assert "it needs about 1." in said and "with batch_size: 4 and rows of up to 2048 tokens" in said
    assert "batch_size: 1, gradient_accumulation: 4" in said or "gradient_checkpointing: true" in said
    seen: list[int] = []
    resumed = sft.train(one, lambda progress: seen.append(progress.step))
    assert seen[0] == 7
    assert losses(resumed.folder) == pytest.approx(losses(straight.folder), abs=1e-6)


def test_one_unusual_batch_is_no_jump(
    policy: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault_at(monkeypatch, lambda at, loss: loss + 100 if at == 18 else loss)
    plain = losses(sft.train(job(policy, data, tmp_path / "out", epochs=2)).folder)
    assert plain[17] > 100 > plain[18] and len(plain) == 20


def test_where_the_guard_is_off_a_jump_is_trained_through(
    policy: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault_at(monkeypatch, lambda at, loss: loss + 100 if at > 16 else loss)
    assert len(losses(sft.train(job(policy, data, tmp_path / "out", epochs=2, spike=None)).folder)) == 20


@pytest.mark.parametrize(
    ("loss", "before", "high"),
    [
        (2.6, [1.0] * 16, True),
        (2.4, [1.0] * 16, False),
        (9.0, [1.0] * 15, False),
        (5.9, [1.0, 2.0] * 8, True),
        (4.9, [1.0, 2.0] * 8, False),
        (-2.0, [-9.0, -8.0] * 8, True),
    ],
)
def test_a_loss_is_high_beside_the_range_of_those_before(
    loss: float, before: list[float], high: bool
) -> None:
    assert guards.is_high(loss, before, 3.0) is high
    assert not guards.is_high(loss, before, None)


# --- held-out rows ------------------------------------------------------------------------------------------


def noise_rows(count: int) -> list[dict[str, object]]:
    """Rows from which nothing about other rows can be learned: each answer is a letter by lot."""
    letters = [chr(97 + (7919 * (n + 1) ** 3 // 11) % 26) for n in range(count)]
    return [
        {
            "prompt": [{"role": "user", "content": f"{n}?"}],
            "completion": [{"role": "assistant", "content": letter * 6}],
        }
        for n, letter in enumerate(letters)
    ]


def test_a_training_that_overfits_ends_early_and_its_best_state_is_the_result(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    one = job(
        policy,
        write_rows("rows", noise_rows(40)),
        tmp_path / "out",
        lora=None,
        learning_rate=1e-2,
        schedule="constant",
        epochs=40,
        batch_size=8,
        eval_share=0.25,
        eval_steps=4,
        patience=3,
    )
    done = sft.train(one)
    measured = [json.loads(line) for line in (done.folder / EVALUATIONS).read_text().splitlines()]
    found = [entry["eval_loss"] for entry in measured]
    best = found.index(min(found))
    assert len(found) == best + 1 + 3, "it ended after three that were no better"
    assert done.manifest.steps == measured[-1]["step"] < 160
    assert done.manifest.best is not None and done.manifest.best["step"] == measured[best]["step"]
    assert done.manifest.rows + done.manifest.held_out_rows == 40 and done.manifest.held_out_rows >= 5
    rows = training_rows(one, load_tokenizer(one.policy))
    assert (len(rows), len(rows.held_out)) == (done.manifest.rows, done.manifest.held_out_rows)
    assert held_out_loss(done.merged, rows.held_out) == pytest.approx(min(found), abs=1e-3)
    assert min(losses(done.folder)) == min(losses(done.folder)[int(done.manifest.best["step"]) :])


def held_out_loss(weights: Path, rows: Any) -> float:  # noqa: ANN401
    """Mean over the trained tokens, computed here, as TRL weighs it: by batches of 8 rows."""
    model, batches = load_model(str(weights), "float32").eval(), []
    pairs = [(row["input_ids"], row["labels"]) for row in rows]
    for start in range(0, len(pairs), 8):
        total, count = 0.0, 0
        for ids, labels in pairs[start : start + 8]:
            scores = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
            for place, label in enumerate(labels[1:]):
                if label != -100:
                    total, count = total - scores[place, label].item(), count + 1
        batches += [total / count] * len(pairs[start : start + 8])
    return sum(batches) / len(batches)


def test_an_early_end_is_the_same_after_an_interruption(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    one = job(
        policy,
        write_rows("pairs", noise_rows(32)),
        tmp_path / "out",
        learning_rate=3e-2,
        epochs=30,
        batch_size=8,
        eval_share=0.25,
        eval_steps=3,
        patience=2,
    )
    straight = sft.train(one.model_copy(update={"output": str(tmp_path / "straight")}))
    assert straight.manifest.best is not None
    stop = straight.manifest.steps - 1

    def interrupt(progress: Any) -> None:  # noqa: ANN401
        if progress.step == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sft.train(one, interrupt)
    resumed = sft.train(one)
    assert resumed.manifest.fingerprint == straight.manifest.fingerprint
    assert resumed.manifest.best is not None
    for name in ("step", "eval_loss"):
        assert resumed.manifest.best[name] == pytest.approx(straight.manifest.best[name])
    assert resumed.manifest.steps == straight.manifest.steps


@pytest.mark.parametrize("lora", [None, LORA])
def test_preferences_are_measured_on_a_data_set_of_their_own(
    policy: Path, write_rows: WriteRows, tmp_path: Path, lora: LoraConfig | None
) -> None:
    pairs, others = write_rows("pairs", pair_rows(16)), write_rows("others", pair_rows(20)[16:])
    one = DpoJob(
        name="dpo",
        policy=str(policy),
        data=(str(pairs),),
        eval_data=(str(others),),
        output=str(tmp_path / "out"),
        config=DpoConfig(lora=lora, batch_size=8, eval_steps=1, learning_rate=1e-3),
    )
    done = dpo.train(one)
    assert (done.manifest.rows, done.manifest.held_out_rows) == (16, 4)
    assert done.manifest.best is not None and done.manifest.best["eval_loss"] < math.log(2)


def test_rows_with_one_prompt_stay_together_and_both_sides_have_some() -> None:
    prompts = [[1, number // 4] for number in range(400)]
    pairs = Dataset.from_dict({"prompt_ids": prompts, "chosen_ids": [[1]] * 400, "rejected_ids": [[2]] * 400})
    held = held_out_places(pairs, 0.2, seed=3).tolist()
    assert {prompts[place][1] for place in held}.isdisjoint(
        prompts[place][1] for place in range(400) if place not in held
    )
    assert 40 <= len(held) <= 120
    assert (
        held == held_out_places(pairs, 0.2, seed=3).tolist() != held_out_places(pairs, 0.2, seed=4).tolist()
    )
    two = Dataset.from_dict({"input_ids": [[1, 5, 6], [2, 5, 6]], "labels": [[-100, 5, 6]] * 2})
    assert [len(held_out_places(two, share, 0)) for share in (0.001, 0.999)] == [1, 1]
    texts = Dataset.from_dict(
        {"input_ids": [[7, 8, 9, 9], [7, 8, 3, 3]], "labels": [[7, 8, 9, 9], [7, 8, 3, 3]]}
    )
    assert len(held_out_places(texts, 0.5, 0)) in (0, 2), "one beginning, one side"


# --- figures of each step -----------------------------------------------------------------------------------


def test_each_step_has_its_tokens_and_memory_and_no_figure_is_made_up(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    one = job(policy, write_rows("rows", chat_rows(16)), tmp_path / "out")
    steps = read_metrics(sft.train(one).folder / "metrics.jsonl")
    assert all(step.metrics["tokens_per_second"] > 0 for step in steps)
    assert all(step.metrics["peak_memory_mb"] > 100 for step in steps)
    assert torch.cuda.is_available() or not any("mfu" in step.metrics for step in steps)
    assert torch.cuda.is_available() or peak_flops(bfloat16=True) is None


def test_a_training_leaves_its_charts(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    one = job(policy, write_rows("rows", chat_rows(16)), tmp_path / "out", eval_share=0.3, eval_steps=1)
    plots = {file.stem: file for file in (sft.train(one).folder / "plots").iterdir()}
    assert {"loss", "learning-rate", "tokens-a-second", "peak-memory-in-MB"} <= plots.keys()
    curves = {
        name: ElementTree.parse(file).findall(".//{http://www.w3.org/2000/svg}path")
        for name, file in plots.items()
    }
    assert [len(curves[name]) for name in ("loss", "learning-rate")] == [2, 1]
    assert all(float(number) >= 0 for number in re.findall(r"[\d.]+", curves["loss"][0].get("d") or "nan"))


def test_the_arithmetic_of_a_token_is_six_operations_a_weight_and_attention(policy: Path) -> None:
    model = load_model(str(policy), "float32")
    weights = sum(one.numel() for name, one in model.named_parameters() if one.dim() > 1)
    attention = 12 * 2 * 48 * 10.0  # layers, width, context
    assert flops_per_token(model, 10.0) == 6 * weights + attention
    assert flops_per_token(model, 10.0, reads_reference=True) == 8 * weights + attention * 4 / 3
    model.requires_grad_(False)
    assert flops_per_token(model, 0.0) == 4 * weights
    for lengths, context in (([3], 2.0), ([1, 3], (1 + 1 + 2 + 3) / 4)):
        assert mean_context(numpy.array(lengths, dtype=numpy.int32)) == context
