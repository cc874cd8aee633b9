"""The accepted forms of a training row, in TRL's columns; the rows may come from anywhere.

Place in the flow: `data_files` reads dicts -> here they become typed rows -> `tokens`. The one rule: an error
names each unusable row, with the columns found and expected. Extra columns are ignored and null columns count
as absent, so one file may mix conversations and plain texts. If a row has several forms, the first of these
wins: messages, prompt + completion, text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from posttrain.core.data_files import read_files
from synth.errors import DatasetError, Problem
from synth.records import Message

SFT_COLUMNS = "`messages`, or `prompt` and `completion`, or `text`"
DPO_COLUMNS = "`prompt`, `chosen` and `rejected` (or `chosen` and `rejected` as whole conversations)"
SHOWN = 5
"""Maximum number of bad rows listed in an error."""

Messages = tuple[Message, ...]
Row = TypeVar("Row")
_MESSAGES = TypeAdapter(Messages)


class UnusableRow(ValueError):
    """A row that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages; assistant turns from index `first_trained` on are trained."""

    where: str
    messages: Messages
    first_trained: int = 0


@dataclass(frozen=True, slots=True)
class PlainCompletion:
    """A plain text and its continuation; only the continuation is trained."""

    where: str
    prompt: str
    completion: str


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text without turns, trained whole; of a fill-in-the-middle text only the middle is trained."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Preference:
    """A prompt (a conversation, or a plain text) and two answers to it."""

    where: str
    prompt: Messages | str
    chosen: str
    rejected: str


SftRow = Conversation | PlainCompletion | PlainText


def read_sft(paths: Sequence[Path]) -> list[SftRow]:
    """Every row of supervised data. Raises a DatasetError that counts the unusable rows and names
    the first five."""
    return _parse_all(paths, sft_row, SFT_COLUMNS)


def read_preferences(paths: Sequence[Path]) -> list[Preference]:
    """Every row of preference data. Raises DatasetError as `read_sft` does."""
    return _parse_all(paths, preference_row, DPO_COLUMNS)


def _parse_all(
    paths: Sequence[Path], parse: Callable[[str, dict[str, object]], Row], columns: str
) -> list[Row]:
    rows: list[Row] = []
    bad: list[Problem] = []
    count = 0
    for where, columns_found in read_files(paths):
        try:
            rows.append(parse(where, columns_found))
        except UnusableRow as error:
            count += 1
            if len(bad) < SHOWN:
                bad.append(
                    Problem(where, str(error), f"give each row {columns}", "docs/architecture/training.md")
                )
    if bad:
        total = Problem(
            ", ".join(map(str, paths)),
            f"has {count} unusable row{'' if count == 1 else 's'} of {count + len(rows)}; see below",
            "correct the rows",
        )
        raise DatasetError(total, *bad)
    if not rows:
        raise DatasetError(
            Problem(", ".join(map(str, paths)), "has no rows", "check the stage that makes this data set")
        )
    return rows


# --- one row ------------------------------------------------------------------------------------------------


def sft_row(where: str, row: dict[str, object]) -> SftRow:
    """A row of supervised data. Raises UnusableRow."""
    if "messages" in row:
        return _with_answer(Conversation(where, _messages(row, "messages")))
    if "prompt" in row and "completion" in row:
        if isinstance(row["prompt"], str) and isinstance(row["completion"], str):
            return PlainCompletion(where, row["prompt"], row["completion"])
        prompt = _messages(row, "prompt")
        return _with_answer(Conversation(where, prompt + _messages(row, "completion"), len(prompt)))
    if "text" in row:
        return PlainText(where, _text(row, "text"))
    raise UnusableRow(f"has the columns {_names(row)}, but must have {SFT_COLUMNS}")


def preference_row(where: str, row: dict[str, object]) -> Preference:
    """A row of preference data; without a prompt, the prompt shared by both answers is split
    off. Raises UnusableRow."""
    if "chosen" not in row or "rejected" not in row:
        raise UnusableRow(f"has the columns {_names(row)}, but must have {DPO_COLUMNS}")
    if isinstance(row["chosen"], str):
        return Preference(where, _text(row, "prompt"), _text(row, "chosen"), _text(row, "rejected"))
    prompt: Messages = _messages(row, "prompt") if isinstance(row.get("prompt"), list) else ()
    chosen, rejected = _messages(row, "chosen"), _messages(row, "rejected")
    shared = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(chosen[:-1], rejected[:-1], strict=False))
    )
    prompt += chosen[:shared]
    if not prompt:
        raise UnusableRow(
            f"has the columns {_names(row)} but no prompt: neither a `prompt` of messages, nor turns "
            f"that both answers share"
        )
    return Preference(
        where, prompt, _one_answer(chosen[shared:], "chosen"), _one_answer(rejected[shared:], "rejected")
    )


def _with_answer(row: Conversation) -> Conversation:
    if not any(message.role == "assistant" for message in row.messages[row.first_trained :]):
        raise UnusableRow("has no assistant turn, so there is nothing to train on")
    return row


def _one_answer(messages: Messages, column: str) -> str:
    if len(messages) != 1 or messages[0].role != "assistant":
        roles = ", ".join(message.role for message in messages)
        raise UnusableRow(
            f"must add one assistant turn to the prompt in `{column}`, but adds: {roles or 'nothing'}"
        )
    return messages[0].content


def _messages(row: dict[str, object], column: str) -> Messages:
    value = row[column]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnusableRow(f"must have a list of messages in `{column}`, but has {type(value).__name__}")
    try:
        return _MESSAGES.validate_python(
            [{key: item.get(key) for key in ("role", "content")} for item in value]
        )
    except ValidationError as error:
        detail = error.errors()[0]
        raise UnusableRow(
            f"must have messages with role and content in `{column}`: {detail['loc']}: {detail['msg']}"
        ) from error


def _text(row: dict[str, object], column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        raise UnusableRow(
            f"must have text in `{column}`, but has {'nothing' if value is None else type(value).__name__}"
        )
    return value


def _names(row: dict[str, object]) -> str:
    return ", ".join(f"`{name}`" for name in row) or "none"
