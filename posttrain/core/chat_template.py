"""The chat format of a policy: its own template where that can be trained with, else ours, which is ChatML
as in Qwen2.5.

Place in the flow: tokenizers get their template before anything is trained, saved or served, so the text is
the same in all three. The one rule: ours adds nothing to a conversation. No system turn is invented, and the
first user turn stays as it is.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from posttrain.core.template_proof import TemplateRefused, end_of_text, prove
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
    """Keep the tokenizer's own chat template if it can be trained with, else give it ours. Its `eos_token`
    becomes the token that ends an answer, its padding token the one that ends a text.

    Raises TrainerError if ours is needed and the vocabulary lacks a token of it; each must be a single id.
    """
    reason = ""
    if tokenizer.chat_template and tokenizer.chat_template != CHAT_TEMPLATE:
        try:
            facts = prove(tokenizer)
        except TemplateRefused as refused:
            reason = str(refused)
        else:
            text_end = end_of_text(tokenizer)
            tokenizer.eos_token = facts.turn_end
            tokenizer.pad_token = text_end
            return tokenizer
    vocabulary = tokenizer.get_vocab()
    missing = [token for token in CHAT_TOKENS if token not in vocabulary]
    if missing:
        expected = f"lacks {', '.join(missing)}: the chat format needs each as one token"
        if reason:
            expected += f"; its own template cannot be used, because it {reason}"
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


def template_in_use(tokenizer: "PreTrainedTokenizerBase") -> str:
    """What becomes of the template that a model comes with, in a sentence; empty if it is ours or it has
    none."""
    if not tokenizer.chat_template or tokenizer.chat_template == CHAT_TEMPLATE:
        return ""
    try:
        facts = prove(tokenizer)
    except TemplateRefused as refused:
        return f"the chat template of codemill takes the place of the model's own, which {refused}"
    tools = "tools too" if facts.writes_tools else "no tools"
    return f"the model's own chat template is kept: answers end with {facts.turn_end}; it writes {tools}"


def chat_tokens(tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """The tokens that begin and end a turn, of a prepared tokenizer."""
    if tokenizer.chat_template == CHAT_TEMPLATE:
        return [TURN_START, TURN_END]
    return list(prove(tokenizer).markers)


def stop_token_ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Ids that end an answer, for a generation config, of a prepared tokenizer."""
    tokens = dict.fromkeys((str(tokenizer.eos_token), end_of_text(tokenizer)))
    return [int(tokenizer.convert_tokens_to_ids(token)) for token in tokens]
