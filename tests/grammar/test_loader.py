"""The grammars that are there are those that are used, in every installation, at one version."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from synth.grammar.loader import GRAMMARS, NoGrammar, load_grammar
from synth.languages.registry import all_languages

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def pinned_grammars() -> dict[str, str]:
    """Module of each grammar package that the core depends on, to its version."""
    named = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]
    found = [re.fullmatch(r"(tree-sitter-[a-z-]+)==([0-9.]+)", name) for name in named]
    return {one[1].replace("-", "_"): one[2] for one in found if one}


@pytest.mark.parametrize("name", sorted(GRAMMARS))
def test_every_grammar_loads(name: str) -> None:
    assert load_grammar(name) is load_grammar(name)
    assert load_grammar(name).node_kind_count > 10


def test_a_grammar_without_a_package_is_none() -> None:
    with pytest.raises(NoGrammar):
        load_grammar("klingon")


def test_grammars_are_those_that_languages_name() -> None:
    named = {language.grammar for language in all_languages() if language.grammar}
    assert named == set(GRAMMARS)


def test_the_core_depends_on_exactly_these_packages_at_exact_versions() -> None:
    assert set(pinned_grammars()) == {module for module, _ in GRAMMARS.values()}


@pytest.mark.parametrize("module", sorted(module for module, _ in GRAMMARS.values()))
def test_the_version_that_is_installed_is_the_one_that_is_named(module: str) -> None:
    assert version(module.replace("_", "-")) == pinned_grammars()[module]
