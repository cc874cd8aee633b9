"""`python -m benchmarks.trainer.stopping`: whether a base that never learned `<|im_end|>` learns to stop.

A tiny Qwen2 learns to write texts that end with `<|endoftext|>`, as base models do. The row of `<|im_end|>`
in its matrix, which is input and output in one, is zero. It is then fine-tuned with an adapter on chats, with
`train_tokens: auto` and with `none`. The stop rate is the share of answers to other prompts, sampled at
temperature 1, that end with `<|im_end|>` within 24 tokens. Exit code 1 unless it is at least 95% with the
switch and at most 20% without.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from posttrain import sft
from posttrain.core.chat_template import TURN_END
from posttrain.core.jobs import SftJob
from posttrain.core.policy import load_model, load_tokenizer, save_policy
from posttrain.core.tokens import Encoder
from synth.records import Message
from synth.training_config import LoraConfig, SftConfig
from tests.training.tiny import build_tokenizer

LONGEST, LEAST, MOST = 24, 0.95, 0.20
PRETRAIN, TUNE, PROMPTS = 512, 256, 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both stop rates."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer.stopping", description=__doc__)
    parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        base = unlearned_base(Path(folder))
        with_rows, without = (stop_rate(tuned(base, Path(folder), how)) for how in ("auto", "none"))
    print(f"answers that stop: {with_rows:.1%} with train_tokens: auto, {without:.1%} with none")
    return int(with_rows < LEAST or without > MOST)


def unlearned_base(home: Path) -> Path:
    """A tiny model that writes plain texts, and whose row of `<|im_end|>` is zero."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    config.save_pretrained(home / "config")
    tokenizer.save_pretrained(home / "config")
    random = save_policy(Qwen2ForCausalLM(config), str(home / "config"), home / "random")
    rows = [{"text": f"double {number} is {2 * number}"} for number in range(PRETRAIN)]
    job = _job(random, _written(home / "texts.jsonl", rows), home / "texts", None, 5e-3)
    model = load_model(str(sft.train(job).merged), "float32")
    model.get_input_embeddings().weight.data[tokenizer.convert_tokens_to_ids(TURN_END)] = 0
    return save_policy(model, str(random), home / "base")


def tuned(base: Path, home: Path, train_tokens: Literal["auto", "none"]) -> Path:
    """The base after a fine-tuning on chats with an adapter."""
    rows = [
        {
            "prompt": [{"role": "user", "content": f"double {number}"}],
            "completion": [{"role": "assistant", "content": f"is {2 * number}"}],
        }
        for number in range(0, 2 * TUNE, 2)
    ]
    lora = LoraConfig(rank=8, alpha=16, train_tokens=train_tokens)
    data = _written(home / f"{train_tokens}.jsonl", rows)
    return sft.train(_job(base, data, home / train_tokens, lora, 5e-3)).merged


def stop_rate(policy: Path) -> float:
    """Share of sampled answers that end with `<|im_end|>`."""
    import torch

    tokenizer, model = load_tokenizer(str(policy)), load_model(str(policy), "float32").eval()
    encoder, end = Encoder(tokenizer), tokenizer.convert_tokens_to_ids(TURN_END)
    torch.manual_seed(1)
    stopped = 0
    for number in range(1, 2 * PROMPTS, 2):
        prompt = encoder.prompt([Message(role="user", content=f"double {number}")])
        ids = model.generate(
            torch.tensor([prompt]), max_new_tokens=LONGEST, do_sample=True, eos_token_id=end, top_k=0
        )
        stopped += int(ids[0, -1] == end)
    return stopped / PROMPTS


def _job(policy: Path, data: Path, out: Path, lora: LoraConfig | None, rate: float) -> SftJob:
    config = SftConfig(lora=lora, learning_rate=rate, epochs=4, batch_size=16)
    return SftJob(
        name=out.name,
        policy=str(policy),
        data=(str(data),),
        output=str(out),
        seed=1,
        dtype="float32",
        config=config,
    )


def _written(file: Path, rows: Sequence[object]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


if __name__ == "__main__":
    sys.exit(main())
