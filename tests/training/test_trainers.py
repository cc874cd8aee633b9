"""The real TRL trainers on a tiny Qwen2: losses, references, resume, and what ends up on disk."""

from pathlib import Path

import pytest

from posttrain import sft
from posttrain.core.checkpoints import TrainedPolicy
from posttrain.core.jobs import SftJob
from posttrain.core.metrics_log import read_metrics
from synth.config import LoraConfig, SftConfig
from tests.training.tiny import chat_rows

LORA = LoraConfig(rank=4, alpha=8)


def losses(folder: Path) -> list[float]:
    return [step.loss for step in read_metrics(folder / "metrics.jsonl")]


def sft_job(policy: Path, data: Path, out: Path, config: SftConfig, **changes: object) -> SftJob:
    return SftJob(name=out.name, policy=str(policy), data=(str(data),), output=str(out), seed=1, config=config).model_copy(update=changes)


@pytest.fixture(scope="module")
def trained(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedPolicy:
    folder = tmp_path_factory.mktemp("sft")
    import json

    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chat_rows(64)))
    config = SftConfig(lora=LORA, learning_rate=1e-2, batch_size=8, epochs=3)
    return sft.train(sft_job(policy, folder / "rows.jsonl", folder / "checkpoint", config))


def test_training_lowers_the_loss(trained: TrainedPolicy) -> None:
    steps = losses(trained.folder)
    assert len(steps) == 24
    assert sum(steps[-4:]) < 0.7 * sum(steps[:4])
