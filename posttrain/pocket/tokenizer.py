"""The pocket tokenizer: byte-level BPE with the pre-tokenizer, the chat template and the special tokens of
Qwen2.5, learned on the corpus.

The one rule: saving and loading changes no id. It is built as a `Qwen2Tokenizer`, the class that
`AutoTokenizer` picks for a Qwen2 config.
"""

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from posttrain.core.chat_template import SPECIAL_TOKENS, prepare_tokenizer
from posttrain.pocket.corpus import documents

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def train_tokenizer(vocab_size: int, sample_documents: int, seed: int) -> "PreTrainedTokenizerBase":
    """Learn `vocab_size` tokens, including special ones, from the corpus's first
    `sample_documents` documents."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import AddedToken, Qwen2Tokenizer

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = Qwen2Tokenizer(vocab={}, merges=[]).backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator((_plain(text) for text in islice(documents(seed), sample_documents)), trainer)
    state = json.loads(backend.to_str())["model"]
    tokenizer = Qwen2Tokenizer(vocab=state["vocab"], merges=[tuple(merge) for merge in state["merges"]])
    tokenizer.add_special_tokens(
        {"additional_special_tokens": [AddedToken(token, special=True) for token in SPECIAL_TOKENS]}
    )
    return prepare_tokenizer(tokenizer, "the pocket model")


def _plain(text: str) -> str:
    for token in SPECIAL_TOKENS:
        text = text.replace(token, "\n")
    return text


def save_tokenizer(tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    tokenizer.save_pretrained(str(folder))
