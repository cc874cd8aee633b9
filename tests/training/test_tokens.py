"""Which tokens are trained, written out; and that a prompt's tokens, as an engine makes them, always begin
the trained row."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posttrain.core.chat_template import (
    CHAT_TEMPLATE,
    END_OF_TEXT,
    FIM_TOKENS,
    SPECIAL_TOKENS,
    TURN_END,
    TURN_START,
    prepare_tokenizer,
    render,
)
from posttrain.core.rows import Conversation, PlainCompletion, PlainText, sft_row
from posttrain.core.tokens import Encoder, PrefixMismatch, TokenRow
from posttrain.tokens.encodings import encode_row
from synth.errors import TrainerError
from synth.records import Message
from tests.training.tiny import build_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER = build_tokenizer()
ENCODER = Encoder(TOKENIZER)


def user(content: str) -> Message:
    return Message(role="user", content=content)


def assistant(content: str) -> Message:
    return Message(role="assistant", content=content)


def shown(row: TokenRow) -> str:
    """Tokens as text, those that are trained in square brackets; line breaks are `Ċ`, blanks `Ġ`, as
    byte-level BPE writes them."""
    pieces = zip(TOKENIZER.convert_ids_to_tokens(row.ids), row.trained, strict=True)
    return " ".join(f"[{piece}]" if trained else piece for piece, trained in pieces)


# --- golden masks -------------------------------------------------------------------------------------------


def test_one_turn_trains_the_answer_and_the_end_of_turn_and_nothing_else() -> None:
    row = ENCODER.conversation([user("hi"), assistant("ok\n")])
    assert (
        shown(row)
        == "<|im_start|> user Ċ h i <|im_end|> Ċ <|im_start|> assistant Ċ [o] [k] [Ċ] [<|im_end|>] Ċ"
    )


def test_no_system_turn_is_invented_and_the_first_user_turn_stays() -> None:
    row = ENCODER.conversation([user("a"), assistant("b")])
    assert shown(row).startswith("<|im_start|> user Ċ a <|im_end|>")
    assert "system" not in TOKENIZER.decode(row.ids)


def test_every_assistant_turn_of_messages_is_trained_and_every_other_turn_is_masked() -> None:
    messages = [Message(role="system", content="s"), user("a"), assistant("b"), user("c"), assistant("d")]
    assert shown(ENCODER.conversation(messages)) == (
        "<|im_start|> s y s t e m Ċ s <|im_end|> Ċ "
        "<|im_start|> user Ċ a <|im_end|> Ċ <|im_start|> assistant Ċ [b] [<|im_end|>] Ċ "
        "<|im_start|> user Ċ c <|im_end|> Ċ <|im_start|> assistant Ċ [d] [<|im_end|>] Ċ"
    )


def test_of_prompt_and_completion_only_the_completion_is_trained() -> None:
    row = Conversation("row", (user("a"), assistant("b"), user("c"), assistant("d")), first_trained=3)
    assert shown(encode_row(ENCODER, row)) == (
        "<|im_start|> user Ċ a <|im_end|> Ċ <|im_start|> assistant Ċ b <|im_end|> Ċ "
        "<|im_start|> user Ċ c <|im_end|> Ċ <|im_start|> assistant Ċ [d] [<|im_end|>] Ċ"
    )


def test_a_turn_without_weight_is_read_and_not_trained() -> None:
    row = Conversation(
        "row", (user("a"), assistant("b"), user("c"), assistant("d")), untrained=frozenset({1})
    )
    assert shown(encode_row(ENCODER, row)) == (
        "<|im_start|> user Ċ a <|im_end|> Ċ <|im_start|> assistant Ċ b <|im_end|> Ċ "
        "<|im_start|> user Ċ c <|im_end|> Ċ <|im_start|> assistant Ċ [d] [<|im_end|>] Ċ"
    )


def test_a_plain_text_is_trained_whole() -> None:
    assert shown(encode_row(ENCODER, PlainText("row", "a b"))) == "[a] [Ġ] [b] [<|endoftext|>]"


def test_of_a_fill_in_the_middle_text_the_middle_is_trained_and_it_ends_once() -> None:
    text = "<|fim_prefix|>a<|fim_suffix|>c<|fim_middle|>b"
    expected = "<|fim_prefix|> a <|fim_suffix|> c <|fim_middle|> [b] [<|endoftext|>]"
    assert shown(encode_row(ENCODER, PlainText("row", text))) == expected
    assert shown(encode_row(ENCODER, PlainText("row", text + END_OF_TEXT))) == expected


def test_a_plain_completion_is_trained_with_the_end_of_text() -> None:
    row = encode_row(ENCODER, PlainCompletion("row", "a:", "\n\nb"))
    assert shown(row) == "a : [ĊĊ] [b] [<|endoftext|>]"


def test_labels_ignore_what_is_masked() -> None:
    row = ENCODER.conversation([user("a"), assistant("b")])
    ids = TOKENIZER.convert_tokens_to_ids(["b", TURN_END])
    assert [label for label in row.labels if label != -100] == ids


# --- the prefix property ------------------------------------------------------------------------------------

texts = st.lists(st.sampled_from([*"ab \n\t<|>_im9é写", "user", "assistant", "\n\n"]), max_size=12).map(
    "".join
)


def conversations(contents: st.SearchStrategy[str]) -> st.SearchStrategy[list[Message]]:
    turns = st.lists(st.tuples(contents, contents), min_size=1, max_size=3)
    return turns.map(
        lambda pairs: [
            message for question, answer in pairs for message in (user(question), assistant(answer))
        ]
    )


@given(conversations(texts))
@settings(max_examples=300, deadline=None)
def test_a_prompt_as_the_engine_tokenizes_it_is_a_prefix_of_the_row(messages: list[Message]) -> None:
    prompt = [message.model_dump() for message in messages[:-1]]
    served = TOKENIZER.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False)
    row = ENCODER.conversation(messages, first_trained=len(messages) - 1)
    assert row.ids[: len(served)] == served
    assert not any(row.trained[: len(served)])
    assert TOKENIZER.decode(row.ids) == render(messages)


@given(conversations(texts.map(str.strip)))
@settings(max_examples=200, deadline=None)
def test_a_row_is_what_the_template_gives(messages: list[Message]) -> None:
    whole = TOKENIZER.apply_chat_template([message.model_dump() for message in messages], return_dict=False)
    assert ENCODER.conversation(messages).ids == whole


def test_an_answer_that_begins_with_a_line_break_does_not_move_the_boundary() -> None:
    row = ENCODER.conversation([user("a"), assistant("\nb")])
    assert shown(row).endswith("assistant Ċ [Ċ] [b] [<|im_end|>] Ċ")
    joined = TOKENIZER.apply_chat_template(
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "\nb"}], return_dict=False
    )
    assert TOKENIZER.convert_tokens_to_ids("ĊĊ") in joined, (
        "text joined before tokenizing would have moved it"
    )


def test_a_trained_turn_that_an_engine_would_read_otherwise_is_refused() -> None:
    with pytest.raises(PrefixMismatch, match="not a prefix"):
        ENCODER.conversation([user("a"), assistant("\nb"), user("c"), assistant("d")])


# --- special tokens in content ------------------------------------------------------------------------------


@pytest.mark.parametrize("token", SPECIAL_TOKENS)
def test_special_token_text_in_content_stays_text(token: str) -> None:
    hostile = f"{token}x{token[:2]}{token}{token}"
    messages = [user(hostile), assistant(hostile)]
    row = ENCODER.conversation(messages)
    special = [piece for piece in TOKENIZER.convert_ids_to_tokens(row.ids) if piece in SPECIAL_TOKENS]
    assert special == [TURN_START, TURN_END, TURN_START, TURN_END]
    assert TOKENIZER.decode(row.ids) == render(messages)
    assert row.ids[: len(ENCODER.prompt(messages[:1]))] == ENCODER.prompt(messages[:1])


@given(
    conversations(
        st.lists(
            st.sampled_from([*SPECIAL_TOKENS, "<|", "|>", "<", "im_end", " ", "\n", "x"]), max_size=6
        ).map("".join)
    )
)
@settings(max_examples=200, deadline=None)
def test_no_mixture_of_special_texts_becomes_special(messages: list[Message]) -> None:
    row = ENCODER.conversation(messages, first_trained=len(messages) - 1)
    starts = TOKENIZER.convert_tokens_to_ids(list(SPECIAL_TOKENS))
    assert sum(token in starts for token in row.ids) == 2 * len(messages)
    assert TOKENIZER.decode(row.ids) == render(messages)


def test_special_tokens_that_a_vocabulary_does_not_call_special_stay_text_too() -> None:
    """Qwen2.5 lists its FIM tokens as ordinary added tokens, which `split_special_tokens` would let
    through."""
    from transformers import Qwen2Tokenizer
    from transformers.tokenization_utils_base import AddedToken

    vocabulary = TOKENIZER.get_vocab()
    plain = Qwen2Tokenizer(
        vocab={piece: number for piece, number in vocabulary.items() if piece not in SPECIAL_TOKENS},
        merges=[],
    )
    plain.add_tokens([AddedToken(token, special=False, normalized=False) for token in FIM_TOKENS])
    plain.add_special_tokens({"additional_special_tokens": [TURN_START, TURN_END]})
    row = Encoder(prepare_tokenizer(plain, "test")).conversation([user("<|fim_prefix|>"), assistant("y")])
    assert plain.convert_tokens_to_ids("<|fim_prefix|>") not in row.ids


# --- the tokenizer ------------------------------------------------------------------------------------------


def test_the_template_file_and_render_agree() -> None:
    messages = [Message(role="system", content=" s\n"), user("\nq "), assistant("a")]
    given_by_template = TOKENIZER.apply_chat_template(
        [message.model_dump() for message in messages], tokenize=False
    )
    assert given_by_template == render(messages)
    assert TOKENIZER.chat_template == CHAT_TEMPLATE


def test_padding_is_not_the_end_of_a_turn() -> None:
    assert TOKENIZER.pad_token == END_OF_TEXT
    assert TOKENIZER.eos_token == TURN_END


def test_a_vocabulary_without_the_chat_tokens_is_refused() -> None:
    from transformers import Qwen2Tokenizer

    with pytest.raises(TrainerError, match=r"lacks <\|im_start\|>, <\|im_end\|>"):
        prepare_tokenizer(Qwen2Tokenizer(), "some model")


def test_a_tokenizer_file_that_asks_for_truncation_cuts_nothing(tokenizer: "PreTrainedTokenizerBase") -> None:
    other = build_tokenizer()
    other.backend_tokenizer.enable_truncation(4)
    assert len(Encoder(other).text("abcdefgh")) == 9


def test_a_row_names_its_form_by_its_columns() -> None:
    assert isinstance(sft_row("r", {"text": "x", "prefix": "", "middle": "x", "suffix": ""}), PlainText)
