"""The chat format of every policy: ChatML turns as in Qwen2.5, and the special tokens of its vocabulary.

Place in the flow: tokenizers get this template before anything is trained, saved or served, so the text is
the same in all three. The one rule: nothing is added to a conversation. No system turn is invented, and the
first user turn stays as it is.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synth.errors import Problem, TrainerError
from synth.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHAT_TEMPLATE_PATH = Path(__file__).with_name("chatml.jinja")
"""The template as a file, for servers that take one (`--chat-template`)."""
CHAT_TEMPLATE = CHAT_TEMPLATE_PATH.read_text(encoding="utf-8")

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
FIM_MIDDLE = "<|fim_middle|>"
FIM_TOKENS = ("<|fim_prefix|>", FIM_MIDDLE, "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")
CHAT_TOKENS = (END_OF_TEXT, TURN_START, TURN_END)
SPECIAL_TOKENS = CHAT_TOKENS + FIM_TOKENS
STOP_TOKENS = (TURN_END, END_OF_TEXT)
"""Tokens that end an answer: end of turn, and end of text (where base models stop)."""


def render(messages: Sequence[Message], add_generation_prompt: bool = False) -> str:
    """The text of a conversation, exactly as the template renders it, without a template engine."""
    turns = "".join(f"{TURN_START}{message.role}\n{message.content}{TURN_END}\n" for message in messages)
    return turns + (f"{TURN_START}assistant\n" if add_generation_prompt else "")


def prepare_tokenizer(tokenizer: "PreTrainedTokenizerBase", where: str) -> "PreTrainedTokenizerBase":
    """Give a tokenizer our template, `<|im_end|>` as the end of an answer, and a padding token other than the
    end of a turn.

    Raises TrainerError if the vocabulary lacks a token of the chat format; each must be a single id.
    """
    vocabulary = tokenizer.get_vocab()
    missing = [token for token in CHAT_TOKENS if token not in vocabulary]
    if missing:
        expected = f"lacks {', '.join(missing)}: the chat format needs each as one token"
        raise TrainerError(
            Problem(
                f"tokenizer of {where}",
                expected,
                "use a Qwen2.5 model, or add the tokens and train their embeddings",
            )
        )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.eos_token = TURN_END
    tokenizer.pad_token = END_OF_TEXT
    return tokenizer


def chat_tokens(tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """The tokens that begin and end a turn."""
    return [TURN_START, TURN_END]


def stop_token_ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Ids that end an answer, for a generation config."""
    return [int(tokenizer.convert_tokens_to_ids(token)) for token in STOP_TOKENS]
