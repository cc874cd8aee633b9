"""The natural languages in which instructions are written, by their code (ISO 639-1)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

NaturalLanguage = Literal["en", "zh", "es", "fr", "de", "ja", "ko", "ru", "pt", "ar"]

NATURAL_LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "English",
        "zh": "Chinese",
        "es": "Spanish",
        "fr": "French",
        "de": "German",
        "ja": "Japanese",
        "ko": "Korean",
        "ru": "Russian",
        "pt": "Portuguese",
        "ar": "Arabic",
    }
)
"""Their English names, as prompts call them."""
