"""The packages that programs may import: the section of recipes, the option of commands, and the ready-made
sets with their names.

Place in the flow: recipes and options become a `PackagesConfig`; `packages/` builds and finds what
it asks for. The one rule: names only. `ready_packages.toml` holds all of them.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from synth.config_base import Config

DEFAULT: Final = "default"
"""The set that is used without an option, where it was built."""

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
_PATTERNS: Final = {
    "javascript": rf"(?:@{_NAME}/)?{_NAME}",
    "go": rf"{_NAME}|[A-Za-z0-9-]+\.[A-Za-z0-9.-]+(?:/{_NAME})+",
}
"""Where a language has names of other shapes. A slash elsewhere makes a path or an address of a name."""
_VERSION: Final = r"(?:(?:==|@)[A-Za-z0-9.+~_-]+)?"


def _check_name(name: str, info: ValidationInfo) -> str:
    pattern = _PATTERNS.get(info.field_name or "", _NAME)
    if not re.fullmatch(f"(?:{pattern}){_VERSION}", name):
        raise ValueError(
            "must be a package's name, with a version after `==` at most: no address, no path, no option"
        )
    return name


def _check_set(name: str) -> str:
    if name not in ready_sets():
        raise ValueError(f"must be one of {', '.join(ready_sets())}")
    return name


def parted(name: str) -> tuple[str, str]:
    """A name, and its version or an empty text."""
    found = re.match("(@?[^@=]+)(?:==|@)?(.*)", name)
    assert found is not None, "checked by the config"
    return found[1], found[2]


Name = Annotated[str, AfterValidator(_check_name)]
SetName = Annotated[str, AfterValidator(_check_set)]


class PackagesConfig(Config):
    """Packages that programs can import, by language. `codemill packages build` makes them; what this
    machine's python3 has is there anyway. Nothing here: the default set, if it was built."""

    sets: tuple[SetName, ...] = Field(
        (), description="Ready-made sets, such as `humaneval+` (`codemill packages list` names them)."
    )
    python: tuple[Name, ...] = Field((), description="Packages of pip, for example numpy.")
    javascript: tuple[Name, ...] = Field((), description="Packages of npm, for example lodash.")
    java: tuple[Name, ...] = Field((), description="Libraries from Debian, for example javatuples.")
    lua: tuple[Name, ...] = Field((), description="Libraries from Debian, for example luaunit.")
    go: tuple[Name, ...] = Field((), description="Libraries from Debian's sources, for example testify.")
    rust: tuple[Name, ...] = Field((), description="Crates from Debian's sources, for example regex.")

    @model_validator(mode="after")
    def _check_versions(self) -> Self:
        for language in LANGUAGES:
            versions: dict[str, str] = {}
            for name, version in map(parted, getattr(self, language)):
                if version and versions.setdefault(name, version) != version:
                    words = f"{language} cannot have {name} in two versions, {versions[name]} and {version}"
                    raise ValueError(words)
        return self

    def names(self) -> dict[str, tuple[str, ...]]:
        """The packages of each language, those of the sets among them, in order. A name with a version stands
        for the same name without one."""
        asked: dict[str, set[str]] = {}
        for language in LANGUAGES:
            asked.setdefault(language, set()).update(getattr(self, language))
        for name in self.sets:
            for language, packages in ready_sets()[name].items():
                asked[language].update(packages)
        for found in asked.values():
            found -= {name for name, version in map(parted, found) if version}
        return {language: tuple(sorted(found)) for language, found in asked.items() if found}


LANGUAGES: Final = tuple(name for name in PackagesConfig.model_fields if name != "sets")
"""The languages that packages can be built for."""


@cache
def _data() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    return tomllib.loads(Path(__file__).with_name("ready_packages.toml").read_text(encoding="utf-8"))


@cache
def ready_sets() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """The packages of each ready-made set by language."""
    return {
        name: {language: tuple(names) for language, names in held.items() if isinstance(names, list)}
        for name, held in _data()["sets"].items()
    }


@cache
def about_sets() -> Mapping[str, str]:
    """What each ready-made set is for."""
    return {name: str(held["about"]) for name, held in _data()["sets"].items()}


@cache
def package_of(language: str) -> Mapping[str, str]:
    """The packages that are known to provide a module of a language, by the module."""
    names = {name for held in ready_sets().values() for name in held.get(language, ())}
    other = {module: str(name) for module, name in _data()["modules"].get(language, {}).items()}
    return {name.replace("-", "_"): name for name in sorted(names - set(other.values()))} | other


def debian_name(name: str) -> str | None:
    """Debian's name of a package, where it does not follow from the patterns of the language."""
    found = _data()["debian"].get(name)
    return None if found is None else str(found)
