"""Rows that are held out of a training, and on which its loss is measured.

Place in the flow: token rows -> here -> `fit`, which trains on the others. Pure. The one rule: rows with the
same prompt stay together, or the loss on the held-out rows would fall because their task was trained on.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

_SPACE = 1 << 32
_IGNORED = -100
Columns = Mapping[str, Sequence[Sequence[int]]]


def held_out_rows(columns: Columns, share: float, seed: int) -> list[int]:
    """Places of about this share of the rows, by the hash of their prompt with the seed; none for 0. Where
    there are two prompts or more, at least one is held out, and one is not."""
    if not share:
        return []
    draws = [_draw(prompt, seed) for prompt in _prompts(columns)]
    limit = min(max(share, min(draws, default=0.0)), _below(max(draws, default=1.0)))
    return [place for place, draw in enumerate(draws) if draw <= limit]


def _below(highest: float) -> float:
    return highest - 0.5 / _SPACE


def _draw(prompt: Sequence[int], seed: int) -> float:
    """From 0 to 1, the same for the same prompt."""
    text = f"{seed}:{','.join(map(str, prompt))}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest()) / _SPACE


def _prompts(columns: Columns) -> Iterable[Sequence[int]]:
    """What comes before the first trained token of each row. Of a row that is trained from its beginning,
    such as a plain text, the first half stands for its prompt."""
    if "prompt_ids" in columns:
        yield from columns["prompt_ids"]
        return
    for ids, labels in zip(columns["input_ids"], columns["labels"], strict=True):
        length = next((at for at, label in enumerate(labels) if label != _IGNORED), len(ids))
        yield ids[:length] if length > 1 else ids[: len(ids) // 2]


def row_lengths(columns: Columns) -> Iterable[int]:
    """Tokens of each sequence that is trained; a pair is two, each with its prompt."""
    if "prompt_ids" not in columns:
        return map(len, columns["input_ids"])
    answers = (columns["chosen_ids"], columns["rejected_ids"])
    return (
        len(prompt) + len(ids)
        for side in answers
        for prompt, ids in zip(columns["prompt_ids"], side, strict=True)
    )


def taken(columns: Columns, places: Iterable[int]) -> dict[str, list[list[int]]]:
    """The rows in these places."""
    places = list(places)
    return {name: [list(rows[place]) for place in places] for name, rows in columns.items()}
