"""The code of a benchmark, and the search for copies of it: verbatim, reformatted, renamed, edited, or
written in another language.

Place in the flow: `decontaminate.py` asks here for programs, tests and code in prompts. The one rule: a hit
names the entry, the measure that decided and its value; runs and words only propose candidates, which are
then compared each alone.

Memory: about 100 bytes for each distinct run of a benchmark's code, none for the units.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from math import log
from typing import Final

from synth.filters.code_features import CodeFeatures, code_features, is_common
from synth.filters.hit import Hit
from synth.filters.subjects import find_first_of_task
from synth.languages.code_tokens import abstract_ngrams
from synth.recipe.decontamination_rule import Thresholds

MIN_WHOLE: Final = 3
"""A text with fewer tokens than this cannot be recognized."""
_CANDIDATES: Final = 12
"""Passages that are compared because of shared words, at most."""
_SPREAD: Final = 64
"""A word in more passages than this proposes none of them."""
_PRIOR, _COMMON_PRIOR, _SHIFT, _LEAST = 50, 15, 1.25, 0.05
"""The rarity of a word is estimated as if there were 50 more passages, 15 of which have each common word: a
benchmark of one entry also tells rare words from common ones. It is the logarithm of passages over holders,
less a shift: what a quarter of the passages have weighs nearly nothing, so one subject makes no copies."""


@dataclass(slots=True)
class _Passage:
    entry: str
    runs: int
    """Long runs that identify it."""
    short_runs: Collection[int]
    spoken_runs: Collection[int]
    words: frozenset[str]
    code_words: frozenset[str]
    name: str
    name_words: frozenset[str]
    weight: float = 0.0
    code_weight: float = 0.0
    task: str = ""
    """The entry that its task stands in first."""


class CodeIndex:
    """All code of a benchmark. `add` everything, `finish`, then `search`."""

    def __init__(self, limits: Thresholds) -> None:
        self._limits = limits
        self._passages: list[_Passage] = []
        self._owners: dict[int, array[int]] = {}
        self._wholes: dict[str, int] = {}
        self._short_lengths: list[int] = []
        """Lengths of the whole texts that are shorter than a run."""
        self._starts: dict[int, set[int]] = {}
        """Lengths of the others, by the first run of each."""
        self._rarity: dict[str, float] = {}
        self._by_word: dict[str, array[int]] = {}
        self._by_name: dict[str, array[int]] = {}

    def _features(self, code: str, language: str) -> CodeFeatures:
        limits = self._limits
        return code_features(code, language, limits.code_n, limits.edited_n, limits.ported_n)

    def add(self, entry: str, code: str, language: str) -> None:
        """Add one text of an entry."""
        found = self._features(code, language)
        if len(found.tokens) < MIN_WHOLE:
            return
        number = len(self._passages)
        self._wholes.setdefault(abstract_ngrams(list(found.tokens), len(found.tokens))[0], number)
        for run in found.runs:
            self._owners.setdefault(run, array("I")).append(number)
        self._passages.append(
            _Passage(
                entry,
                0,
                found.short_runs,
                found.spoken_runs,
                found.words,
                found.code_words,
                found.name,
                found.name_words,
            )
        )

    def finish(self) -> None:
        """Weigh the words, and leave out runs that identify no task."""
        self._weigh()
        words = [passage.words for passage in self._passages]
        firsts = find_first_of_task(words, self._weight, self._limits.confirm_share)
        for passage, first in zip(self._passages, firsts, strict=True):
            passage.task = self._passages[first].entry
        self._owners = {run: owners for run, owners in self._owners.items() if self._identify(owners)}
        for number, count in Counter(owner for owners in self._owners.values() for owner in owners).items():
            self._passages[number].runs = count
        for name in ("short_runs", "spoken_runs"):
            self._leave_common_out(name)
        self._wholes = {
            text: number
            for text, number in self._wholes.items()
            if self._passages[number].runs < self._limits.min_code_grams
        }
        self._index_wholes()

    def _index_wholes(self) -> None:
        n, short = self._limits.code_n, set[int]()
        for text in self._wholes:
            tokens = text.split("\x1f")
            if len(tokens) < n:
                short.add(len(tokens))
            else:
                self._starts.setdefault(hash("\x1f".join(tokens[:n])), set()).add(len(tokens))
        self._short_lengths = sorted(short)

    def _identify(self, owners: Iterable[int]) -> bool:
        return len({self._passages[owner].task for owner in owners}) <= self._limits.common_entries

    def _leave_common_out(self, name: str) -> None:
        """Keep the runs of each passage that identify its task, in little memory."""
        tasks: dict[int, set[str] | str] = {}
        for passage in self._passages:
            for run in getattr(passage, name):
                held = tasks.setdefault(run, passage.task)
                if isinstance(held, set):
                    held.add(passage.task)
                elif held != passage.task:
                    tasks[run] = {held, passage.task}
        for passage in self._passages:
            kept = (
                run
                for run in getattr(passage, name)
                if isinstance(tasks[run], str) or len(tasks[run]) <= self._limits.common_entries
            )
            setattr(passage, name, array("q", kept))

    def _weigh(self) -> None:
        held = Counter(word for passage in self._passages for word in passage.words)
        self._rarity = {word: self._rarity_of(word, times) for word, times in held.items()}
        by_word: dict[str, array[int]] = defaultdict(lambda: array("I"))
        by_name: dict[str, array[int]] = defaultdict(lambda: array("I"))
        for number, passage in enumerate(self._passages):
            passage.weight = self._weight(passage.words)
            passage.code_weight = self._weight(passage.code_words)
            if self._weight(passage.name_words) >= self._limits.name_weight:
                by_name[passage.name].append(number)
            for word in passage.words:
                if held[word] <= _SPREAD:
                    by_word[word].append(number)
        self._by_word, self._by_name = dict(by_word), dict(by_name)

    def _rarity_of(self, word: str, holders: int) -> float:
        holders += 1 + (_COMMON_PRIOR if is_common(word) else 0)
        return max(_LEAST, log((len(self._passages) + _PRIOR) / holders) - _SHIFT)

    def _weight(self, words: Iterable[str]) -> float:
        return sum(self._rarity.get(word) or self._rarity_of(word, 0) for word in words)

    def search(self, code: str, language: str) -> Hit | None:
        """The best hit at or above a threshold, or None."""
        if not self._passages or not code.strip():
            return None
        unit = self._features(code, language)
        return self._search_whole(unit) or self._search_candidates(unit)

    def _search_whole(self, unit: CodeFeatures) -> Hit | None:
        """A short entry that occurs in the unit as a whole and makes up at least half of it."""
        tokens = list(unit.tokens)
        for run in self._runs_to_try(unit, tokens):
            if run in self._wholes:
                entry = self._passages[self._wholes[run]].entry
                return Hit(entry, "code", 1.0, run.replace("\x1f", " "), "whole")
        return None

    def _runs_to_try(self, unit: CodeFeatures, tokens: list[str]) -> Iterator[str]:
        """The parts of the unit that may be a whole text: of fitting length, and beginning like one."""
        for length in self._short_lengths:
            if length <= len(tokens) <= 2 * length:
                yield from abstract_ngrams(tokens, length)
        if not unit.runs.isdisjoint(self._starts):
            for at, run in enumerate(abstract_ngrams(tokens, self._limits.code_n)):
                for length in sorted(self._starts.get(hash(run), ())):
                    if at + length <= len(tokens) <= 2 * length:
                        yield abstract_ngrams(tokens[at : at + length], length)[0]

    def _search_candidates(self, unit: CodeFeatures) -> Hit | None:
        shared = Counter(owner for run in unit.runs for owner in self._owners.get(run, ()))
        votes: dict[int, float] = defaultdict(float)
        for word in unit.words:
            for number in self._by_word.get(word, ()):
                votes[number] += self._rarity[word]
        least = self._limits.min_code_grams
        candidates = {
            number
            for number, count in shared.items()
            if count
            >= self._limits.code_share * self._passages[number].runs
            >= self._limits.code_share * least
        }
        candidates.update(nsmallest(_CANDIDATES, votes, key=lambda number: (-votes[number], number)))
        candidates.update(self._by_name.get(unit.name, ())[:_CANDIDATES])
        weights = self._weight(unit.words), self._weight(unit.code_words)
        hits = (self._compare(number, shared[number], unit, weights) for number in sorted(candidates))
        return max((hit for hit in hits if hit), key=lambda hit: hit.share, default=None)

    def _holds_runs(self, number: int, shared: int) -> bool:
        runs, limits = self._passages[number].runs, self._limits
        return runs >= limits.min_code_grams and shared >= limits.code_share * runs

    def _compare(
        self, number: int, shared: int, unit: CodeFeatures, weights: tuple[float, float]
    ) -> Hit | None:
        """The hit on one passage by the first measure that reaches its threshold."""
        limits, passage = self._limits, self._passages[number]
        if self._holds_runs(number, shared):
            return self._hit(number, "runs", shared / passage.runs, limits.code_share, unit)
        words, enough = self._same_words(passage, unit, weights)
        if enough and words >= limits.same_words:
            return self._hit(number, "words", words, limits.same_words, unit)
        if enough and words >= limits.edited_words:
            edited = _share(passage.short_runs, unit.short_runs)
            if edited >= limits.edited_share:
                return self._hit(number, "edited", edited, limits.edited_share, unit)
        if enough and words >= limits.ported_words:
            ported = _share_both_ways(passage.spoken_runs, unit.spoken_runs)
            if ported >= limits.ported_share:
                return self._hit(number, "ported", ported, limits.ported_share, unit)
        if words >= limits.name_words and number in self._by_name.get(unit.name, ()):
            return self._hit(number, "name", words, limits.name_words, unit)
        return None

    def _same_words(
        self, passage: _Passage, unit: CodeFeatures, weights: tuple[float, float]
    ) -> tuple[float, bool]:
        """The share of words, weighted by rarity, that both have, of those of the one that has more; with or
        without comments, whichever is more. And whether these words are enough to tell anything alone."""
        best, enough = 0.0, False
        for mine, my_weight, others, others_weight in (
            (passage.words, passage.weight, unit.words, weights[0]),
            (passage.code_words, passage.code_weight, unit.code_words, weights[1]),
        ):
            both = mine & others
            weight = self._weight(both)
            enough |= len(both) >= self._limits.least_words and weight >= self._limits.least_weight
            best = max(best, weight / max(my_weight, others_weight, _LEAST))
        return best, enough

    def _hit(self, number: int, measure: str, share: float, least: float, unit: CodeFeatures) -> Hit:
        passage = self._passages[number]
        if measure in ("runs", "edited"):
            n = self._limits.code_n if measure == "runs" else self._limits.edited_n
            mine = set(passage.short_runs) if measure == "edited" else None
            matched = next(
                (
                    run
                    for run in abstract_ngrams(list(unit.tokens), n)
                    if (hash(run) in mine if mine is not None else number in self._owners.get(hash(run), ()))
                ),
                "",
            ).replace("\x1f", " ")
        else:
            both = sorted(passage.words & unit.words, key=lambda word: (-self._weight((word,)), word))
            matched = " ".join(both[:12])
        return Hit(passage.entry, "code", share, matched, measure, least)


def _share(mine: Collection[int], others: frozenset[int]) -> float:
    """The share of `mine` that the others have; 0 of too few to tell anything."""
    return sum(1 for run in mine if run in others) / len(mine) if len(mine) >= 6 else 0.0


def _share_both_ways(mine: Collection[int], others: frozenset[int]) -> float:
    """The share that both have of those of the one that has more."""
    return _share(mine, others) * min(1.0, len(mine) / max(len(others), 1))
