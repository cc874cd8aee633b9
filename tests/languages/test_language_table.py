"""The table of languages in the documentation is the one that the modules state."""

import re
from pathlib import Path

import pytest

from synth.languages.registry import all_languages
from synth.languages.spec import Language
from synth.languages.toolchain import find_toolchain
from tests.languages.toolchains import need

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture" / "languages.md"


def row(language: Language) -> str:
    mode = "typed calls" if language.driver else "stdin"
    lacks = ", ".join(sorted(language.driver.unsupported_values)) if language.driver else ""
    check = "own parser" if language.check else "grammar" if language.grammar else ""
    return f"| {language.title} | `{language.name}` | {mode} | {check} | `{language.install}` | {lacks} |"


@pytest.mark.parametrize("name", [language.name for language in all_languages()])
def test_the_page_has_the_row_that_the_module_states(name: str) -> None:
    language = next(one for one in all_languages() if one.name == name)
    assert row(language) in PAGE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", [language.name for language in all_languages()])
def test_a_toolchain_states_its_version_and_not_a_warning(name: str) -> None:
    need(name)
    toolchain = find_toolchain(name)
    assert toolchain is not None
    assert re.search(r"\d", toolchain.version)
    assert "warning" not in toolchain.version.lower()


def test_there_are_as_many_languages_as_the_page_says() -> None:
    driven = sum(language.driver is not None for language in all_languages())
    scripted = sum(language.script is not None for language in all_languages())
    assert (
        f"{len(all_languages())} languages, {driven} of them with typed calls, {scripted} with script mode"
        in PAGE.read_text(encoding="utf-8")
    )
