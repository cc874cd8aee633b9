"""How one row of each kind of training becomes columns of tokens.

Place in the flow: `parts` reads a row -> here -> `shards` writes it. The one rule: a kind of training is one
entry of `ENCODINGS`. Columns that end in `_ids` are what a row's length counts; a column may hold a list of
integers, or one integer, one number or one truth value a row.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from posttrain.core.rows import (
    DPO_COLUMNS,
    KTO_COLUMNS,
    SFT_COLUMNS,
    Conversation,
    LabelledAnswer,
    PlainText,
    Preference,
    SftRow,
    ToolConversation,
    UnusableRow,
    labelled_row,
    preference_row,
    sft_row,
)
from posttrain.core.tokens import Encoder, TokenRow

Columns = dict[str, list[int] | int | float | bool]


class TooLong(ValueError):
    """A row with more tokens than the limit."""

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens = tokens
        super().__init__(f"{tokens} tokens, at most {limit}")


class Encoding(NamedTuple):
    """One kind of training: how its rows are read and encoded."""

    parse: Callable[[str, dict[str, object]], Any]
    """(place, columns) -> a typed row. Raises UnusableRow."""
    encode: Callable[[Encoder, Any], Columns]
    """Raises PrefixMismatch."""
    longest: Callable[[Columns], int]
    """Tokens that the model sees at once, which `max_length` limits."""
    expects: str
    """The columns that a row must have, in words."""


def encode_row(encoder: Encoder, row: SftRow) -> TokenRow:
    """Tokens of one row, and which of them are trained."""
    if isinstance(row, Conversation):
        return encoder.conversation(row.messages, row.first_trained, row.untrained)
    if isinstance(row, PlainText):
        return encoder.plain(row.text)
    if isinstance(row, ToolConversation):
        if not encoder.writes_tools:
            raise UnusableRow("has tools or calls of them, which this policy's chat template does not write")
        return encoder.tool_conversation(row.turns, row.tools, row.first_trained, row.untrained)
    return encoder.plain_completion(row.prompt, row.completion)


def _sft(encoder: Encoder, row: SftRow) -> Columns:
    tokens = encode_row(encoder, row)
    return {"input_ids": tokens.ids, "labels": tokens.labels}


def encode_pair(encoder: Encoder, row: Preference) -> dict[str, list[int]]:
    """Tokens of one pair. Plain texts end with `<|endoftext|>`, answers in chats with `<|im_end|>`."""
    if isinstance(row.prompt, str):
        chosen, rejected = (
            encoder.plain_completion(row.prompt, row.chosen),
            encoder.plain_completion(row.prompt, row.rejected),
        )
        length = chosen.trained.index(True)
        return {
            "prompt_ids": chosen.ids[:length],
            "chosen_ids": chosen.ids[length:],
            "rejected_ids": rejected.ids[length:],
        }
    answers = {"chosen_ids": encoder.answer(row.chosen), "rejected_ids": encoder.answer(row.rejected)}
    return {"prompt_ids": encoder.prompt(row.prompt), **answers}


def _pair(encoder: Encoder, row: Preference) -> Columns:
    return {**encode_pair(encoder, row)}


def _labelled(encoder: Encoder, row: LabelledAnswer) -> Columns:
    if isinstance(row.prompt, str):
        whole = encoder.plain_completion(row.prompt, row.answer)
        length = whole.trained.index(True)
        prompt, answer = whole.ids[:length], whole.ids[length:]
    else:
        prompt, answer = encoder.prompt(row.prompt), encoder.answer(row.answer)
    return {"prompt_ids": prompt, "completion_ids": answer, "label": row.is_good}


def _length(columns: Columns, name: str) -> int:
    value = columns[name]
    assert isinstance(value, list)
    return len(value)


def _longest_answer(columns: Columns) -> int:
    answers = (_length(columns, name) for name in ("chosen_ids", "rejected_ids"))
    return _length(columns, "prompt_ids") + max(answers)


def row_length(columns: Columns) -> int:
    """Tokens of a row: all columns of ids together."""
    return sum(len(ids) for name, ids in columns.items() if name.endswith("_ids") and isinstance(ids, list))


ENCODINGS: Mapping[str, Encoding] = {
    "sft": Encoding(sft_row, _sft, lambda columns: _length(columns, "input_ids"), SFT_COLUMNS),
    "dpo": Encoding(preference_row, _pair, _longest_answer, DPO_COLUMNS),
    "kto": Encoding(labelled_row, _labelled, row_length, KTO_COLUMNS),
}
"""By the job's kind."""
