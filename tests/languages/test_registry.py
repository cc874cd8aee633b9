"""Names, aliases and file extensions of all languages together, as the registry derives them."""

import pytest

from synth.languages.registry import (
    all_languages,
    find_language,
    get_language,
    normalize_language,
    source_extensions,
)
from synth.prompts.answers import extract_code


def test_names_and_aliases_are_unique() -> None:
    names = [name for language in all_languages() for name in (language.name, *language.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


def test_an_unknown_language_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="write python"):
        get_language("pyhton")
    assert get_language("JS").name == "javascript"
    assert find_language("pyhton") is None


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Python", "python"),
        ("C++", "cpp"),
        (" JavaScript ", "javascript"),
        ("ts", "typescript"),
        ("rs", "rust"),
        ("C#", "csharp"),
        ("golang", "go"),
        ("Klingon", "klingon"),
    ],
)
def test_names_are_read_as_data_sets_and_models_write_them(written: str, name: str) -> None:
    assert normalize_language(written) == name


@pytest.mark.parametrize("name", [language.name for language in all_languages()])
def test_each_name_of_a_language_marks_its_block_in_an_answer(name: str) -> None:
    for tag in (name, *get_language(name).aliases):
        if " " not in tag:
            assert extract_code(f"```klingon\nlonger text\n```\n```{tag}\nx = 1\n```", name) == "x = 1"


def test_no_two_languages_claim_one_extension() -> None:
    extensions = [
        extension
        for language in all_languages()
        if language.node_types
        for extension in language.source_extensions
    ]
    assert sorted(extensions) == sorted(source_extensions())
    assert source_extensions()[".hpp"] == "cpp"


def test_a_language_with_node_types_has_the_grammar_that_they_belong_to() -> None:
    assert [one.name for one in all_languages() if one.node_types and not one.grammar] == []
