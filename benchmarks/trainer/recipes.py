"""`python -m benchmarks.trainer.recipes`: whether a recipe that passes the check can be trained.

Random recipes are drawn from a seed, their keys from values at and beyond their bounds. Of each that passes,
every training becomes a job and its settings those of TRL and PEFT; for the first `--trainers` of them TRL's
trainer itself is made, over a tiny model and a few rows. What is refused then should have been refused with
the recipe. Exit code 1 if any is. Training over 4 bits is drawn where its package is installed: a package
that is missing is no fault of a recipe.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from posttrain import dpo, kto, sft
from posttrain.core.adapters import fresh_adapter
from posttrain.core.jobs import TrainingJob, make_job, one_adapter, planned_policy
from posttrain.core.policy import find_policy, load_tokenizer, save_policy
from posttrain.core.start import load_start
from posttrain.core.trl_arguments import trl_arguments
from posttrain.watch.held_out import training_rows
from synth.config import Recipe
from synth.errors import RecipeError
from synth.recipe import load_recipe
from tests.training.tiny import build_tokenizer, chat_rows, pair_rows

SHOWN = 10
LORA: dict[str, Sequence[Any]] = {
    "rank": (1, 4, 8, 64, 600, 0),
    "alpha": (1, 8, 64),
    "dropout": (0.0, 0.1, 0.99, 1.0),
    "target_modules": ("all-linear", ["q_proj", "v_proj"], [], "", "(", ".*_proj", ".*", ["lm_head"], [""]),
    "dora": (True, False),
    "rslora": (True, False),
    "quantization": (None, "nf4") if find_spec("bitsandbytes") else (None,),
    "train_tokens": ("auto", "none", [], ["<|im_end|>"]),
}
SHARED: dict[str, Sequence[Any]] = {
    "lora": ("drawn", "drawn", None),
    "epochs": (0.1, 1, 3, 0),
    "max_steps": (-1, 0, 1, 100),
    "rows_per_step": (None, 1, 2, 5, 64),
    "batch_size": (1, 2, 16, 0),
    "gradient_accumulation": (1, 3),
    "warmup_ratio": (0.0, 0.05, 0.99, 1.0),
    "schedule": ("linear", "cosine", "constant", "constant_with_warmup"),
    "weight_decay": (0.0, 0.1),
    "learning_rate": (1e-6, 1e-5, 1e-4, 1e-3, ".inf", 0),
    "save_steps": (0, 1, 100),
    "save_minutes": (0, 0.5),
    "eval_share": (0.0, 0.2),
    "gradient_checkpointing": (True, False),
}
OWN: dict[str, dict[str, Sequence[Any]]] = {
    "sft": {"packing": (True, False), "max_length": (256, 512)},
    "dpo": {
        "beta": (0.01, 0.1, 5, 0),
        "loss_type": (
            *([name] for name in ("sigmoid", "sigmoid_norm", "nll", "sft", "hinge", "ipo", "exo_pair")),
            *([name] for name in ("nca_pair", "robust", "aot", "apo_zero", "discopop", "sigmoyd")),
            ["sigmoid", "nll"],
            ["sigmoid", "sft", "robust"],
            ["ipo", "sigmoid"],
            [],
        ),
        "loss_weights": (None, None, [1.0], [1.0, 0.2], [1.0, 2.0, 0.0], [0.0], [-1.0]),
        "label_smoothing": (0.0, 0.0, 0.1, 0.49, 0.5),
    },
    "kto": {
        "beta": (0.01, 0.1, 0),
        "loss_type": ("kto", "apo_zero_unpaired", "sigmoid"),
        "desirable_weight": (None, 0.5, 0),
        "undesirable_weight": (None, 2.0),
    },
}
ENGINES: tuple[dict[str, Any] | None, ...] = (
    None,
    {"kind": "vllm_server"},
    {"kind": "vllm_server", "swap": "adapter"},
    {"kind": "vllm_server", "swap": "weights"},
    {"kind": "vllm_server", "max_lora_rank": 16},
    {"kind": "vllm_server", "swap": "adapter", "extra_args": ["--max-lora-rank=8"]},
)


class Refused(NamedTuple):
    """A recipe that passed the check and could not be trained."""

    recipe: str
    error: str


class Counts(NamedTuple):
    """What became of the recipes."""

    passed: int
    trainers: int
    refusals: Counter[str]
    """Recipes that the check refused, by the last part of the first key that it names."""
    wrong: list[Refused]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what became of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.recipes", description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--trainers", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        counts = try_recipes(options.count, options.trainers, options.seed, Path(folder))
    print(f"seed {options.seed}: {counts.passed} of {options.count} recipes pass the check; of these")
    print(f"{len(counts.wrong)} cannot be trained; {counts.trainers} trainers were made")
    print("refused: " + ", ".join(f"{key} {count}" for key, count in counts.refusals.most_common()))
    for one in counts.wrong[:SHOWN]:
        print(f"{one.error}\n    {one.recipe}")
    return int(bool(counts.wrong))


def try_recipes(count: int, trainers: int, seed: int, home: Path) -> Counts:
    """Draw so many recipes, and train with those that pass as far as there are `trainers` left."""
    drawn, files = random.Random(seed), _files(home)
    refusals: Counter[str] = Counter()
    wrong: list[Refused] = []
    passed = made = 0
    for _ in range(count):
        text = json.dumps(draw_recipe(drawn, files)).replace('".inf"', ".inf")
        files["recipe"].write_text(text, encoding="utf-8")
        try:
            recipe = load_recipe(files["recipe"], (), machine=False).recipe
        except RecipeError as error:
            refusals[error.problems[0].where.partition(" = ")[0].rpartition(".")[2]] += 1
            continue
        passed += 1
        try:
            for job in jobs_of(recipe, files, home):
                _settings(job)
                if made < trainers and not job.adapter:
                    made += 1
                    _trainer(job)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is what is looked for
            wrong.append(Refused(text, f"{type(error).__name__}: {error}"))
    return Counts(passed, made, refusals, wrong)


def draw_recipe(drawn: random.Random, files: dict[str, Path]) -> dict[str, Any]:
    """A recipe with some of the sections that train, each with a few keys set."""
    recipe: dict[str, Any] = {
        "name": "drawn",
        "policy": {"model": str(files["policy"]), "dtype": drawn.choice(("auto", "float32", "bfloat16"))},
    }
    if (engine := drawn.choice(ENGINES)) is not None:
        recipe["engine"] = engine
    alike = _lora(drawn) if drawn.random() < 0.5 else None
    for name in ("sft", "dpo", "kto"):
        if drawn.random() < 0.6:
            section = _section(drawn, name, files[name], alike)
            fine = {"fine": _section(drawn, name, files[name], alike)} if drawn.random() < 0.4 else {}
            recipe[name] = {"coarse": section, **fine} if name == "sft" else section
    return recipe


def _section(drawn: random.Random, name: str, data: Path, alike: dict[str, Any] | None) -> dict[str, Any]:
    keys = {**SHARED, **OWN[name]}
    found = {key: drawn.choice(keys[key]) for key in drawn.sample(sorted(keys), 4)}
    if alike is not None:
        found["lora"] = alike
    elif found.get("lora") == "drawn":
        found["lora"] = _lora(drawn)
    return {"data": str(data), **found}


def _lora(drawn: random.Random) -> dict[str, Any]:
    return {key: drawn.choice(LORA[key]) for key in drawn.sample(sorted(LORA), 2)}


def jobs_of(recipe: Recipe, files: dict[str, Path], home: Path) -> Iterator[TrainingJob]:
    """A job for each training, each from the policy of the one before, as in a round."""
    start = find_policy(files["policy"])
    for path, config in recipe.trainings.items():
        name = path.replace(".", "-")
        data = [files[path.partition(".")[0]]]
        job = make_job(config, recipe, name, start, data, home / "checkpoints" / name)
        yield job
        if one_adapter(recipe, on_gpu=True):
            start = planned_policy(job)
            if start.adapter == "" and recipe.engine is not None and recipe.engine.serves_adapters_only:
                raise RuntimeError(f"{path} has no adapter for an engine that serves nothing else")


def _settings(job: TrainingJob) -> None:
    """The settings of TRL and of PEFT."""
    from trl import DPOConfig, KTOConfig, SFTConfig

    {"sft": SFTConfig, "dpo": DPOConfig, "kto": KTOConfig}[job.kind](**trl_arguments(job))
    fresh_adapter(job.config.lora, job.policy)


def _trainer(job: TrainingJob) -> None:
    """TRL's trainer."""
    from transformers import TrainerCallback

    tokenizer = load_tokenizer(job.policy)
    build: Any = {"sft": sft, "dpo": dpo, "kto": kto}[job.kind].build_trainer
    rows = training_rows(job, tokenizer)
    build(job, load_start(job, tokenizer), rows, trl_arguments(job), TrainerCallback())


def _files(home: Path) -> dict[str, Path]:
    """A tiny policy, and a few rows for each kind of training."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = build_tokenizer()
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    config.save_pretrained(home / "config")
    tokenizer.save_pretrained(home / "config")
    policy = save_policy(Qwen2ForCausalLM(config), str(home / "config"), home / "policy")
    labelled = [{**row, "label": at % 2 == 0} for at, row in enumerate(chat_rows(8))]
    rows = {"sft": chat_rows(8), "dpo": pair_rows(8), "kto": labelled}
    for name, listed in rows.items():
        (home / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in listed))
    return {"policy": policy, "recipe": home / "recipe.yaml"} | {
        name: home / f"{name}.jsonl" for name in rows
    }


if __name__ == "__main__":
    sys.exit(main())
