"""The decontamination filter: keeps everything that overlaps with a benchmark or with held-out tasks out of
the training data.

There are two modes. `report`: any run of 10 words shared with a benchmark (Qwen2.5-Coder report, 5), on
normalized text. `containment`, the default: a benchmark entry is contaminated if enough of *its* n-grams are
in the unit: 20% of the 6-grams of its prose (8-grams of characters in Chinese), or 70% of the 8-grams of its
code after names are abstracted. In an entry of fewer than 60 words, a few edits touch most 6-grams, so 30% of
its 3-grams also count, in units that are not much longer. Rare words confirm prose hits: instructions that
share phrases but not their subject are not a hit. Prompt, answer and tests are searched, each against each.

N-grams that many entries share ("write a function that returns the") identify none of them and are left out.
An entry that is too short for n-grams is found if it makes up half of the unit. The one rule: evidence names
the entry, the share and a matching passage.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, log
from pathlib import Path
from typing import Literal, NamedTuple

from synth.filters.benchmarks import HELD_OUT, BenchmarkEntry, read_benchmark
from synth.filters.protocol import Evidence, FilterInput, FilterSetting, Keep, Reject
from synth.filters.words import is_ideographic, ngrams, split_words
from synth.languages.code_tokens import abstract_ngrams, abstract_tokens
from synth.languages.registry import normalize_language

COST = 20
FOR_SEEDS = True
Mode = Literal["containment", "report"]
Side = Literal["prose", "code"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Settings of the filter. The defaults were chosen by the recall and false alarms measured
    in the tests."""

    prose_n: int = 6
    ideograph_n: int = 8
    prose_share: float = 0.2
    short_words: int = 60
    """A prompt with fewer words than this (ideographs: twice as many characters) is also compared
    by short n-grams."""
    short_n: int = 3
    short_ideograph_n: int = 4
    short_share: float = 0.3
    short_reach: float = 3.0
    """Short n-grams are searched only in units with at most this many times the entry's words."""
    confirm_share: float = 0.6
    """Share of the entry's words, weighted by their rarity in the benchmark, that the unit
    must also contain."""
    confirm_ideographs: float = 0.75
    code_n: int = 8
    code_share: float = 0.7
    report_n: int = 10
    common_entries: int = 8
    """An n-gram found in more entries than this identifies none of them."""
    min_prose_grams: int = 4
    """With fewer distinctive n-grams than this, only the entry's whole text counts."""
    min_code_grams: int = 12


MIN_WHOLE = 3
"""A text with fewer tokens than this cannot be recognized."""


class Hit(NamedTuple):
    entry: str
    side: Side
    share: float
    matched: str
    """One passage that both contain, after normalization."""


class _Index:
    """Inverted index from n-grams to the passages of a benchmark, for one side (prose or code)."""

    def __init__(
        self,
        side: Side,
        n: int,
        share: float,
        min_grams: int,
        common: int,
        reach: float = inf,
        confirm: float = 0.0,
    ) -> None:
        self._side, self._n, self._share, self._min_grams, self._common, self._reach = (
            side,
            n,
            share,
            min_grams,
            common,
            reach,
        )
        self._confirm = confirm
        self._words: list[frozenset[str]] = []
        self._lengths: list[int] = []
        self._rarity: dict[str, float] = {}
        self._owners: dict[str, list[int]] = {}
        self._entries: list[str] = []
        self._wholes: dict[str, int] = {}
        self._grams: Counter[int] = Counter()
        self._weak_lengths: list[int] = []

    def add(self, entry: str, tokens: list[str]) -> None:
        if len(tokens) < MIN_WHOLE:
            return
        self._wholes.setdefault(self._runs(tokens, len(tokens))[0], len(self._entries))
        for gram in set(self._runs(tokens, self._n)):
            self._owners.setdefault(gram, []).append(len(self._entries))
        self._entries.append(entry)
        self._lengths.append(len(tokens))
        self._words.append(frozenset(tokens))

    def _runs(self, tokens: list[str], n: int) -> list[str]:
        return abstract_ngrams(tokens, n) if self._side == "code" else ngrams(tokens, n)

    def finish(self) -> None:
        """Drop n-grams that identify no entry, count the rest of each passage, and keep full texts only for
        passages with too few."""
        self._owners = {
            gram: owners for gram, owners in self._owners.items() if self._spread(owners) <= self._common
        }
        self._grams = Counter(owner for owners in self._owners.values() for owner in owners)
        self._wholes = {
            text: number for text, number in self._wholes.items() if self._grams[number] < self._min_grams
        }
        held = Counter(word for words in self._words for word in words)
        self._rarity = {word: log((len(self._entries) + 1) / count) for word, count in held.items()}
        self._weak_lengths = sorted({text.count("\x1f") + 1 for text in self._wholes})

    def _spread(self, owners: list[int]) -> int:
        return len({self._entries[owner] for owner in owners})

    def search(self, tokens: list[str]) -> Hit | None:
        """The best hit at or above the threshold, or None."""
        return self._search_whole(tokens) or self._search_grams(tokens)

    def _search_whole(self, tokens: list[str]) -> Hit | None:
        """A short entry that occurs in the unit as a whole and makes up at least half of it."""
        for length in self._weak_lengths:
            if length <= len(tokens) <= 2 * length:
                for gram in self._runs(tokens, length):
                    if gram in self._wholes:
                        return Hit(
                            self._entries[self._wholes[gram]], self._side, 1.0, gram.replace("\x1f", " ")
                        )
        return None

    def _search_grams(self, tokens: list[str]) -> Hit | None:
        shared: dict[int, list[str]] = defaultdict(list)
        for gram in set(self._runs(tokens, self._n)):
            for owner in self._owners.get(gram, ()):
                shared[owner].append(gram)
        words = frozenset(tokens)
        hits = [
            Hit(
                self._entries[owner],
                self._side,
                len(grams) / self._grams[owner],
                min(grams).replace("\x1f", " "),
            )
            for owner, grams in sorted(shared.items())
            if self._is_hit(owner, len(grams), len(tokens)) and self._is_confirmed(owner, words)
        ]
        return max(hits, key=lambda hit: hit.share, default=None)

    def _is_hit(self, owner: int, shared: int, length: int) -> bool:
        """Whether there are enough of the entry's n-grams, in a unit that is not too long
        for such n-grams."""
        grams = self._grams[owner]
        return (
            grams >= self._min_grams
            and shared >= self._share * grams
            and length <= self._reach * self._lengths[owner]
        )

    def _is_confirmed(self, owner: int, words: frozenset[str]) -> bool:
        """Whether there are enough of the entry's words, weighted by rarity. Code is exempt, since renaming
        changes its words."""
        if self._side == "code":
            return True
        total = sum(self._rarity[word] for word in self._words[owner])
        return sum(self._rarity[word] for word in self._words[owner] & words) >= self._confirm * total


class Decontaminate:
    """Rejects units that overlap with any of the entries."""

    stage = "decontaminate"
    remembers = False

    def __init__(
        self,
        entries: Iterable[BenchmarkEntry],
        mode: Mode = "containment",
        thresholds: Thresholds | None = None,
    ) -> None:
        limits = thresholds or Thresholds()
        self._mode, self._limits = mode, limits
        self._report_grams: dict[str, str] = {}
        common, least = limits.common_entries, limits.min_prose_grams
        words, ideographs = limits.confirm_share, limits.confirm_ideographs

        def prose(n: int, share: float, confirm: float, reach: float = inf) -> _Index:
            return _Index("prose", n, share, least, common, reach, confirm)

        self._prose = prose(limits.prose_n, limits.prose_share, words)
        self._ideographs = prose(limits.ideograph_n, limits.prose_share, ideographs)
        self._short = prose(limits.short_n, limits.short_share, words, limits.short_reach)
        self._short_ideographs = prose(
            limits.short_ideograph_n, limits.short_share, ideographs, limits.short_reach
        )
        self._code = _Index("code", limits.code_n, limits.code_share, limits.min_code_grams, common)
        for entry in entries:
            self._add(entry)
        for index in (*self._prose_indexes(), self._code):
            index.finish()

    def _prose_indexes(self) -> tuple[_Index, ...]:
        return self._prose, self._ideographs, self._short, self._short_ideographs

    def _add(self, entry: BenchmarkEntry) -> None:
        for text in (*entry.prompts, *entry.answers, *entry.tests):
            words = split_words(text)
            for gram in ngrams(words, self._limits.report_n) if self._mode == "report" else ():
                self._report_grams.setdefault(gram, entry.id)
        for prompt in entry.prompts:
            self._add_prompt(entry.id, split_words(prompt))
        language = normalize_language(entry.language)
        embedded = [code for prompt in entry.prompts for code in embedded_code(prompt)]
        for code in (*entry.answers, *entry.tests, *embedded):
            self._code.add(entry.id, abstract_tokens(code, language))

    def _add_prompt(self, entry: str, words: list[str]) -> None:
        ideographic = is_ideographic(words)
        long, short = (
            (self._ideographs, self._short_ideographs) if ideographic else (self._prose, self._short)
        )
        long.add(entry, words)
        if len(words) < self._limits.short_words * (2 if ideographic else 1):
            short.add(entry, words)

    def check(self, unit: FilterInput) -> Keep | Reject:
        hit = self._find_report(unit) if self._mode == "report" else self._find(unit)
        if hit is None:
            return Keep()
        evidence: Evidence = {
            "entry": hit.entry,
            "side": hit.side,
            "share": round(hit.share, 4),
            "matched": hit.matched[:300],
            "mode": self._mode,
        }
        return Reject("contaminated", evidence)

    def _find_report(self, unit: FilterInput) -> Hit | None:
        for text in (unit.prompt, unit.code, unit.tests):
            for gram in ngrams(split_words(text), self._limits.report_n):
                if gram in self._report_grams:
                    return Hit(self._report_grams[gram], "prose", 1.0, gram.replace("\x1f", " "))
        return None

    def _find(self, unit: FilterInput) -> Hit | None:
        language = normalize_language(unit.language)
        hits: list[Hit | None] = []
        for text in (unit.prompt, unit.code, unit.tests):
            words = split_words(text)
            hits += [index.search(words) for index in self._prose_indexes()]
        for code in (unit.code, unit.tests, *embedded_code(unit.prompt)):
            hits.append(self._code.search(abstract_tokens(code, language)))
        return max((hit for hit in hits if hit), key=lambda hit: hit.share, default=None)


def embedded_code(prompt: str) -> list[str]:
    """Code inside a prompt: fenced blocks, or the whole prompt if it is itself code (HumanEval's prompts
    are function heads)."""
    if "```" in prompt:
        return [block.partition("\n")[2] for block in prompt.split("```")[1::2]]
    return [prompt] if "def " in prompt or "{" in prompt else []


def build(setting: FilterSetting) -> Decontaminate | None:
    """Raises DatasetError for a benchmark file that cannot be read."""
    config = setting.config
    if not config.decontaminate:
        return None
    held_out = setting.held_out if HELD_OUT in config.decontaminate else ()
    files = tuple(setting.recipe_folder / name for name in config.decontaminate if name != HELD_OUT)
    return _made(files, held_out, config.decontamination, config.ngram)


@lru_cache(maxsize=2)
def _made(
    files: tuple[Path, ...], held_out: tuple[BenchmarkEntry, ...], mode: Mode, report_n: int
) -> Decontaminate:
    """One filter serves seeds, samples and all rounds: it remembers nothing of them."""
    entries = [*held_out, *(entry for file in files for entry in read_benchmark(file))]
    return Decontaminate(entries, mode, Thresholds(report_n=report_n))
