"""The accepted forms of a training row, in TRL's columns; the rows may come from anywhere.

Place in the flow: `data_files` reads dicts -> here they become typed rows -> `tokens`. The one rule: an error
names each unusable row, with the columns found and expected. An answer is trained whole or its row is
refused: tool calls and reasoning, which no template here writes, are never dropped in silence. Extra columns
are ignored and null columns count as absent, so one file may mix conversations and plain texts. If a row has
several forms, the first of these wins: messages, prompt + completion, text.
"""

import json
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from synth.records import Message

SFT_COLUMNS = (
    "`messages`, or `prompt` and `completion`, or `text` (or `conversations` of ShareGPT, or `instruction` "
    "and `output` of Alpaca)"
)
DPO_COLUMNS = "`prompt`, `chosen` and `rejected` (or `chosen` and `rejected` as whole conversations)"
KTO_COLUMNS = "`prompt`, `completion` and `label` (true or false)"
SHOWN = 5
"""Maximum number of bad rows listed in an error."""

Messages = tuple[Message, ...]
Row = TypeVar("Row")
_MESSAGES = TypeAdapter(Messages)
_MARKS = ("weight", "train")
"""Keys that say whether something is trained."""
_UNWRITTEN = ("tool_calls", "function_call", "reasoning_content", "reasoning", "thinking")
"""Keys of a turn that hold parts of an answer beside `content`."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class UnusableRow(ValueError):
    """A row that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages; assistant turns from index `first_trained` on are trained, but for those in `untrained`."""

    where: str
    messages: Messages
    first_trained: int = 0
    untrained: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ToolConversation:
    """A conversation with tools: its turns are JSON, with `tool_calls` in those of the assistant and results
    in those of role `tool`. Trained as a `Conversation` is."""

    where: str
    turns: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...]
    first_trained: int = 0
    untrained: frozenset[int] = frozenset()


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


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """A prompt (a conversation, or a plain text) and one answer, which is good or bad."""

    where: str
    prompt: Messages | str
    answer: str
    is_good: bool


SftRow = Conversation | ToolConversation | PlainCompletion | PlainText


# --- one row ------------------------------------------------------------------------------------------------


def sft_row(where: str, row: dict[str, object]) -> SftRow:
    """A row of supervised data. Raises UnusableRow."""
    _refuse_left_out(row)
    if (found := tool_conversation(where, row)) is not None:
        return found
    if "messages" in row:
        messages = _messages(row, "messages")
        return _with_answer(
            Conversation(where, messages, untrained=_without_weight(row["messages"], "messages"))
        )
    if "prompt" in row and "completion" in row:
        if isinstance(row["prompt"], str) and isinstance(row["completion"], str):
            return PlainCompletion(
                where, _text(row, "prompt"), _filled(_text(row, "completion"), "completion")
            )
        prompt, completion = _messages(row, "prompt"), _messages(row, "completion")
        untrained = frozenset(len(prompt) + at for at in _without_weight(row["completion"], "completion"))
        return _with_answer(Conversation(where, prompt + completion, len(prompt), untrained))
    if "text" in row:
        return PlainText(where, _filled(_text(row, "text"), "text"))
    raise UnusableRow(f"has the columns {_names(row)}, but must have {SFT_COLUMNS}")


def preference_row(where: str, row: dict[str, object]) -> Preference:
    """A row of preference data; without a prompt, the prompt shared by both answers is split
    off. Raises UnusableRow."""
    _refuse_left_out(row)
    if row.get("tools"):
        raise UnusableRow("has `tools`, which only conversations for supervised fine-tuning may have")
    if "chosen" not in row or "rejected" not in row:
        raise UnusableRow(f"has the columns {_names(row)}, but must have {DPO_COLUMNS}")
    if isinstance(row["chosen"], str):
        prompt_text, *texts = (_text(row, column) for column in ("prompt", "chosen", "rejected"))
        return _different(Preference(where, prompt_text, *texts))
    prompt: Messages = _messages(row, "prompt") if isinstance(row.get("prompt"), list) else ()
    chosen, rejected = _messages(row, "chosen"), _messages(row, "rejected")
    if prompt and chosen[: len(prompt)] == rejected[: len(prompt)] == prompt:
        chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
    shared = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(chosen[:-1], rejected[:-1], strict=False))
    )
    prompt += chosen[:shared]
    if not prompt:
        raise UnusableRow(
            f"has the columns {_names(row)} but no prompt: neither a `prompt` of messages, nor turns "
            f"that both answers share"
        )
    return _different(
        Preference(
            where, prompt, _one_answer(chosen[shared:], "chosen"), _one_answer(rejected[shared:], "rejected")
        )
    )


def labelled_row(where: str, row: dict[str, object]) -> LabelledAnswer:
    """A row of answers that are each good or bad. Raises UnusableRow."""
    _refuse_left_out(row)
    if row.get("tools"):
        raise UnusableRow("has `tools`, which only conversations for supervised fine-tuning may have")
    if not {"prompt", "completion", "label"} <= row.keys():
        raise UnusableRow(f"has the columns {_names(row)}, but must have {KTO_COLUMNS}")
    label = row["label"]
    if not isinstance(label, bool):
        raise UnusableRow(f"must have true or false as `label`, but has {label!r}")
    if isinstance(row["prompt"], str):
        prompt, answer = _text(row, "prompt"), _text(row, "completion")
        return LabelledAnswer(where, prompt, _filled(answer, "completion"), label)
    turns = _messages(row, "prompt")
    answer = _filled(_one_answer(_messages(row, "completion"), "completion"), "completion")
    return LabelledAnswer(where, turns, answer, label)


_ROLES = ("system", "developer", "user", "assistant", "tool")


def tool_conversation(where: str, row: dict[str, object]) -> ToolConversation | None:
    """The row with its tools, if it has tools, calls of them or results. Raises UnusableRow."""
    before = row.get("prompt") if "messages" not in row else None
    column = "messages" if "messages" in row else "completion"
    values = [value for value in (before, row.get(column)) if isinstance(value, list)]
    turns = [turn for value in values for turn in value if isinstance(turn, dict)]
    tools = _json_list(row.get("tools"), "tools")
    if not tools and not any(turn.get("tool_calls") or turn.get("role") == "tool" for turn in turns):
        return None
    if not turns or len(turns) != sum(map(len, values)):
        raise UnusableRow("has tools, so it must have a list of messages")
    made = tuple(_tool_turn(turn, f"turn {at + 1}") for at, turn in enumerate(turns))
    first = len(before) if isinstance(before, list) else 0
    untrained = _without_weight(turns, column)
    trained = [at for at, turn in enumerate(made) if turn["role"] == "assistant" and at >= first]
    if not [at for at in trained if at not in untrained]:
        raise UnusableRow("has no assistant turn, so there is nothing to train on")
    if trained[-1] < len(made) - 1:
        raise UnusableRow(f"must end with an assistant turn, but ends with {made[-1]['role']}: it was cut")
    _refuse_half_characters(json.dumps([made, tools], ensure_ascii=False), "a turn or a tool")
    return ToolConversation(where, made, tuple(map(_present, tools)), first, untrained)


def _present(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value without its nulls: a table has a null where one of its rows has no such key."""
    if isinstance(value, dict):
        return {key: _present(inner) for key, inner in value.items() if inner is not None}
    return [_present(inner) for inner in value] if isinstance(value, list) else value


def _tool_turn(turn: dict[str, Any], where: str) -> dict[str, Any]:
    """The turn with the keys that templates write, its calls with their arguments as JSON."""
    for key in set(_UNWRITTEN) - {"tool_calls"}:
        if turn.get(key):
            raise UnusableRow(f"has `{key}` in {where}, which no chat template here writes")
    if turn.get("role") not in _ROLES:
        raise UnusableRow(f"must have one of the roles {', '.join(_ROLES)} in {where}")
    content = turn.get("content")
    calls = _json_list(turn.get("tool_calls"), f"tool_calls of {where}")
    if not isinstance(content, str) and not (content is None and calls):
        raise UnusableRow(f"must have text as `content` in {where}")
    made = {"role": turn["role"], "content": content or ""}
    made |= {key: turn[key] for key in ("name", "tool_call_id") if isinstance(turn.get(key), str)}
    if calls:
        made["tool_calls"] = [_call(call, where) for call in calls]
    elif turn["role"] == "assistant":
        _filled(made["content"], where)
    return made


def _call(call: dict[str, Any], where: str) -> dict[str, Any]:
    function = call.get("function", call)
    given = function.get("arguments", {}) if isinstance(function, dict) else None
    try:
        arguments = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict) or not isinstance(function.get("name"), str):
        raise UnusableRow(f"must have a `name` and an object of `arguments` in each call of {where}")
    return {
        "type": "function",
        "function": {"name": function["name"], "arguments": _present(arguments)},
    }


def _json_list(value: object, where: str) -> list[dict[str, Any]]:
    """A list of objects, as it is or as JSON text."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = value
    if not found:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UnusableRow(f"must have a list of objects as `{where}`")
    return found


def _with_answer(row: Conversation) -> Conversation:
    answers = [at for at, message in enumerate(row.messages) if message.role == "assistant"]
    trained = [at for at in answers if at >= row.first_trained and at not in row.untrained]
    if not trained:
        raise UnusableRow("has no assistant turn, so there is nothing to train on")
    if answers[-1] < len(row.messages) - 1:
        raise UnusableRow(
            f"must end with an assistant turn, but ends with {row.messages[-1].role}: it was cut"
        )
    for at in trained:
        _filled(row.messages[at].content, f"turn {at + 1}")
    return row


def _filled(text: str, where: str) -> str:
    """The text, which is trained. An empty answer would teach only to stop."""
    if not text.strip():
        raise UnusableRow(f"must have text in `{where}`, but that is empty")
    return text


def _different(row: Preference) -> Preference:
    """The pair, unless its answers are equal, which gives no gradient."""
    _filled(row.chosen, "chosen")
    if row.chosen == row.rejected:
        raise UnusableRow("must have two different answers, but `chosen` and `rejected` are equal")
    return row


def _without_weight(turns: object, column: str) -> frozenset[int]:
    """The turns that are read and not trained: those with `weight: 0` or `train: false`."""
    found = set()
    for at, turn in enumerate(turns if isinstance(turns, list) else ()):
        where = f"`{column}`, turn {at + 1}"
        if turn.get("train_detail"):
            raise UnusableRow(f"has `train_detail` in {where}: turns are trained whole here, or not at all")
        marks = {name: turn[name] for name in _MARKS if turn.get(name) is not None}
        for name, mark in marks.items():
            if mark not in (0, 1) or isinstance(mark, bool) != (name == "train"):
                expected = "true or false" if name == "train" else "0 or 1"
                raise UnusableRow(f"must have a {name} of {expected} in {where}, but has {mark!r}")
        if marks.get("train") and turn.get("role") != "assistant":
            raise UnusableRow(f"has `train: true` in {where}, but only turns of the assistant are trained")
        if not all(marks.values()):
            found.add(at)
    return frozenset(found)


def _refuse_left_out(row: dict[str, object]) -> None:
    """Raise UnusableRow for a row that says of itself that it is not trained, or not as much as others."""
    for name in _MARKS:
        mark = row.get(name)
        if isinstance(mark, bool | int | float) and mark != 1:
            raise UnusableRow(f"has `{name}` {mark!r} for the whole row: rows are trained alike here")


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
    for at, item in enumerate(value):
        _refuse_unwritten(item, f"`{column}`, turn {at + 1}")
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
    _refuse_half_characters(value, f"`{column}`")
    return value


def _refuse_unwritten(turn: dict[str, object], where: str) -> None:
    """Raise UnusableRow for a turn of which a part would be lost or cannot be written."""
    for key in _UNWRITTEN:
        if turn.get(key):
            raise UnusableRow(f"has `{key}` in {where}, which no chat template here writes")
    content = turn.get("content")
    if isinstance(content, str):
        _refuse_half_characters(content, where)


def _refuse_half_characters(text: str, where: str) -> None:
    if found := _HALF_CHARACTER.search(text):
        raise UnusableRow(
            f"has half a character (\\u{ord(found[0]):04x} alone) in {where}, place {found.start()}"
        )


def _names(row: dict[str, object]) -> str:
    return ", ".join(f"`{name}`" for name in row) or "none"
