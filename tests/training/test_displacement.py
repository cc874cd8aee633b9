"""A DPO that makes its chosen answers less likely is ended, and says so."""

from pathlib import Path
from typing import Any

import pytest

from posttrain import dpo, sft
from posttrain.core.metrics_log import read_metrics
from tests.training.conftest import WriteRows
from tests.training.test_trainers import dpo_job, sft_job
from tests.training.tiny import Row, chat_rows, pair_rows


def test_a_training_ends_when_chosen_answers_become_unlikely(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """Pairs that differ in their last token only: it is easier to make both answers unlikely than one."""
    rows = chat_rows(64)
    learned = sft.train(
        sft_job(policy, write_rows("rows", rows), tmp_path / "sft", learning_rate=2e-2, epochs=2)
    )
    pairs: list[Row] = [
        {"prompt": row["prompt"], "chosen": row["completion"], "rejected": _longer(row["completion"])}
        for row in rows
    ]
    harsh: dict[str, Any] = {"learning_rate": 5e-2, "epochs": 2, "warmup_ratio": 0.0}
    data = write_rows("pairs", pairs)
    free = dpo.train(dpo_job(learned.merged, data, tmp_path / "free", **harsh))
    assert (free.manifest.steps, free.manifest.stopped) == (16, "")
    assert read_metrics(free.folder / "metrics.jsonl")[-1].metrics["rewards/chosen"] < -1

    held = dpo.train(dpo_job(learned.merged, data, tmp_path / "held", stop_below_reference=0.2, **harsh))
    assert 4 <= held.manifest.steps < 8
    assert "nats a token less likely" in held.manifest.stopped
    assert f"after step {held.manifest.steps} of 16" in held.manifest.stopped
    assert (held.folder / "merged" / "model.safetensors").is_file()


def _longer(completion: Any) -> list[dict[str, str]]:  # noqa: ANN401
    return [{**turn, "content": turn["content"] + "1"} for turn in completion]


def test_a_fall_is_in_nats_a_token(policy: Path, write_rows: WriteRows, tmp_path: Path) -> None:
    """The rewards of TRL are beta times the sum over an answer: one fall has two rewards with two betas."""
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from posttrain.core.displacement import StopBelowReference

    data = write_rows("pairs", pair_rows(1))
    for beta, reward in ((0.1, -0.4), (0.5, -2.0)):  # 4 nats over answers of 8 tokens
        job = dpo_job(policy, data, tmp_path / "out", beta=beta, stop_below_reference=0.49)
        callback, control = (
            StopBelowReference(job, [{"chosen_ids": [0] * 6}, {"chosen_ids": [0] * 10}]),
            TrainerControl(),
        )
        state = TrainerState(global_step=7, max_steps=20)
        for _ in range(4):
            assert not control.should_training_stop
            callback.on_log(TrainingArguments(), state, control, {"rewards/chosen": reward})
        assert control.should_training_stop
        assert "0.50 nats a token" in callback.stopped


@pytest.mark.parametrize("limit", [None, 0.51])
def test_a_smaller_fall_or_no_limit_ends_nothing(
    policy: Path, write_rows: WriteRows, tmp_path: Path, limit: float | None
) -> None:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from posttrain.core.displacement import StopBelowReference

    job = dpo_job(policy, write_rows("pairs", pair_rows(1)), tmp_path / "out", stop_below_reference=limit)
    callback, control = StopBelowReference(job, [{"chosen_ids": [0] * 8}]), TrainerControl()
    for step in range(8):
        logs = {"rewards/chosen": -0.4}
        callback.on_log(TrainingArguments(), TrainerState(global_step=step, max_steps=20), control, logs)
    assert not control.should_training_stop
    assert callback.stopped == ""
