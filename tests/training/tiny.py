"""A tiny Qwen2 tokenizer, tiny data and the jobs that the training tests run."""

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
