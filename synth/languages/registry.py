"""Finds the language modules by listing this folder: a new language is a new file, and nothing else changes.

A module that defines `LANGUAGE` is a language. The one rule: names and aliases are unique, in lower case.
"""

import difflib
import importlib
import pkgutil
from functools import lru_cache
from pathlib import Path

from synth.errors import Problem, UserError
from synth.languages.spec import Language


class UnknownLanguage(UserError, KeyError):
    """No module answers to that name. The fix names the nearest one."""

    def __str__(self) -> str:
        return UserError.__str__(self)


@lru_cache(maxsize=1)
def all_languages() -> tuple[Language, ...]:
    """Every language, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [importlib.import_module(f"synth.languages.{name}") for name in names]
    return tuple(module.LANGUAGE for module in modules if hasattr(module, "LANGUAGE"))


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Language]:
    return {name: language for language in all_languages() for name in (language.name, *language.aliases)}


def get_language(name: str) -> Language:
    """The language of that name or alias, in any case. Raises UnknownLanguage (a UserError and a KeyError)
    naming the nearest."""
    known = _by_name()
    found = known.get(name.strip().lower())
    if found is not None:
        return found
    near = difflib.get_close_matches(name.strip().lower(), known, n=1)
    listed = ", ".join(language.name for language in all_languages())
    raise UnknownLanguage(
        Problem(
            where=f"language {name!r}",
            expected=f"must be one of: {listed}",
            fix=f"write {near[0]}" if near else "choose one of these, or add a module to synth/languages",
            see="docs/architecture/execution.md",
        )
    )
