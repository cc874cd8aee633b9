"""The prose of a benchmark, and the search for copies of it: verbatim, in other case or punctuation, or with
some words changed.

Place in the flow: `decontaminate.py` asks here for prompts, and for the words of programs. A hit is a share
of the entry's n-grams, in an entry of fewer than 60 words also of its 3-grams, since a few edits touch most
6-grams. The one rule: rare words confirm a hit, so instructions that share phrases but not their subject
are none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import inf, log

from synth.filters.code_index import MIN_WHOLE
from synth.filters.hit import Hit
from synth.filters.subjects import find_first_of_task
from synth.filters.words import ngrams


class ProseIndex:
    """Inverted index from n-grams to the prose of a benchmark."""

    def __init__(
        self,
        n: int,
        share: float,
        min_grams: int,
        common: int,
        reach: float = inf,
        confirm: float = 0.0,
    ) -> None:
        self._n, self._share, self._min_grams, self._common, self._reach = (
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
        self._tasks: list[str] = []
        """Of each passage, the entry that its task stands in first."""
        self._wholes: dict[str, int] = {}
        self._grams: Counter[int] = Counter()
        self._weak_lengths: list[int] = []

    def add(self, entry: str, tokens: list[str]) -> None:
        if len(tokens) < MIN_WHOLE:
            return
        self._wholes.setdefault(ngrams(tokens, len(tokens))[0], len(self._entries))
        for gram in set(ngrams(tokens, self._n)):
            self._owners.setdefault(gram, []).append(len(self._entries))
        self._entries.append(entry)
        self._lengths.append(len(tokens))
        self._words.append(frozenset(tokens))

    def finish(self) -> None:
        """Drop n-grams that identify no task, count the rest of each passage, and keep full texts only for
        passages with too few."""
        held = Counter(word for words in self._words for word in words)
        self._rarity = {word: log((len(self._entries) + 1) / count) for word, count in held.items()}
        firsts = find_first_of_task(self._words, self._weight, self._confirm)
        self._tasks = [self._entries[first] for first in firsts]
        self._owners = {
            gram: owners for gram, owners in self._owners.items() if self._spread(owners) <= self._common
        }
        self._grams = Counter(owner for owners in self._owners.values() for owner in owners)
        self._wholes = {
            text: number for text, number in self._wholes.items() if self._grams[number] < self._min_grams
        }
        self._weak_lengths = sorted({text.count("\x1f") + 1 for text in self._wholes})

    def _spread(self, owners: list[int]) -> int:
        """How many tasks hold an n-gram."""
        return len({self._tasks[owner] for owner in owners})

    def _weight(self, words: Iterable[str]) -> float:
        return sum(self._rarity[word] for word in words)

    def search(self, tokens: list[str]) -> Hit | None:
        """The best hit at or above the threshold, or None."""
        return self._search_whole(tokens) or self._search_grams(tokens)

    def _search_whole(self, tokens: list[str]) -> Hit | None:
        """A short entry that occurs in the unit as a whole and makes up at least half of it."""
        for length in self._weak_lengths:
            if length <= len(tokens) <= 2 * length:
                for gram in ngrams(tokens, length):
                    if gram in self._wholes:
                        entry = self._entries[self._wholes[gram]]
                        return Hit(entry, "prose", 1.0, gram.replace("\x1f", " "), "whole")
        return None

    def _search_grams(self, tokens: list[str]) -> Hit | None:
        shared: dict[int, list[str]] = defaultdict(list)
        for gram in set(ngrams(tokens, self._n)):
            for owner in self._owners.get(gram, ()):
                shared[owner].append(gram)
        words = frozenset(tokens)
        hits = [
            Hit(
                self._entries[owner],
                "prose",
                len(grams) / self._grams[owner],
                min(grams).replace("\x1f", " "),
                least=self._share,
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
        """Whether there are enough of the entry's words, weighted by rarity."""
        mine = self._words[owner]
        return self._weight(mine & words) >= self._confirm * self._weight(mine)
