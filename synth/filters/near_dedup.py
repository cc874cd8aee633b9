"""The near-duplicate filter: MinHash and locality-sensitive hashing (rensa) find candidates, exact Jaccard
similarity decides.

Texts are compared as sets of five-token shingles of code tokens, so layout and comments do not count. The one
rule: a rejection names the kept twin and the measured similarity; hashing only proposes, it never decides.

Memory: 4 bytes a distinct shingle and about 1 KB for the signature of each kept unit (about 250 MB for
100,000 programs of 400 tokens), up to MOST_REMEMBERED units: then the older half is forgotten.
"""

import zlib
from array import array
from typing import TYPE_CHECKING, Final

from synth.filters.protocol import FilterInput, FilterSetting, Keep, Reject
from synth.filters.words import ngrams, split_words
from synth.languages.code_tokens import code_tokens
from synth.languages.registry import normalize_language
from synth.thresholds import Threshold

if TYPE_CHECKING:
    from rensa import RMinHash

COST = 40
FOR_SEEDS = True
SHINGLE = 5
PERMUTATIONS = 120
DETECTION = 0.995
"""Least probability that a pair exactly at the threshold becomes a candidate."""

THRESHOLDS: Final = (
    Threshold(
        stage="near_dedup",
        reasons=("near_duplicate",),
        measure="similarity",
        keeps="<",
        key="data.filters.near_dedup_threshold",
        sentence="The Jaccard similarity of its five-token shingles with every unit kept before it is below "
        "{limit}.",
        caveat="The similarity is with the units that were kept under the present threshold: one that is "
        "newly kept may have later twins, and one that leaves may free its own.",
        before_model=True,
    ),
)

MOST_REMEMBERED = 500_000
"""Kept units that later ones are compared with, at most: about 1.3 GB of programs of 400 tokens."""


def choose_bands(threshold: float) -> int:
    """Number of LSH bands: the fewest (so the fewest false candidates) that still find a pair at the
    threshold with DETECTION."""
    for rows in (10, 8, 6, 5, 4, 3, 2):
        bands = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= DETECTION:
            return bands
    return PERMUTATIONS


class NearDedup:
    """Keeps the first of each group of near-duplicates."""

    stage = "near_dedup"
    remembers = True

    def __init__(self, threshold: float = 0.8, seed: int = 0, most: int = MOST_REMEMBERED) -> None:
        self.threshold, self._seed, self._half = threshold, seed, max(1, most // 2)
        self._recent, self._older = _Memory(threshold), _Memory(threshold)

    def check(self, unit: FilterInput) -> Keep | Reject:
        shingles = unit_shingles(unit)
        signature = self._sign(shingles)
        found = (memory.closest(shingles, signature) for memory in (self._older, self._recent))
        similarity, twin = max(found, key=lambda one: one[0])
        if similarity >= self.threshold and twin != unit.id:
            return Reject("near_duplicate", {"similarity": round(similarity, 4), "twin": twin})
        if len(self._recent.ids) >= self._half:
            self._older, self._recent = self._recent, _Memory(self.threshold)
        self._recent.add(unit.id, shingles, signature)
        return Keep({"similarity": round(similarity, 4)})

    def _sign(self, shingles: set[int]) -> "RMinHash":
        from rensa import RMinHash

        signature = RMinHash(PERMUTATIONS, self._seed)
        signature.update([str(shingle) for shingle in shingles])
        return signature


class _Memory:
    """Kept units, in the order in which they came."""

    def __init__(self, threshold: float) -> None:
        from rensa import RMinHashLSH

        self._index = RMinHashLSH(threshold, PERMUTATIONS, choose_bands(threshold))
        self.ids: list[str] = []
        self._shingles: list[array[int]] = []

    def add(self, id_: str, shingles: set[int], signature: "RMinHash") -> None:
        """Remember a unit."""
        self._index.insert(len(self.ids), signature)
        self.ids.append(id_)
        self._shingles.append(array("I", sorted(shingles)))

    def closest(self, shingles: set[int], signature: "RMinHash") -> tuple[float, str]:
        """Greatest Jaccard similarity among the candidates, and its id; the earliest wins a tie."""
        best, twin = 0.0, ""
        for key in sorted(self._index.query(signature)):
            similarity = jaccard(shingles, self._shingles[key])
            if similarity > best:
                best, twin = similarity, self.ids[key]
        return best, twin


def unit_shingles(unit: FilterInput) -> set[int]:
    """Hashes (32 bits) of the five-token shingles of prompt and code; a shorter text is one shingle."""
    language = normalize_language(unit.language)
    found: set[int] = set()
    for tokens in (split_words(unit.prompt), code_tokens(unit.code, language)):
        texts = ngrams(tokens, SHINGLE) or (["\x1f".join(tokens)] if tokens else [])
        found.update(zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts)
    return found


def jaccard(left: set[int], right: "array[int]") -> float:
    """Size of the intersection over size of the union; two empty sets are alike."""
    shared = sum(1 for item in right if item in left)
    union = len(left) + len(right) - shared
    return shared / union if union else 1.0


def build(setting: FilterSetting) -> NearDedup | None:
    return NearDedup(setting.config.near_dedup_threshold) if setting.config.near_dedup else None
