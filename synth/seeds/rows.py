"""Turns one row of a data set into a seed or a rejection; shared by JSON Lines and hub data sets."""

from synth.filters.protocol import Reject
from synth.languages.registry import normalize_language
from synth.records import Origin
from synth.seeds.protocol import SeedOrRejection, make_seed, reject_seed

_LICENCE_COLUMNS = ("license", "licence", "max_stars_repo_licenses")


def seed_from_row(
    row: dict[str, object] | Reject,
    source: str,
    number: int,
    code_column: str,
    language_column: str | None,
    language: str,
) -> SeedOrRejection:
    """A seed, or a rejection if the row is unreadable or its code is empty or not text. `number` counts
    rows from 1."""
    if isinstance(row, Reject):
        return reject_seed("", language, Origin(source=source, start_line=number), row)
    origin = Origin(source=source, path=_path(row), start_line=number, licence=_licence(row))
    named = row.get(language_column) if language_column else language
    language = normalize_language(named) if isinstance(named, str) else ""
    code = row.get(code_column)
    if not isinstance(code, str):
        return reject_seed(
            "", language, origin, Reject("unreadable", {"column": code_column, "found": type(code).__name__})
        )
    if not language:
        return reject_seed(
            code,
            language,
            origin,
            Reject("unreadable", {"column": language_column or "", "found": type(named).__name__}),
        )
    if not code.strip():
        return reject_seed(code, language, origin, Reject("too_short", {"lines": 0}))
    return make_seed(code, language, origin)


def _path(row: dict[str, object]) -> str:
    found = next((row[name] for name in ("path", "file", "id") if isinstance(row.get(name), str)), "")
    return str(found)


def _licence(row: dict[str, object]) -> str:
    for name in _LICENCE_COLUMNS:
        value = row.get(name)
        if value:
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return ""
