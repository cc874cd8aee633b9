"""The exact-duplicate filter: the same program or text, whatever its layout, comments and letter case of
prose, is kept once.

The one rule: the first one stays, so the caller feeds units in a fixed order and the result is the same in
every run.
"""

import hashlib

from synth.filters.protocol import FilterInput, FilterSetting, Keep, Reject
from synth.filters.words import split_words
from synth.languages.code_tokens import normalize_code
from synth.languages.registry import normalize_language

COST = 30
FOR_SEEDS = True


class ExactDedup:
    """Remembers 16 bytes a kept unit. Evidence of a rejection: the id of the kept twin."""

    stage = "exact_dedup"
    remembers = True

    def __init__(self) -> None:
        self._kept: dict[bytes, str] = {}

    def check(self, unit: FilterInput) -> Keep | Reject:
        twin = self._kept.setdefault(_fingerprint(unit), unit.id)
        return Keep() if twin == unit.id else Reject("exact_duplicate", {"twin": twin})


def _fingerprint(unit: FilterInput) -> bytes:
    """Hash of what is left after normalization; language counts, so the same text in two languages is no
    duplicate."""
    language = normalize_language(unit.language)
    parts = (language, " ".join(split_words(unit.prompt)), normalize_code(unit.code, language))
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def build(setting: FilterSetting) -> ExactDedup | None:
    return ExactDedup() if setting.config.exact_dedup else None
