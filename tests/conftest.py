"""Fixtures that several areas share: one event loop, tiny random policies, and one vLLM server for the whole
session."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.config import VllmServerEngineConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.generation.vllm_server import VllmServer, find_vllm
from synth.policy import Policy, fingerprint_policy
from tests.builders import Run
from tests.execution.started_sandbox import started_sandbox

os.environ.setdefault("CODEMILL_TEST_SEED", str(time.time_ns() % 100_000))
"""Of the tests that sample a long laboratory; their names state it. The processes of one run share it."""

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] "
    "}}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


@pytest.fixture(scope="session")
def run() -> Iterator[Run[Any]]:
    """Run a coroutine on the session's one event loop, to which engines that outlive a test are bound."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def tiny_policies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Policy]:
    """Two Qwen2 models with one tokenizer and different random weights."""
    folder = tmp_path_factory.mktemp("policies")
    return make_policy(folder / "first", seed=1), make_policy(folder / "second", seed=2)


@pytest.fixture(scope="session")
def vllm_server(
    tiny_policies: tuple[Policy, Policy], tmp_path_factory: pytest.TempPathFactory, run: Run[Any]
) -> Iterator[VllmServer]:
    """The one vLLM server of the session. A test that swaps a policy in uses `first_served`, which swaps it
    back."""
    if find_vllm() is None:
        pytest.skip("vLLM is not installed; `codemill doctor` prints the command")
    pytest.importorskip("transformers")
    config = VllmServerEngineConfig(
        max_model_len=256,
        max_num_seqs=16,
        concurrency=8,
        start_timeout_s=550,
        extra_args=("--dtype", "float32"),
    )
    engine = VllmServer(config, policy=tiny_policies[0], log_folder=tmp_path_factory.mktemp("vllm"))
    run(engine.start())
    yield engine
    run(engine.close())


@pytest.fixture
def first_served(
    vllm_server: VllmServer, tiny_policies: tuple[Policy, Policy], run: Run[Any]
) -> Iterator[VllmServer]:
    """The session's server with the first policy in it, before and after the test."""
    run(vllm_server.load_policy(tiny_policies[0]))
    yield vllm_server
    run(vllm_server.load_policy(tiny_policies[0]))


def make_policy(folder: Path, *, seed: int, vocabulary: int = 320, hidden: int = 64) -> Policy:
    """A random Qwen2 with a byte-level tokenizer. Weights are drawn wide, so that greedy answers do not hang
    on rounding."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizer = make_tokenizer(vocabulary)
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.4,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    model = transformers.Qwen2ForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Policy(name=folder.name, base=str(folder), fingerprint=fingerprint_policy(folder))


def make_tokenizer(vocabulary: int) -> Any:  # noqa: ANN401  # transformers is not typed
    """A byte-level BPE tokenizer that comes back from `AutoTokenizer` as it was saved: Qwen2's own class with
    Qwen2's pre-tokenizer."""
    tokenizers = pytest.importorskip("tokenizers")
    qwen2 = pytest.importorskip("transformers").Qwen2Tokenizer
    blank = qwen2(vocab={}, merges=[]).backend_tokenizer
    learner = tokenizers.Tokenizer(tokenizers.models.BPE())
    learner.pre_tokenizer = blank.pre_tokenizer
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learner.train_from_iterator(
        ["def add(a, b):\n    return a + b\n", "Write a function that returns the sum of a list."] * 8,
        trainer,
    )
    model = learner.get_vocab()
    merges = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    tokenizer = qwen2(vocab=model, merges=merges, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS)})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


@pytest.fixture(scope="session")
def local_sandbox(run: Run[Any]) -> Iterator[LocalSandbox]:
    """The one local sandbox of the session, started. Skips where this machine offers no isolation at all."""
    with started_sandbox(run, LocalSandbox(minimum_level="B")) as sandbox:
        yield sandbox
