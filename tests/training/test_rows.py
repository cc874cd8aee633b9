"""Data sets that need not come from us: every form of TRL's columns, every kind of file, and errors that name
the row."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow
import pytest
from pyarrow import parquet

from posttrain.core.data_files import data_files, data_hash
from posttrain.core.jobs import TrainingSet
from posttrain.core.rows import (
    Conversation,
    PlainCompletion,
    PlainText,
    Preference,
    SftRow,
    preference_row,
    sft_row,
)
from posttrain.core.tokens import Encoder
from posttrain.tokens.build import Tokenizing, Wanted, token_store
from posttrain.tokens.parts import cut, read_part
from posttrain.tokens.selection import StoredSet, TokenRows, check_rows
from synth.errors import DatasetError
from synth.records import Message
from tests.training.conftest import WriteRows
from tests.training.tiny import Row, chat_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Refusal = Callable[[str, Path], DatasetError]

USER = {"role": "user", "content": "q"}
ANSWER = {"role": "assistant", "content": "a"}
OTHER = {"role": "assistant", "content": "b"}
SYSTEM = {"role": "system", "content": "s"}


def read_sft(path: Path) -> list[SftRow]:
    found = (row for part in cut(data_files(path)) for row in read_part(part))
    return [sft_row(where, row) for where, row in found if isinstance(row, dict)]


@pytest.fixture
def refusal(tokenizer: "PreTrainedTokenizerBase", tmp_path: Path) -> Refusal:
    """The error that a data set gives when its rows are tokenized."""

    def refuse(kind: str, file: Path) -> DatasetError:
        tokenizing = Tokenizing(Encoder(tokenizer), "test", workers=1)
        with pytest.raises(DatasetError) as caught:
            store = token_store(tmp_path / "tokens", Wanted(file, kind, 512), tokenizing)
            check_rows(TokenRows((StoredSet(TrainingSet(paths=(str(file),)), (store,)),)), kind, ())
        return caught.value

    return refuse


S = Message(role="system", content="s")
Q, A = Message(role="user", content="q"), Message(role="assistant", content="a")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"messages": [USER, ANSWER], "source": "x"}, Conversation("r", (Q, A))),
        ({"prompt": [USER], "completion": [ANSWER]}, Conversation("r", (Q, A), first_trained=1)),
        ({"prompt": "q", "completion": "a"}, PlainCompletion("r", "q", "a")),
        ({"text": "t"}, PlainText("r", "t")),
        ({"prompt": "q", "messages": [USER, ANSWER]}, Conversation("r", (Q, A))),
        ({"messages": [{**USER, "name": "n"}, ANSWER]}, Conversation("r", (Q, A))),
        ({"messages": [USER, {**ANSWER, "tool_calls": []}]}, Conversation("r", (Q, A))),
        (
            {"messages": [USER, {**ANSWER, "weight": 0}, USER, {**ANSWER, "weight": 1}]},
            Conversation("r", (Q, A, Q, A), untrained=frozenset({1})),
        ),
        (
            {"prompt": [USER], "completion": [{**ANSWER, "weight": 0.0}, USER, ANSWER]},
            Conversation("r", (Q, A, Q, A), 1, frozenset({1})),
        ),
    ],
)
def test_each_supervised_form_is_read(row: Row, expected: object) -> None:
    assert sft_row("r", row) == expected


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"prompt": [USER], "chosen": [ANSWER], "rejected": [OTHER]}, (Q,)),
        ({"chosen": [USER, ANSWER], "rejected": [USER, OTHER]}, (Q,)),
        ({"prompt": "the same as the first turn", "chosen": [USER, ANSWER], "rejected": [USER, OTHER]}, (Q,)),
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, "q"),
        ({"prompt": [USER], "chosen": [USER, ANSWER], "rejected": [USER, OTHER]}, (Q,)),
        (
            {"prompt": [SYSTEM, USER], "chosen": [SYSTEM, USER, ANSWER], "rejected": [SYSTEM, USER, OTHER]},
            (S, Q),
        ),
    ],
)
def test_each_preference_form_is_read(row: Row, prompt: object) -> None:
    assert preference_row("r", row) == Preference("r", prompt, "a", "b")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"question": "q", "answer": "a"},
            "has the columns `question`, `answer`, but must have `messages`, or `prompt` and",
        ),
        ({"prompt": "q"}, "has the columns `prompt`, but must have"),
        ({"messages": [USER]}, "has no assistant turn"),
        ({"prompt": [USER, ANSWER], "completion": [USER]}, "has no assistant turn"),
        ({"messages": "hello"}, "must have a list of messages in `messages`, but has str"),
        (
            {"messages": [{"role": "robot", "content": "x"}, ANSWER]},
            "must have messages with role and content in `messages`",
        ),
        ({"prompt": "q", "completion": [ANSWER]}, "must have a list of messages in `prompt`, but has str"),
        ({"text": 3}, "must have text in `text`, but has int"),
        ({"text": " \n"}, "must have text in `text`, but that is empty"),
        ({"prompt": "q", "completion": ""}, "must have text in `completion`, but that is empty"),
        ({"messages": [USER, {"role": "assistant", "content": " "}]}, "must have text in `turn 2`"),
        ({"messages": [USER, ANSWER, USER]}, "must end with an assistant turn, but ends with user"),
        ({"messages": [USER, {**ANSWER, "weight": 0}]}, "has no assistant turn"),
        ({"messages": [USER, {**ANSWER, "weight": 0.5}]}, "must have a weight of 0 or 1"),
        ({"messages": [USER, {**ANSWER, "tool_calls": [{}]}]}, "in each call of turn 2"),
        ({"messages": [USER, {**ANSWER, "tool_calls": [{"name": "f"}]}]}, "chat template does not write"),
        ({"messages": [USER, ANSWER], "tools": [{"name": "f"}]}, "chat template does not write"),
        ({"messages": [USER, {**ANSWER, "function_call": {"name": "f"}}]}, "has `function_call`"),
        ({"messages": [USER, {**ANSWER, "reasoning_content": "so"}]}, "has `reasoning_content`"),
        ({"messages": [USER, {"role": "assistant", "content": "x\udc00"}]}, r"has half a character (\udc00"),
        ({"messages": [{"role": "user", "content": "\ud83d"}, ANSWER]}, "in `messages`, turn 1, place 0"),
        ({"prompt": "\ud83d", "completion": "a"}, "has half a character"),
    ],
)
def test_a_supervised_row_that_cannot_be_used_is_named(
    write_rows: WriteRows, refusal: Refusal, row: Row, message: str
) -> None:
    file = write_rows("data", [*chat_rows(2), row])
    error = refusal("sft", file)
    assert message in str(error)
    assert f"{file}: row 3" in str(error)
    assert "has 1 unusable row of 3" in str(error)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"prompt": "q", "completion": "a"},
            "has the columns `prompt`, `completion`, `id`, but must have `prompt`, `chosen` and `rejected`",
        ),
        ({"chosen": [ANSWER], "rejected": [OTHER]}, "but no prompt"),
        (
            {"prompt": [USER], "chosen": [USER], "rejected": [OTHER]},
            "must add one assistant turn to the prompt in `chosen`, but adds: user",
        ),
        ({"chosen": "a", "rejected": "b"}, "must have text in `prompt`, but has nothing"),
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, "must have two different answers"),
        ({"prompt": [USER], "chosen": [ANSWER], "rejected": [ANSWER]}, "must have two different answers"),
        (
            {"prompt": [USER], "chosen": [{**ANSWER, "tool_calls": [{"id": "c"}]}], "rejected": [OTHER]},
            "has `tool_calls` in `chosen`, turn 1",
        ),
    ],
)
def test_a_preference_row_that_cannot_be_used_is_named(
    write_rows: WriteRows, refusal: Refusal, row: Row, message: str
) -> None:
    error = refusal("dpo", write_rows("pairs", [{**row, "id": "pair-7"}]))
    assert message in str(error)
    assert "(pair-7)" in str(error)


def test_many_bad_rows_are_counted_and_the_first_five_shown(write_rows: WriteRows, refusal: Refusal) -> None:
    error = refusal("sft", write_rows("data", [{"x": number} for number in range(40)]))
    assert "has 40 unusable rows of 40" in str(error)
    assert len(error.problems) == 6


def test_a_line_that_is_no_json_is_named(tmp_path: Path, refusal: Refusal) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text('{"text": "a"}\n\n{"text": \n[]\n' + "[" * 200_000 + "\n")
    error = str(refusal("sft", file))
    assert f"{file}:3\n  is not JSON" in error
    assert f"{file}:4\n  must be one JSON object" in error
    assert f"{file}:5\n  is not JSON" in error


def test_an_empty_data_set_is_refused(write_rows: WriteRows, refusal: Refusal) -> None:
    assert "has no rows" in str(refusal("sft", write_rows("data", [])))


def test_a_missing_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        data_files(tmp_path / "nowhere")


def as_parquet(rows: Sequence[Row], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)
    }
    parquet.write_table(pyarrow.table(columns), file)


def test_parquet_and_datasets_folders_give_the_same_rows_as_json_lines(
    write_rows: WriteRows, tmp_path: Path
) -> None:
    from datasets import Dataset

    rows = chat_rows(5)
    expected = [
        (row.messages, row.first_trained)
        for row in read_sft(write_rows("data", rows))
        if isinstance(row, Conversation)
    ]
    as_parquet(rows, tmp_path / "p" / "part-0.parquet")
    Dataset.from_list(rows).shuffle(seed=0).select(range(5)).save_to_disk(str(tmp_path / "d"))
    for path in (tmp_path / "p" / "part-0.parquet", tmp_path / "p", tmp_path / "d"):
        found = [(row.messages, row.first_trained) for row in read_sft(path) if isinstance(row, Conversation)]
        assert sorted(found, key=str) == sorted(expected, key=str)


def test_one_file_may_mix_conversations_and_texts_with_null_columns(tmp_path: Path) -> None:
    as_parquet(
        [*chat_rows(1), {"text": "<|fim_prefix|>a<|fim_suffix|>c<|fim_middle|>b"}], tmp_path / "mixed.parquet"
    )
    assert [type(row) for row in read_sft(tmp_path / "mixed.parquet")] == [Conversation, PlainText]


def test_held_out_splits_of_a_folder_are_never_read(tmp_path: Path) -> None:
    for name in ("train-00000-of-00001", "test-00000-of-00001", "validation"):
        as_parquet(chat_rows(1), tmp_path / "data" / f"{name}.parquet")
    as_parquet(chat_rows(1), tmp_path / "data" / "testimonials.parquet")
    assert [file.name for file in data_files(tmp_path)] == [
        "testimonials.parquet",
        "train-00000-of-00001.parquet",
    ]


def test_the_hash_of_the_data_follows_its_bytes_and_not_its_place(write_rows: WriteRows) -> None:
    one, same, other = (
        write_rows("one", chat_rows(3)),
        write_rows("same", chat_rows(3)),
        write_rows("other", chat_rows(4)),
    )
    assert data_hash([one]) == data_hash([same]) != data_hash([other])
    assert data_hash([one, other]) != data_hash([other, one])
