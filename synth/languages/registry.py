"""Finds the languages by listing this folder: adding a language only adds a file or a folder.

A module that defines `LANGUAGE` is a language. Tables over all languages (names, file extensions) are
derived here on first use: importing this module loads no language. The one rule: names and aliases are
unique, in lower case.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from synth.errors import Problem, UserError
from synth.grammar.node_types import NodeTypes
from synth.languages.spec import Language


class UnknownLanguage(UserError, KeyError):
    """No language has that name. The fix suggests the nearest one."""

    def __str__(self) -> str:
        return UserError.__str__(self)


@cache
def all_languages() -> tuple[Language, ...]:
    """Every language, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [importlib.import_module(f"synth.languages.{name}") for name in names]
    return tuple(module.LANGUAGE for module in modules if hasattr(module, "LANGUAGE"))


@cache
def _by_name() -> Mapping[str, Language]:
    return {name: language for language in all_languages() for name in (language.name, *language.aliases)}


def find_language(name: str) -> Language | None:
    """The language of that name or alias, in any case, or None."""
    return _by_name().get(name.strip().lower())


def get_language(name: str) -> Language:
    """The language of that name or alias, in any case. Raises UnknownLanguage (a UserError and a KeyError),
    which suggests the nearest name."""
    found = find_language(name)
    if found is not None:
        return found
    near = difflib.get_close_matches(name.strip().lower(), _by_name(), n=1)
    listed = ", ".join(language.name for language in all_languages())
    raise UnknownLanguage(
        Problem(
            where=f"language {name!r}",
            message=f"must be one of: {listed}",
            fix=f"write {near[0]}" if near else "choose one of these, or add one to synth/languages",
            see="docs/architecture/languages.md",
        )
    )


def normalize_language(name: str) -> str:
    """Our name for a language that data sets and models may spell differently: `C++` is `cpp`, `rs` is
    `rust`. An unknown name is returned in lower case."""
    found = find_language(name)
    return found.name if found else name.strip().lower()


def find_node_types(name: str) -> NodeTypes | None:
    """The node types of the language of that name; None if it states none or is unknown."""
    found = find_language(name)
    return found.node_types if found else None


@cache
def source_extensions() -> Mapping[str, str]:
    """Maps file extensions to languages, for languages whose functions can be cut from source files."""
    return {
        extension: language.name
        for language in all_languages()
        if language.node_types
        for extension in language.source_extensions
    }
