"""`python -m benchmarks.trainer.memory`: predicted against real peak memory of trainings on a CPU.

Six trainings of a random Qwen2 of 35 million weights, two steps each, in a process of its own: SFT and DPO,
an adapter and all weights, with and without gradient checkpointing, rows of up to 256 to 1,024 tokens. The
real figure is the most memory that the process had (VmHWM), as `metrics.jsonl` has it after the last step.
The prediction is that of `codemill plan`, made from the model's `config.json`, the job and its longest row.
Exit code 1 if one of them is off by more than 10%.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Table

from posttrain.core.jobs import DpoJob, SftJob
from posttrain.core.metrics_log import read_metrics
from posttrain.launch import run_trainers
from posttrain.memory.shapes import find_shape
from posttrain.memory.training import TrainingMemory, predict_training, settings_of
from synth.training_config import DpoConfig, LoraConfig, SftConfig
from synth.training_metrics import MEMORY
from tests.training.tiny import build_tokenizer

MOST = 0.10
"""Largest difference, as a share of the real peak."""
SIZES: Final[Mapping[str, Any]] = {
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "vocab_size": 16384,
}
STEPS = 2
_LORA: Final = LoraConfig(rank=16, alpha=32)


class Case(NamedTuple):
    """One training."""

    name: str
    length: int
    config: SftConfig | DpoConfig


def cases() -> list[Case]:
    """The six."""
    return [
        Case("SFT, adapter", 512, _sft(4, _LORA)),
        Case("SFT, adapter, checkpointing", 1024, _sft(4, _LORA, gradient_checkpointing=True)),
        Case("SFT, all weights", 256, _sft(4, None)),
        Case("SFT, all weights, checkpointing", 512, _sft(4, None, gradient_checkpointing=True)),
        Case("DPO, adapter", 512, _dpo(2, _LORA)),
        Case("DPO, all weights", 384, _dpo(2, None)),
    ]


def _sft(rows: int, lora: LoraConfig | None, **settings: object) -> SftConfig:
    return SftConfig.model_validate({"batch_size": rows, "lora": lora, "max_steps": STEPS, **settings})


def _dpo(pairs: int, lora: LoraConfig | None, **settings: object) -> DpoConfig:
    return DpoConfig.model_validate({"batch_size": pairs, "lora": lora, "max_steps": STEPS, **settings})


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.memory", description=__doc__)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the cases, from 0")
    options = parser.parse_args(arguments)
    table, worst = Table("training", "longest row", "predicted", "real peak", "difference", "parts"), 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = random_model(Path(folder))
        for number, case in enumerate(cases()):
            if options.only is None or number in options.only:
                predicted = predict(model, case)
                real = measure(model, case, Path(folder, str(number)))
                difference = predicted.total / real - 1
                worst = max(worst, abs(difference))
                parts = ", ".join(
                    f"{name} {size / 2**20:.0f}" for name, size in predicted._asdict().items() if size
                )
                sizes = (f"{size / 2**20:,.0f} MB" for size in (predicted.total, real))
                amounts = (*sizes, f"{difference:+.1%}")
                table.add_row(case.name, str(case.length), *amounts, parts)
                print(case.name, *amounts, parts, flush=True)
    Console(width=160).print(table)
    return int(worst > MOST)


def predict(model: Path, case: Case) -> TrainingMemory:
    """As the plan of a recipe does."""
    shape = find_shape(str(model))
    assert shape is not None
    kind, config = _kind(case.config), case.config
    return predict_training(shape, settings_of(kind, config, "float32", on_gpu=False, length=case.length))


def _kind(config: SftConfig | DpoConfig) -> Any:  # noqa: ANN401
    return "sft" if isinstance(config, SftConfig) else "dpo"


def measure(model: Path, case: Case, home: Path) -> float:
    """Bytes at the peak of the training."""
    home.mkdir()
    data = home / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in _rows(case)), encoding="utf-8")
    common = {"name": "memory", "policy": str(model), "data": (str(data),), "output": str(home / "out")}
    kind = SftJob if isinstance(case.config, SftConfig) else DpoJob
    job = kind.model_validate({**common, "dtype": "float32", "config": case.config})
    done = run_trainers([job], home / "train.log")[0]
    return max(step.metrics[MEMORY] for step in read_metrics(done.folder / "metrics.jsonl")) * 2**20


def _rows(case: Case) -> list[dict[str, str]]:
    """Rows of three quarters to the whole length, in digits, which are a token each."""
    draw = random.Random(0)
    lengths = [draw.randint(case.length * 3 // 4, case.length) for _ in range(case.config.batch_size * 4)]
    lengths[0] = case.length
    if isinstance(case.config, SftConfig):
        return [{"text": _digits(draw, length - 1)} for length in lengths]
    return [
        {
            "prompt": _digits(draw, length // 2),
            "chosen": _digits(draw, length - length // 2 - 1),
            "rejected": _digits(draw, length - length // 2 - 1),
        }
        for length in lengths
    ]


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choices("0123456789", k=count))


def random_model(home: Path) -> Path:
    """A random Qwen2 of these sizes in float32."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from posttrain.core.policy import save_policy

    torch.manual_seed(0)
    config = Qwen2Config(**SIZES, max_position_embeddings=2048, tie_word_embeddings=True)
    config.save_pretrained(home / "config")
    build_tokenizer().save_pretrained(home / "config")
    return save_policy(Qwen2ForCausalLM(config), str(home / "config"), home / "model")


if __name__ == "__main__":
    sys.exit(main())
