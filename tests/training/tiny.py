"""A tiny Qwen2 tokenizer, tiny data and the jobs that the training tests run."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Row = dict[str, object]

MERGES = [
    "u s",
    "us e",
    "use r",
    "a s",
    "as s",
    "i s",
    "t a",
    "n t",
    "ass is",
    "assis ta",
    "assista nt",
    "Ċ Ċ",
]


def byte_vocabulary() -> list[str]:
    """The 256 byte symbols of byte-level BPE, in a fixed order."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def build_tokenizer() -> "PreTrainedTokenizerBase":
    """A byte-level Qwen2 tokenizer with a few merges and all special tokens, each one id."""
    from transformers import Qwen2Tokenizer

    from posttrain.core.chat_template import SPECIAL_TOKENS, prepare_tokenizer

    pieces = [*byte_vocabulary(), *(merge.replace(" ", "") for merge in MERGES)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[tuple(merge.split()) for merge in MERGES])
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS)})
    return prepare_tokenizer(tokenizer, "the test's tokenizer")


def save_tiny_base(folder: Path, tokenizer: "PreTrainedTokenizerBase | None" = None) -> Path:
    """A random Qwen2 of two layers, always the same, as an engine could serve it. Its config and tokenizer go
    to `folder`; the answer is the folder `base` beside it."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from posttrain.core.policy import save_policy

    tokenizer = tokenizer or build_tokenizer()
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        attention_dropout=0.0,
    )
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return save_policy(Qwen2ForCausalLM(config), str(folder), folder.with_name("base"))


def chat_rows(count: int) -> list[Row]:
    """Conversations with a regularity to learn: the answer doubles a number."""
    return [
        {
            "prompt": [{"role": "user", "content": f"double {number}"}],
            "completion": [{"role": "assistant", "content": f"def f():\n    return {2 * number}"}],
        }
        for number in range(count)
    ]


def pair_rows(count: int) -> list[Row]:
    """Preferences: the right result over a wrong one."""
    return [
        {
            "prompt": [{"role": "user", "content": f"double {number}"}],
            "chosen": [{"role": "assistant", "content": f"return {2 * number}"}],
            "rejected": [{"role": "assistant", "content": f"raise {number}"}],
        }
        for number in range(count)
    ]
