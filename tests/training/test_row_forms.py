"""Rows of ShareGPT and Alpaca, columns under other names, and marks that say what is trained."""

import re

import pytest

from posttrain.core.row_forms import in_trl_columns
from posttrain.core.rows import (
    Conversation,
    LabelledAnswer,
    PlainText,
    Preference,
    UnusableRow,
    labelled_row,
    preference_row,
    sft_row,
)
from synth.records import Message
from tests.training.tiny import Row

S, Q, A = (Message(role=role, content=role[0]) for role in ("system", "user", "assistant"))
HUMAN, GPT = {"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}
ROBOT = {"from": "gpt", "value": "b"}
USER, ASSISTANT = {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}


def read(row: Row, **columns: str) -> object:
    return sft_row("r", in_trl_columns(row, columns))


def read_pair(row: Row, **columns: str) -> object:
    return preference_row("r", in_trl_columns(row, columns))


@pytest.mark.parametrize(
    ("row", "columns", "expected"),
    [
        ({"conversations": [HUMAN, GPT]}, {}, (Q, A)),
        ({"conversations": [{"from": "system", "value": "s"}, HUMAN, GPT]}, {}, (S, Q, A)),
        ({"system": "s", "conversations": [HUMAN, GPT]}, {}, (S, Q, A)),
        ({"conversations": [USER, ASSISTANT]}, {}, (Q, A)),
        ({"dialogue": [HUMAN, GPT]}, {"conversations": "dialogue"}, (Q, A)),
        ({"instruction": "u", "output": "a", "text": "### Instruction: u"}, {}, (Q, A)),
        ({"instruction": "u", "input": "", "output": "a", "system": "s"}, {}, (S, Q, A)),
        (
            {"instruction": "add", "input": "1 2", "output": "a"},
            {},
            (Message(role="user", content="add\n1 2"), A),
        ),
        ({"instruction": "u", "output": "a", "history": [["u", "a"]]}, {}, (Q, A, Q, A)),
        (
            {"question": "u", "answer": "a", "text": "no"},
            {"instruction": "question", "output": "answer"},
            (Q, A),
        ),
        ({"messages": [USER, ASSISTANT], "instruction": "x", "output": "y"}, {}, (Q, A)),
    ],
)
def test_each_form_becomes_a_conversation(row: Row, columns: dict[str, str], expected: object) -> None:
    found = read(row, **columns)
    assert isinstance(found, Conversation) and found.messages == expected


def test_columns_that_are_named_come_before_those_of_other_forms() -> None:
    row: Row = {"messages": [USER, ASSISTANT], "code": "x = 1", "id": "7"}
    assert in_trl_columns(row, {"text": "code"}) == {"text": "x = 1", "code": "x = 1", "id": "7"}
    assert read(row, text="code") == PlainText("r", "x = 1")


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [HUMAN], "chosen": GPT, "rejected": ROBOT},
        {"instruction": "u", "chosen": "a", "rejected": "b"},
        {"prompt": [USER], "chosen": [USER, ASSISTANT], "rejected": [USER, {**ASSISTANT, "content": "b"}]},
    ],
)
def test_each_form_becomes_a_preference(row: Row) -> None:
    assert read_pair(row) == Preference("r", (Q,), "a", "b")


@pytest.mark.parametrize(
    "row",
    [{"conversations": [HUMAN, GPT]}, {"instruction": "u", "output": "a"}, {"input": "u", "reply": "a"}],
)
def test_each_form_becomes_a_labelled_answer(row: Row) -> None:
    columns = {"instruction": "input", "output": "reply"} if "reply" in row else {}
    found = labelled_row(
        "r", in_trl_columns({**row, "label": False}, {**columns, "label": "label"} if columns else {})
    )
    assert found == LabelledAnswer("r", (Q,), "a", False)


@pytest.mark.parametrize(
    ("turns", "untrained"),
    [
        ([USER, {**ASSISTANT, "train": False}, USER, ASSISTANT], {1}),
        ([USER, {**ASSISTANT, "train": True}], set()),
        ([USER, {**ASSISTANT, "weight": 0, "train": True}, USER, ASSISTANT], {1}),
        ([{**USER, "train": False, "weight": 0}, ASSISTANT], {0}),
    ],
)
def test_turns_that_are_marked_are_read_and_not_trained(turns: list[Row], untrained: set[int]) -> None:
    found = read({"messages": turns})
    assert isinstance(found, Conversation) and found.untrained == untrained


def test_marks_of_sharegpt_turns_count_too() -> None:
    found = read({"conversations": [HUMAN, {**GPT, "weight": 0}, HUMAN, GPT]})
    assert isinstance(found, Conversation) and found.untrained == {1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"conversations": [{"from": "tool", "value": "x"}, GPT]}, "has a turn from 'tool'"),
        ({"conversations": [{"from": "function_call", "value": "f()"}, GPT]}, "has a turn from 'function_"),
        ({"conversations": [HUMAN, {**GPT, "thinking": "so"}]}, "has `thinking`"),
        (
            {"conversations": [HUMAN, {"from": "gpt", "value": None}]},
            "must have messages with role and content",
        ),
        ({"conversations": [HUMAN, {"from": "gpt", "value": " "}]}, "must have text in `turn 2`"),
        ({"conversations": ["hello", GPT]}, "one is str"),
        ({"instruction": ["u"], "output": "a"}, "must have text in `instruction`, but has list"),
        ({"instruction": "u", "output": "a", "history": [["u"]]}, "must have pairs of a question and"),
        ({"instruction": "u", "output": ""}, "must have text in `turn 2`"),
        ({"messages": [USER, ASSISTANT], "weight": 0}, "has `weight` 0 for the whole row"),
        ({"messages": [USER, ASSISTANT], "weight": 0.5}, "has `weight` 0.5 for the whole row"),
        ({"text": "x", "train": False}, "has `train` False for the whole row"),
        ({"messages": [USER, {**ASSISTANT, "train": "no"}]}, "must have a train of true or false"),
        ({"messages": [USER, {**ASSISTANT, "train": 0.5}]}, "must have a train of true or false"),
        ({"messages": [{**USER, "train": True}, ASSISTANT]}, "only turns of the assistant are trained"),
        ({"messages": [USER, {**ASSISTANT, "train_detail": [{"begin_offset": 0}]}]}, "has `train_detail`"),
        ({"messages": [USER, {**ASSISTANT, "train": False}]}, "has no assistant turn"),
    ],
)
def test_what_cannot_be_trained_as_it_is_is_refused_in_words(row: Row, message: str) -> None:
    with pytest.raises(UnusableRow, match=re.escape(message)):
        read(row)


def test_a_whole_row_may_say_that_it_counts_once() -> None:
    assert isinstance(read({"messages": [USER, ASSISTANT], "weight": 1.0, "train": True}), Conversation)
