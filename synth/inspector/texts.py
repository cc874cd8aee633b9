"""The texts of units, and the parts that two of them share.

Place in the flow: the pages of duplicates, contamination and blame show them. The one rule: texts are data; a
part is marked by where it stands, and comparing is bounded.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from synth.inspector.opened_run import OpenedRun
from synth.inspector.shown import cut
from synth.languages.code_tokens import abstract_ngrams, abstract_tokens, lexemes
from synth.products import PRODUCTS
from synth.records import CodingProblem, Reference, Seed, Solution, SourceText, Task, Unit
from synth.wire_record import Record

RUN: Final = 5
"""So many tokens in a row count as shared."""
MOST_TOKENS: Final = 20_000
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_WORD: Final = re.compile(r"\w+")
_KNOWN: Final[tuple[type[Unit], ...]] = (Seed, SourceText, CodingProblem, Reference, Task, Solution)
_MODELS: Final[Mapping[str, type[Unit]]] = {
    model.kind: model for model in (*_KNOWN, *(product.model for product in PRODUCTS))
}
_RUNS: Final = ("runs", "edited", "whole")
"""Measures whose passage is a run of words or tokens; the others write down single words."""


class UnitText(Record):
    """What a unit says: its prompt and its program, both cut at a bound."""

    unit_id: str
    kind: str
    language: str
    prompt: str
    code: str


class MarkedPart(Record):
    """A part of a text, and whether it is one of those looked for."""

    text: str
    is_marked: bool


def read_texts(run: OpenedRun, kinds: Mapping[str, str]) -> dict[str, UnitText]:
    """The texts of units by id. `kinds`: the kind of each. Units without a readable record are left out."""
    found: dict[str, UnitText] = {}
    for kind in sorted(set(kinds.values()) & _MODELS.keys()):
        ids = [unit_id for unit_id, one in kinds.items() if one == kind]
        for unit_id, body in run.read_bodies(kind, ids).items():
            try:
                unit = _MODELS[kind].model_validate(body.fields)
            except ValidationError:
                continue
            found[unit_id] = UnitText(
                unit_id=unit_id,
                kind=kind,
                language=str(getattr(unit, "language", "")),
                prompt=cut(unit.prompt_text).text,
                code=cut(unit.program).text,
            )
    return found


def mark_shared(text: str, other: str, run: int = RUN) -> tuple[MarkedPart, ...]:
    """The text with those tokens marked that stand in a run of `run` tokens which the other has too; a
    shorter text counts whole."""
    spans = [match.span() for match in _TOKEN.finditer(text)][:MOST_TOKENS]
    mine = [text[start:end] for start, end in spans]
    theirs = _TOKEN.findall(other)[:MOST_TOKENS]
    run = max(1, min(run, len(mine), len(theirs)))
    known = {tuple(theirs[at : at + run]) for at in range(len(theirs) - run + 1)}
    shared = [False] * len(mine)
    for at in range(len(mine) - run + 1):
        if tuple(mine[at : at + run]) in known:
            shared[at : at + run] = [True] * run
    return _parts(text, [span for span, is_shared in zip(spans, shared, strict=True) if is_shared])


def mark_passage(text: str, passage: str, measure: str, language: str = "") -> tuple[MarkedPart, ...]:
    """The text with the passage marked that a rule wrote down after normalization: a run of words or of code
    tokens with names numbered, or single words where these decided."""
    places = _words_in_a_row(text, passage)
    if not places and measure in _RUNS:
        places = _tokens_in_a_row(text, passage, language)
    if not places and measure not in _RUNS:
        wanted = {_folded(word) for word in _WORD.findall(passage)}
        places = [match.span() for match in _WORD.finditer(text) if _folded(match.group()) in wanted]
    return _parts(text, places)


def _words_in_a_row(text: str, passage: str) -> list[tuple[int, int]]:
    wanted = [_folded(word) for word in _plain_words(passage)]
    found = [(_folded(match.group()), match.span()) for match in _pieces(text)]
    for at in range(len(found) - len(wanted) + 1):
        if wanted and [word for word, _ in found[at : at + len(wanted)]] == wanted:
            return [(found[at][1][0], found[at + len(wanted) - 1][1][1])]
    return []


_PIECE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W_]+")


def _pieces(text: str) -> Iterable[re.Match[str]]:
    return _PIECE.finditer(text)


def _plain_words(text: str) -> list[str]:
    return [match.group() for match in _pieces(text)]


def _tokens_in_a_row(text: str, passage: str, language: str) -> list[tuple[int, int]]:
    spans, at = [], 0
    for kind, token in lexemes(text, language):
        at = text.index(token, at)
        spans += [] if kind == "comment" else [(at, at + len(token))]
        at += len(token)
    tokens = abstract_tokens(text, language)
    for n in sorted({8, 5, passage.count(" ") + 1}, reverse=True):
        for first, gram in enumerate(abstract_ngrams(tokens, n)):
            if gram.replace("\x1f", " ") == passage:
                return [(spans[first][0], spans[first + n - 1][1])]
    return []


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def _parts(text: str, spans: Sequence[tuple[int, int]]) -> tuple[MarkedPart, ...]:
    """Spans that touch, or have white space between them, are one part."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    parts, at = [], 0
    for start, end in joined:
        parts += [
            MarkedPart(text=text[at:start], is_marked=False),
            MarkedPart(text=text[start:end], is_marked=True),
        ]
        at = end
    parts.append(MarkedPart(text=text[at:], is_marked=False))
    return tuple(part for part in parts if part.text)
