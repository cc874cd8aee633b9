"""Screens the text of a source file or of a row: secrets reject it, personal data is masked.

The first thing that happens to a text, before it is cut, shown to a model or made into data. The one rule:
what was masked is counted, and what is rejected says why.
"""

from typing import NamedTuple

from synth.config import ScreenConfig
from synth.errors import Problem, RecipeError
from synth.filters.personal import mask_personal
from synth.filters.protocol import Evidence, Reject
from synth.filters.secrets import check_secrets


class ScreenedText(NamedTuple):
    """A text that may be used, and what was masked in it."""

    text: str
    evidence: Evidence


def require_scanner(config: ScreenConfig) -> None:
    """Raises RecipeError if secrets are to be found and the package that finds them is missing."""
    if not config.secrets:
        return
    package = config.needs_package
    try:
        __import__(package.module)
    except ImportError as error:
        raise RecipeError(
            Problem(
                "data.seeds.screen.secrets",
                f"needs {package.display_name}, which is not installed",
                f"{package.install}, or `screen: {{secrets: false}}` if the sources hold no secrets",
                "docs/architecture/seeds.md",
            )
        ) from error


def screen_text(text: str, language: str, config: ScreenConfig) -> ScreenedText | Reject:
    """The text to use, or why it may not be used."""
    if config.secrets and isinstance(found := check_secrets(text), Reject):
        return found
    if not config.personal:
        return ScreenedText(text, {})
    masked = mask_personal(text, language)
    return ScreenedText(masked.text, {f"masked_{kind}": count for kind, count in masked.counts.items()})
