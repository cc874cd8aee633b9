"""Differences of two texts: lines beside each other, and in changed lines the words that differ.

Place in the flow: the pages of a pair and of a unit show them. The one rule: bounded. The texts are hostile,
so a comparison that takes too many edits ends, and says that everything differs.

Method: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), without the linear space.
"""

import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import zip_longest
from typing import Final, Literal, NamedTuple, TypeVar

from synth.wire_record import Record

T = TypeVar("T", bound=Hashable)

MOST_EDITS: Final = 600
MOST_LINES: Final = 4000
MOST_CHARACTERS: Final = 10_000
"""Of a line or value whose words are compared."""
_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")


class Piece(Record):
    """A part of a line, and whether the other side lacks it."""

    text: str
    is_changed: bool = False


class DiffLine(Record):
    """A line of one side with its number, from 1."""

    number: int
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


class DiffRow(Record):
    """Two lines beside each other. A side without a line is None."""

    kind: Literal["same", "changed", "removed", "added"]
    left: DiffLine | None = None
    right: DiffLine | None = None


class _Stretch(NamedTuple):
    """What stands between two matches: `left` became `right`. Both are ranges of indexes."""

    is_same: bool
    left: range
    right: range


def diff_lines(left: str, right: str) -> tuple[DiffRow, ...]:
    """The lines of both texts, beside each other. At most MOST_LINES of each are looked at."""
    ours, theirs = left.split("\n")[:MOST_LINES], right.split("\n")[:MOST_LINES]
    return tuple(row for block in _blocks(ours, theirs) for row in _rows(block, ours, theirs))


def diff_words(left: str, right: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both texts in pieces; those that the other one lacks are marked."""
    if max(len(left), len(right)) > MOST_CHARACTERS:
        is_changed = left != right
        return (Piece(text=left, is_changed=is_changed),), (Piece(text=right, is_changed=is_changed),)
    ours, theirs = _WORD.findall(left), _WORD.findall(right)
    mine, yours = list[Piece](), list[Piece]()
    for block in _blocks(ours, theirs):
        for pieces, words in ((mine, ours[_slice(block.left)]), (yours, theirs[_slice(block.right)])):
            if words and pieces and pieces[-1].is_changed != block.is_same:
                pieces[-1] = Piece(text=pieces[-1].text + "".join(words), is_changed=not block.is_same)
            elif words:
                pieces.append(Piece(text="".join(words), is_changed=not block.is_same))
    return tuple(mine), tuple(yours)


def likeness(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """The share of tokens that both have in the same order, from 0 to 1."""
    if max(len(ours), len(theirs)) > MOST_LINES:
        return float(ours == theirs)
    same = sum(len(block.left) for block in _blocks(ours, theirs) if block.is_same)
    return 2 * same / (len(ours) + len(theirs)) if ours or theirs else 1.0


def _rows(block: _Stretch, ours: Sequence[str], theirs: Sequence[str]) -> Iterator[DiffRow]:
    if block.is_same:
        for at, there in zip(block.left, block.right, strict=True):
            same = (Piece(text=ours[at]),)
            yield DiffRow(
                kind="same",
                left=DiffLine(number=at + 1, pieces=same),
                right=DiffLine(number=there + 1, pieces=same),
            )
        return
    for mine, yours in zip_longest(block.left, block.right):
        if yours is None:
            yield DiffRow(kind="removed", left=_whole(mine, ours))
        elif mine is None:
            yield DiffRow(kind="added", right=_whole(yours, theirs))
        else:
            left, right = diff_words(ours[mine], theirs[yours])
            yield DiffRow(
                kind="changed",
                left=DiffLine(number=mine + 1, pieces=left),
                right=DiffLine(number=yours + 1, pieces=right),
            )


def _whole(at: int, lines: Sequence[str]) -> DiffLine:
    return DiffLine(number=at + 1, pieces=(Piece(text=lines[at], is_changed=True),))


def _blocks(left: Sequence[T], right: Sequence[T]) -> list[_Stretch]:
    """Matches and what stands between them, in order; both sequences are covered."""
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    pairs = [(at, at) for at in range(start)]
    inner = _matches(left[start : len(left) - end], right[start : len(right) - end])
    pairs += [(start + mine, start + yours) for mine, yours in inner]
    pairs += [(len(left) - at, len(right) - at) for at in range(end, 0, -1)]
    return list(_between(pairs, len(left), len(right)))


def _between(pairs: Sequence[tuple[int, int]], left: int, right: int) -> Iterator[_Stretch]:
    mine = yours = first = 0
    for number, (at, there) in enumerate([*pairs, (left, right)]):
        if (at, there) == (mine, yours) and number < len(pairs):
            mine, yours = at + 1, there + 1
            continue
        if number > first:
            length = number - first
            yield _Stretch(True, range(mine - length, mine), range(yours - length, yours))
        if at > mine or there > yours:
            yield _Stretch(False, range(mine, at), range(yours, there))
        mine, yours, first = at + 1, there + 1, number


def _matches(left: Sequence[T], right: Sequence[T]) -> list[tuple[int, int]]:
    """Pairs of indexes of equal elements on a shortest path of edits; none where that path is too long."""
    furthest, trace = {1: 0}, list[dict[int, int]]()
    for edits in range(min(len(left) + len(right), MOST_EDITS) + 1):
        trace.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1]
            )
            at = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            while at < len(left) and 0 <= at - diagonal < len(right) and left[at] == right[at - diagonal]:
                at += 1
            furthest[diagonal] = at
            if at >= len(left) and at - diagonal >= len(right):
                return _walk_back(trace, len(left), len(right))
    return []


def _walk_back(trace: list[dict[int, int]], at: int, there: int) -> list[tuple[int, int]]:
    found = []
    for edits in range(len(trace) - 1, -1, -1):
        furthest, diagonal = trace[edits], at - there
        down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
        before = diagonal + 1 if down else diagonal - 1
        start = furthest[before] if edits else 0
        while at > start + (0 if down or not edits else 1) and there > 0 and at > 0:
            at, there = at - 1, there - 1
            found.append((at, there))
        if edits:
            at, there = start, start - before
    return found[::-1]


def _slice(indexes: range) -> slice:
    return slice(indexes.start, indexes.stop)
