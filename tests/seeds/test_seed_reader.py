"""The way in: every kind of source, and bad rows as rejections."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from synth.config import HubSeedsConfig, JsonlSeedsConfig, PocketSeedsConfig, SourceTreeSeedsConfig
from synth.errors import RecipeError
from synth.links import links_out
from synth.records import Origin, Seed
from synth.seeds.protocol import SeedOrRejection, SeedRejection, make_seed
from synth.seeds.reader import read_seeds

CODE = "def f(a):\n    b = a + 1\n    return b\n"


def reasons(units: Iterable[SeedOrRejection]) -> list[str]:
    return [unit.reject.reason if isinstance(unit, SeedRejection) else "seed" for unit in units]


def test_each_line_is_a_seed_or_a_rejection(tmp_path: Path) -> None:
    lines = [
        json.dumps({"code": CODE, "language": "Python", "license": ["mit"], "path": "a.py"}).encode(),
        b"",
        b"not json",
        b"[1]",
        b"\xff\xfe",
        json.dumps({"code": 3, "language": "python"}).encode(),
        json.dumps({"code": "x", "language": None}).encode(),
        json.dumps({"code": "  ", "language": "python"}).encode(),
        json.dumps({"text": "x", "language": "python"}).encode(),
    ]
    (tmp_path / "seeds.jsonl").write_bytes(b"\n".join(lines))
    units = list(
        read_seeds(
            JsonlSeedsConfig(path="seeds.jsonl", shuffle=False),
            recipe_folder=tmp_path,
            random_seed=0,
            round_=0,
        )
    )
    assert reasons(units) == [
        "seed",
        *["unreadable"] * 4,
        "unknown_language",
        "too_short",
        "unreadable",
    ]
    first = units[0]
    assert isinstance(first, Seed)
    assert (first.language, first.origin) == (
        "python",
        Origin(
            source="seeds.jsonl", path="a.py", row="seeds.jsonl:1", start_line=1, end_line=3, licence="mit"
        ),
    )
    assert len({unit.id if isinstance(unit, Seed) else unit.unit_id for unit in units}) == len(units)


def test_the_limit_counts_rows(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text(f"{json.dumps({'code': CODE, 'language': 'python'})}\n" * 9)
    units = list(
        read_seeds(JsonlSeedsConfig(path="s.jsonl", limit=4), recipe_folder=tmp_path, random_seed=0, round_=0)
    )
    assert len(units) == 4


def test_a_missing_file_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="must be an existing file"):
        list(read_seeds(JsonlSeedsConfig(path="gone.jsonl"), recipe_folder=tmp_path, random_seed=0, round_=0))


def test_a_saved_data_set_and_a_folder_of_parquet_are_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = {"content": [CODE, None, CODE.replace("f(", "g(")], "lang": ["Python", "python", "C"]}
    datasets.Dataset.from_dict(rows).save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "parquet").mkdir()
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "parquet" / "train.parquet"))
    for name in ("saved", "parquet"):
        config = HubSeedsConfig(dataset=name, language_column="lang", shuffle=False)
        units = list(read_seeds(config, recipe_folder=tmp_path, random_seed=0, round_=0))
        assert reasons(units) == ["seed", "unreadable"]
        assert [unit.language for unit in units] == ["python", "python"]


def test_a_data_set_that_cannot_be_opened_is_the_users_error(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="cannot be opened"):
        list(read_seeds(HubSeedsConfig(dataset="empty"), recipe_folder=tmp_path, random_seed=0, round_=0))


def test_a_source_tree_is_read_through_the_same_door(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(a):\n    b = a\n    return b * 2\n\ndef g(a):\n    pass\n")
    (tmp_path / "b.py").write_bytes(b"\xff")
    config = SourceTreeSeedsConfig(paths=(".",), shuffle=False)
    assert reasons(read_seeds(config, recipe_folder=tmp_path, random_seed=0, round_=0)) == [
        "seed",
        "stub_body",
        "unreadable",
    ]


def test_pocket_seeds_come_from_the_provider_only(tmp_path: Path) -> None:
    def provider(config: PocketSeedsConfig, random_seed: int, round_: int) -> Iterable[Seed]:
        return [make_seed(f"{config.count} {random_seed} {round_}", "python", Origin(source="pocket"))]

    units = list(
        read_seeds(
            PocketSeedsConfig(count=2), recipe_folder=tmp_path, random_seed=5, round_=1, pocket=provider
        )
    )
    assert [unit.code for unit in units if isinstance(unit, Seed)] == ["2 5 1"]
    with pytest.raises(RecipeError, match="pocket"):
        read_seeds(PocketSeedsConfig(), recipe_folder=tmp_path, random_seed=0, round_=0)


def test_a_data_set_with_a_link_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.jsonl").write_text(json.dumps({"content": "decoy = 1"}))
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").symlink_to(tmp_path / "outside.jsonl")
    with pytest.raises(RecipeError, match="leads out of it"):
        list(read_seeds(HubSeedsConfig(dataset="set"), recipe_folder=tmp_path, random_seed=0, round_=0))


def test_the_links_of_the_hubs_own_cache_are_followed(tmp_path: Path) -> None:
    snapshot = tmp_path / "datasets--a--b" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (tmp_path / "datasets--a--b" / "blobs").mkdir()
    (tmp_path / "datasets--a--b" / "blobs" / "1").write_text("{}")
    (snapshot / "train.jsonl").symlink_to("../../blobs/1")
    assert links_out(snapshot) == []
    (snapshot / "more.jsonl").symlink_to("../../../elsewhere")
    assert links_out(snapshot) == [snapshot / "more.jsonl"]
