"""Rows of other people's data sets in TRL's columns: columns under other names, ShareGPT and Alpaca.

Place in the flow: `parts` reads dicts -> here -> `rows`, which makes them typed. The one rule: only names and
shapes change. What a row holds beside its texts (`weight`, `train`, `tool_calls`, `tools`) goes on as it is,
for `rows` to honour or refuse.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from posttrain.core.rows import UnusableRow
from synth.training_data_config import RowColumn

Plain = dict[str, object]

_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "system": "system",
}
"""Who speaks, as ShareGPT and its kin name it."""
_COLUMNS: frozenset[str] = frozenset(get_args(RowColumn)) - {"tools"}


def in_trl_columns(row: Plain, columns: Mapping[str, str]) -> Plain:
    """The row with TRL's columns. Raises UnusableRow for a form that is none."""
    row = _renamed(row, columns) if columns else dict(row)
    if "messages" not in row and isinstance(row.get("conversations"), list):
        row = _of_sharegpt(row)
    elif "instruction" in row and ("output" in row or "chosen" in row) and not _has_answer(row):
        row = _of_alpaca(row)
    for side in ("chosen", "rejected"):
        if isinstance(answer := row.get(side), dict):
            row[side] = [_turn(answer, side)]
    return row


def _renamed(row: Plain, columns: Mapping[str, str]) -> Plain:
    """The columns that the recipe names, under our names; others of ours do not count."""
    named = {ours: row[theirs] for ours, theirs in columns.items() if theirs in row}
    others = {name: value for name, value in row.items() if name not in _COLUMNS}
    return {**others, **named}


def _has_answer(row: Plain) -> bool:
    """Whether a row has a form that comes before Alpaca's."""
    return "messages" in row or ("prompt" in row and ("completion" in row or "chosen" in row))


def _of_sharegpt(row: Plain) -> Plain:
    """`conversations` of {from, value}; of a preference row they are the prompt,
    of a labelled one prompt and answer."""
    turns = row.pop("conversations")
    assert isinstance(turns, list)
    messages = [*_system(row), *(_turn(turn, "conversations") for turn in turns)]
    if "label" in row:
        return {**row, "prompt": messages[:-1], "completion": messages[-1:]}
    return {**row, "prompt" if "chosen" in row else "messages": messages}


def _turn(turn: object, column: str) -> Plain:
    if not isinstance(turn, dict):
        raise UnusableRow(f"must have a list of messages in `{column}`, but one is {type(turn).__name__}")
    if "from" not in turn:
        return turn
    said = {name: value for name, value in turn.items() if name not in ("from", "value")}
    who = turn["from"]
    if who not in _ROLES:
        raise UnusableRow(f"has a turn from {who!r} in `{column}`, which no chat template here writes")
    return {**said, "role": _ROLES[who], "content": turn.get("value")}


def _of_alpaca(row: Plain) -> Plain:
    """`instruction`, `input` and `output`, with the turns of `history` before them."""
    question = "\n".join(_texts(row, "instruction", "input"))
    prompt = [*_system(row), *_history(row), {"role": "user", "content": question}]
    row = {name: row[name] for name in row if name not in ("instruction", "input", "history", "text")}
    if "chosen" in row:
        for side in ("chosen", "rejected"):
            if isinstance(row.get(side), str):
                row[side] = [{"role": "assistant", "content": row[side]}]
        return {**row, "prompt": prompt}
    answer = {"role": "assistant", "content": row.pop("output")}
    if "label" in row:
        return {**row, "prompt": prompt, "completion": [answer]}
    return {**row, "messages": [*prompt, answer]}


def _history(row: Plain) -> Iterator[Plain]:
    pairs = row.get("history") or ()
    if not isinstance(pairs, list | tuple):
        raise UnusableRow(f"must have a list of pairs in `history`, but has {type(pairs).__name__}")
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise UnusableRow("must have pairs of a question and an answer in `history`")
        for role, text in zip(("user", "assistant"), pair, strict=True):
            yield {"role": role, "content": text}


def _system(row: Plain) -> Iterator[Plain]:
    """The system turn of a row that has its text in a column."""
    if (text := row.pop("system", None)) not in (None, ""):
        yield {"role": "system", "content": text}


def _texts(row: Plain, *columns: str) -> Iterator[str]:
    for column in columns:
        value = row.get(column)
        if value is not None and not isinstance(value, str):
            raise UnusableRow(f"must have text in `{column}`, but has {type(value).__name__}")
        if value:
            yield value
