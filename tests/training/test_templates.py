"""A model's own chat template is kept where it can be trained with, and refused with the reason elsewhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from posttrain import sft
from posttrain.core.chat_template import CHAT_TEMPLATE, prepare_tokenizer, stop_token_ids, template_in_use
from posttrain.core.policy import load_model, load_tokenizer, prepare_base, save_policy
from posttrain.core.rows import UnusableRow, sft_row
from posttrain.core.template_proof import TemplateRefused, prove, render_turns
from posttrain.core.tokens import PrefixMismatch, make_encoder
from posttrain.tokens.encodings import encode_row
from synth.records import Message
from tests.training.conftest import WriteRows
from tests.training.test_trainers import sft_job
from tests.training.tiny import build_tokenizer, chat_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEMPLATES = Path(__file__).with_name("templates")
OTHER_TOKENS = ["<s>", "</s>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
OTHER_TOKENS += ["<start_of_turn>", "<end_of_turn>"]

KEPT = {
    "chatml_default_system": "<|im_end|>",
    "chatml_tools": "<|im_end|>",
    "header_turns": "<|eot_id|>",
    "instruction_marks": "</s>",
    "system_in_the_question": "<end_of_turn>",
    "end_of_sentence": "</s>",
}
REFUSED = {
    "header_turns_with_date": "today's date",
    "instruction_marks_with_space": "writes ' ' before an answer",
    "system_moves_to_the_last_question": "leaves out|otherwise",
    "no_system": "There is no system turn here",
    "thinking": "writes '<think>",
    "thinking_opened": "otherwise once it has an answer",
    "plain_words": "no special token",
    "forgets_the_system_turn": "leaves out what a turn of role system says",
}
TOOLS = [{"type": "function", "function": {"name": "count", "parameters": {"type": "object"}}}]
TOOL_ROW: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "How many?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"name": "count", "arguments": '{"of": "rows"}'}}],
        },
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": "Three."},
    ],
    "tools": json.dumps(TOOLS),
}


def with_template(name: str) -> "PreTrainedTokenizerBase":
    tokenizer = build_tokenizer()
    tokenizer.add_special_tokens(
        {"additional_special_tokens": OTHER_TOKENS}, replace_extra_special_tokens=False
    )
    tokenizer.chat_template = (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8").rstrip("\n")
    return tokenizer


def test_every_template_is_kept_or_refused() -> None:
    assert {file.stem for file in TEMPLATES.glob("*.jinja")} == KEPT.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", KEPT)
def test_a_template_that_can_be_trained_with_is_kept(name: str) -> None:
    tokenizer = with_template(name)
    own = tokenizer.chat_template
    prepare_tokenizer(tokenizer, "test")
    assert tokenizer.chat_template == own
    assert tokenizer.eos_token == KEPT[name]
    assert tokenizer.convert_tokens_to_ids(KEPT[name]) in stop_token_ids(tokenizer)
    assert "is kept" in template_in_use(tokenizer)
    assert prove(tokenizer).writes_tools == (name == "chatml_tools")


@pytest.mark.parametrize("name", REFUSED)
def test_a_template_that_cannot_is_refused_with_the_reason(name: str) -> None:
    tokenizer = with_template(name)
    with pytest.raises(TemplateRefused, match=REFUSED[name]):
        prove(tokenizer)
    assert "takes the place" in template_in_use(tokenizer)
    assert prepare_tokenizer(tokenizer, "test").chat_template == CHAT_TEMPLATE


CONVERSATION = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="What does `</s><|im_end|><|eot_id|>` do?\n"),
    Message(role="assistant", content="It ends a turn."),
    Message(role="user", content="\n  And 1 + 1?"),
    Message(role="assistant", content="2"),
)


@pytest.mark.parametrize("name", KEPT)
def test_the_prompt_of_an_engine_is_a_prefix_of_the_row(name: str) -> None:
    tokenizer = prepare_tokenizer(with_template(name), "test")
    encoder = make_encoder(tokenizer)
    row = encoder.conversation(CONVERSATION)
    end = tokenizer.convert_tokens_to_ids(KEPT[name])
    trained = [token for token, is_trained in zip(row.ids, row.trained, strict=True) if is_trained]
    answers = [encoder.answer(CONVERSATION[at].content) for at in (2, 4)]
    assert trained == [*answers[0], *answers[1]]
    assert trained[-1] == end
    assert row.ids[: len(encoder.prompt(CONVERSATION[:2]))] == encoder.prompt(CONVERSATION[:2])
    plain = (CONVERSATION[0], Message(role="user", content="And 1 + 1?"))
    turns = [message.model_dump() for message in plain]
    served = tokenizer(
        render_turns(tokenizer, turns, answer_follows=True), add_special_tokens=False
    ).input_ids
    assert encoder.prompt(plain) == served
    assert encoder.conversation(CONVERSATION, untrained={2}).trained.count(True) == len(answers[1])


def test_text_that_looks_like_a_special_token_stays_text() -> None:
    tokenizer = prepare_tokenizer(with_template("header_turns"), "test")
    ids = make_encoder(tokenizer).prompt([Message(role="user", content="<|eot_id|> and </s>")])
    assert ids.count(tokenizer.convert_tokens_to_ids("<|eot_id|>")) == 1
    assert "<|eot_id|> and </s>" in tokenizer.decode(ids)


def test_an_answer_that_the_template_changes_is_rejected() -> None:
    """`trim` takes away a space that the model did write, so the next prompt has other tokens."""
    encoder = make_encoder(prepare_tokenizer(with_template("header_turns"), "test"))
    turns = [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
    messages = [Message.model_validate({"role": role, "content": content}) for role, content in turns]
    assert encoder.conversation(messages).trained.count(True) == 4
    assert encoder.answer("b ") != encoder.answer("b")
    with pytest.raises(PrefixMismatch, match="no character"):
        encoder.conversation([messages[0].model_copy(update={"content": "\ufdd0"}), messages[1]])


def test_tools_are_written_by_a_template_that_can() -> None:
    tokenizer = prepare_tokenizer(with_template("chatml_tools"), "test")
    row = encode_row(make_encoder(tokenizer), sft_row("row 1", TOOL_ROW))
    trained = tokenizer.decode([token for token, on in zip(row.ids, row.trained, strict=True) if on])
    assert trained == (
        '<tool_call>\n{"name": "count", "arguments": {"of": "rows"}}\n</tool_call><|im_end|>Three.<|im_end|>'
    )
    whole = tokenizer.decode(row.ids)
    assert '"parameters": {"type": "object"}' in whole
    assert "<tool_response>\n3\n</tool_response>" in whole


@pytest.mark.parametrize("name", ["chatml_default_system", "plain_words"])
def test_tools_are_refused_where_no_template_writes_them(name: str) -> None:
    encoder = make_encoder(prepare_tokenizer(with_template(name), "test"))
    with pytest.raises(UnusableRow, match="does not write"):
        encode_row(encoder, sft_row("row 1", TOOL_ROW))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tools": "{"}, "list of objects"),
        ({"messages": TOOL_ROW["messages"][:3]}, "ends with tool"),
        ({"messages": [{"role": "tool", "content": "3"}]}, "nothing to train on"),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "["}}]}
                ]
            },
            "arguments",
        ),
        ({"messages": [{"role": "machine", "content": "3"}]}, "roles"),
        ({"messages": [{"role": "assistant", "content": "a", "reasoning": "b"}]}, "reasoning"),
        ({"messages": [{"role": "assistant", "content": "\ud800"}]}, "half a character"),
    ],
)
def test_rows_with_tools_that_cannot_be_used_say_why(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnusableRow, match=reason):
        sft_row("row 1", {**TOOL_ROW, **change})


def test_a_kept_template_goes_through_training_to_the_engine(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    """The base and what is trained from it have the template, the stop tokens and the ids in common."""
    tokenizer = with_template("chatml_tools")
    model = load_model(str(policy), "float32")
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "hub")
    base = prepare_base(tmp_path / "hub", tmp_path / "base")
    assert load_tokenizer(str(base)).chat_template == tokenizer.chat_template
    done = sft.train(sft_job(base, write_rows("rows", [*chat_rows(7), TOOL_ROW]), tmp_path / "out"))
    assert done.manifest.rows == 8
    served = load_tokenizer(str(done.merged))
    assert served.chat_template == tokenizer.chat_template
    assert save_policy(load_model(str(done.merged), "float32"), str(base), tmp_path / "again")
    stops = json.loads((done.merged / "generation_config.json").read_text())["eos_token_id"]
    assert stops == stop_token_ids(served) == [served.eos_token_id, served.pad_token_id]
