"""What comes out of a recipe that is right."""

from pathlib import Path

import pytest
import yaml

from synth.config import JsonlSeedsConfig, Recipe
from synth.errors import UserError
from synth.recipe import load_recipe, recipe_manual, recipe_names, recipe_schema
from synth.resources import resource_folder

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "recipes"


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", [name for name in recipe_names(RECIPES) if not name.startswith("pocket/")])
def test_every_shipped_recipe_loads(name: str) -> None:
    loaded = load_recipe(name, machine=False)
    assert loaded.source.is_relative_to(RECIPES)
    assert loaded.recipe.description


def test_resolved_text_says_every_default_and_loads_again_as_the_same_recipe(tmp_path: Path) -> None:
    loaded = load_recipe("qwen2.5-coder/0.5b", machine=False)
    assert Recipe.model_validate(yaml.safe_load(loaded.resolved)) == loaded.recipe
    again = load_recipe(write(tmp_path, loaded.resolved), machine=False)
    assert again.resolved == loaded.resolved
    assert "weight_decay: 0.0" in loaded.resolved


def test_flags_change_values_inside_blocks_that_the_file_does_not_have(tmp_path: Path) -> None:
    flags = [
        "data={seeds: {kind: pocket}}",
        "data.fim.share=0.25",
        "data.seeds.languages=[python, js]",
        "name=other",
        "seed=7",
    ]
    recipe = load_recipe(write(tmp_path, "name: a\n"), flags, machine=False).recipe
    assert recipe.name == "other"
    assert recipe.seed == 7
    assert recipe.data is not None
    assert recipe.data.fim is not None
    assert recipe.data.fim.share == 0.25


def test_flag_replaces_one_item_of_a_list(tmp_path: Path) -> None:
    file = write(tmp_path, "name: a\nengine: {kind: vllm_server}\nevaluation: {k: [1, 8]}\n")
    for flag in ("evaluation.k[1]=4", "evaluation.k.1=4"):
        evaluation = load_recipe(file, [flag], machine=False).recipe.evaluation
        assert evaluation is not None
        assert evaluation.k == (1, 4)


def test_aliases_of_languages_become_their_names(tmp_path: Path) -> None:
    text = "name: a\ndata: {seeds: {kind: pocket, languages: [Py, js]}}\n"
    recipe = load_recipe(write(tmp_path, text), machine=False).recipe
    assert recipe.data is not None
    assert getattr(recipe.data.seeds, "languages", ()) == ("python", "javascript")


def test_scalars_follow_yaml_1_2(tmp_path: Path) -> None:
    text = (
        "name: no\ndescription: on\nengine: {kind: vllm_server}\n"
        "sft: {coarse: {learning_rate: 3e-4, data: "
        "rows.jsonl}}\n"
    )
    (tmp_path / "rows.jsonl").touch()
    recipe = load_recipe(write(tmp_path, text), machine=False).recipe
    assert (recipe.name, recipe.description) == ("no", "on")
    assert recipe.sft is not None
    assert recipe.sft.coarse.learning_rate == 3e-4


def test_file_paths_start_at_the_recipe_and_flag_paths_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "rows.jsonl").touch()
    file = write(there, "name: a\ndata: {seeds: {kind: jsonl, path: rows.jsonl}}\n")
    monkeypatch.chdir(here)
    for flags, folder in (([], there), (["data.seeds.path=rows.jsonl"], here)):
        data = load_recipe(file, flags, machine=False).recipe.data
        assert data is not None
        assert isinstance(data.seeds, JsonlSeedsConfig)
        assert data.seeds.path == str(folder / "rows.jsonl")


def test_missing_key_variable_is_a_warning_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOBODY_SET_THIS_KEY", raising=False)
    text = (
        "name: a\nteacher: {kind: openai_api, base_url: http://localhost/v1, model: m, api_key_env: "
        "NOBODY_SET_THIS_KEY}\n"
    )
    loaded = load_recipe(write(tmp_path, text))
    assert ["NOBODY_SET_THIS_KEY" in warning.message for warning in loaded.warnings] == [True]


def test_an_endpoint_that_wants_no_key_is_no_warning(tmp_path: Path) -> None:
    text = "name: a\nteacher: {kind: openai_api, base_url: http://localhost/v1, model: m, api_key_env: ''}\n"
    assert load_recipe(write(tmp_path, text)).warnings == ()


@pytest.mark.parametrize("name", ["0.5b", "7b", "32b"])
def test_our_recipes_of_real_models_name_benchmarks_and_others_are_warned(name: str) -> None:
    def warned(*changes: str) -> bool:
        loaded = load_recipe(f"qwen2.5-coder/{name}", changes, machine=False)
        return any("names no benchmark" in warning.message for warning in loaded.warnings)

    assert not warned()
    assert warned("data.filters.decontaminate=[]")
    assert warned('data.filters.decontaminate=["@heldout"]')


def test_manual_on_disk_is_what_the_models_say() -> None:
    page = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
    assert page == recipe_manual(), "run: make docs"


def test_manual_describes_every_key_of_every_block() -> None:
    assert "|  |" not in "".join(
        line[-5:] for line in recipe_manual().splitlines() if line.startswith("| `")
    ), "a field lacks a description"


def test_schema_refuses_unknown_keys_and_names_all_blocks() -> None:
    schema = recipe_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(Recipe.model_fields)


def test_resources_come_from_the_checkout_or_else_from_the_package(tmp_path: Path) -> None:
    package = tmp_path / "synth"
    (package / "_resources" / "recipes").mkdir(parents=True)
    (tmp_path / "recipes").mkdir()
    assert resource_folder("recipes", package) == package / "_resources" / "recipes"
    (tmp_path / "pyproject.toml").touch()
    assert resource_folder("recipes", package) == tmp_path / "recipes"
    with pytest.raises(UserError, match="install codemill again"):
        resource_folder("prompts", package)
