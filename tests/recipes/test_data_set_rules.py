"""The data sets of a training, as a recipe may name them."""

from pathlib import Path

import pytest

from synth.errors import RecipeError
from synth.recipe import LoadedRecipe, load_recipe

OWN = "engine: {kind: vllm_server}\ndata: {seeds: {kind: pocket}, instruct: {}, solve: {n: 8}, pairs: {}}\n"


def load(tmp_path: Path, data: str, own: str = OWN) -> LoadedRecipe:
    for name in ("one.jsonl", "two.jsonl"):
        (tmp_path / name).write_text('{"text": "x"}\n')
    (tmp_path / "set").mkdir(exist_ok=True)
    file = tmp_path / "recipe.yaml"
    file.write_text(f"name: a\n{own}sft: {{coarse: {{data: {data}}}}}\n", encoding="utf-8")
    return load_recipe(file, (), machine=False)


@pytest.mark.parametrize(
    ("data", "own", "message"),
    [
        ("[{source: one.jsonl, weight: 1}, two.jsonl]", "", "a `weight` for each data set, or for none"),
        ("[{source: one.jsonl, weight: 1}]", OWN, "must say the share of the rows that each round makes"),
        ("[round, one.jsonl]", "", "makes no rows"),
        ("[{source: round, weight: 1}, {source: round, weight: 2}]", OWN, "has `round` 2 times"),
        ("[{source: round, columns: {text: code}}]", OWN, "must give `round` a weight alone"),
        ("[{source: one.jsonl, weight: 0}]", "", "must be greater than 0"),
        ("[{source: one.jsonl, columns: {txet: code}}]", "", "columns"),
        ("[{source: on.jsonl}]", "", "does not exist"),
        ("[one.jsonl, to.jsonl]", "", "does not exist"),
        ("{sorce: one.jsonl}", "", "sorce"),
        ("'hub:./nowhere'", "", "`hub:` and an existing folder, or an id like owner/name"),
        ("'hub:a/b/c'", "", "`hub:` and an existing folder, or an id like owner/name"),
    ],
)
def test_what_is_not_decided_by_keys_is_refused(tmp_path: Path, data: str, own: str, message: str) -> None:
    with pytest.raises(RecipeError) as refused:
        load(tmp_path, data, own)
    assert message in str(refused.value)
    assert "sft.coarse.data" in str(refused.value)


@pytest.mark.parametrize(
    ("data", "own"),
    [
        ("one.jsonl", ""),
        ("[one.jsonl, two.jsonl]", OWN),
        ("[{source: one.jsonl, weight: 1}, {source: two.jsonl, weight: 3}]", ""),
        ("[{source: round, weight: 0.7}, {source: 'hub:owner/name', weight: 0.3, split: train_sft}]", OWN),
        ("[round, 'hub:set']", OWN),
    ],
)
def test_data_sets_become_absolute_paths_or_stay_hub_ids(tmp_path: Path, data: str, own: str) -> None:
    sft = load(tmp_path, data, own).recipe.sft
    assert sft is not None
    for one in sft.coarse.data:
        assert one.source == "round" or one.source.startswith("hub:") or Path(one.source).is_absolute()
