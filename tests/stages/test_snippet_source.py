"""Seeds in shards: from any kind of source, each unit once, with a row for what could not be a seed."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from synth.config import PocketSeedsConfig, SourceTreeSeedsConfig
from synth.errors import RecipeError
from synth.ids import unit_id
from synth.records import CodingProblem, Decision, Origin, Seed, SourceText
from synth.seeds.protocol import make_seed
from synth.seeds.source_tree import read_cuts
from synth.stages.shard_state import StageResult
from synth.stages.snippet import SnippetSource
from tests.builders import build_seed
from tests.stages.harness import build_context

FUNCTION = (
    "def {name}(xs):\n    total = 0\n    for x in xs:\n        total += x * {name}_\n    return total\n"
)


def read(
    folder: Path, seeds: dict[str, object], round_: int = 2, shard_size: int = 32
) -> list[tuple[str, StageResult]]:
    """Names of the shards and what was decided in each."""
    context = build_context({"seeds": seeds, "shard_size": shard_size}, folder=folder)
    shards = list(SnippetSource(context).read(round_))
    assert {state.round for state, _ in shards} <= {round_}
    return [(state.name, result) for state, result in shards]


def read_pocket(*seeds: Seed, shard_size: int = 32) -> list[tuple[str, StageResult]]:
    source = SnippetSource(build_context({"shard_size": shard_size}), lambda *_: seeds)
    return [(state.name, result) for state, result in source.read(2)]


def write_rows(folder: Path, *rows: str) -> dict[str, object]:
    """A JSON Lines file, and the recipe's words for it."""
    (folder / "seeds.jsonl").write_text("\n".join(rows))
    return {"kind": "jsonl", "path": "seeds.jsonl"}


def build_row(code: str) -> str:
    return json.dumps({"code": code, "language": "python"})


def write_tree(folder: Path, **files: str) -> dict[str, object]:
    """A folder of Python files, and the recipe's words for it."""
    (folder / "tree").mkdir()
    for name, text in files.items():
        (folder / "tree" / f"{name}.py").write_text(text)
    return {"kind": "source_tree", "paths": ["tree"], "shuffle": False}


def test_it_makes_seeds_and_files() -> None:
    assert (SnippetSource.name, SnippetSource.makes) == ("snippet", (Seed, SourceText, CodingProblem))


def test_seeds_come_in_shards_of_the_recipes_size() -> None:
    seeds = [build_seed(f"s{number}") for number in range(5)]
    shards = read_pocket(*seeds, shard_size=2)
    assert [name for name, _ in shards] == ["00000", "00001", "00002"]
    assert [result.made for _, result in shards] == [tuple(seeds[:2]), tuple(seeds[2:4]), tuple(seeds[4:])]


def test_a_source_without_seeds_has_no_shard() -> None:
    assert read_pocket() == []


def test_a_kept_seed_has_a_row() -> None:
    ((_, result),) = read_pocket(build_seed("s1", language="ruby"))
    (row,) = result.rows
    assert (row.round, row.stage, row.shard, row.unit_id) == (2, "snippet", "00000", "s1")
    assert (row.kind, row.parents, row.language) == ("seed", (), "ruby")
    assert (row.decision, row.reason, row.evidence) == (Decision.KEPT, "", "{}")


def test_a_seed_that_comes_twice_in_a_shard_is_one() -> None:
    first, again, other = build_seed("s1"), build_seed("s1", "x = 2"), build_seed("s2")
    ((_, result),) = read_pocket(first, again, other)
    assert result.made == (first, other)
    assert [row.unit_id for row in result.rows] == ["s1", "s2"]


def test_the_pocket_world_is_told_the_recipes_random_seed_and_the_round() -> None:
    told: list[tuple[str, int, int]] = []

    def provide(config: PocketSeedsConfig, random_seed: int, round_: int) -> Iterable[Seed]:
        told.append((config.kind, random_seed, round_))
        return [build_seed()]

    assert len(list(SnippetSource(build_context(), provide).read(5))) == 1
    assert told == [("pocket", 7, 5)]


def test_a_recipe_that_needs_the_pocket_world_without_one_is_an_error() -> None:
    with pytest.raises(RecipeError, match="pocket"):
        next(SnippetSource(build_context()).read(1))


def test_rows_of_a_file_are_seeds_and_a_bad_row_is_a_rejection(tmp_path: Path) -> None:
    two = FUNCTION.format(name="first") + "\n\n" + FUNCTION.format(name="second")
    seeds = write_rows(tmp_path, build_row(two), "{", build_row(FUNCTION.format(name="third")))
    ((name, result),) = read(tmp_path, {**seeds, "shuffle": False})
    assert name == "00000"
    made = [seed for seed in result.made if isinstance(seed, Seed)]
    assert [seed.code.split("(")[0] for seed in made] == ["def first", "def second", "def third"]
    assert [seed.origin.row for seed in made] == ["seeds.jsonl:1", "seeds.jsonl:1", "seeds.jsonl:3"]
    texts = [unit for unit in result.made if isinstance(unit, SourceText)]
    assert [text.text for text in texts] == [two, FUNCTION.format(name="third")]
    assert [(row.kind, row.decision, row.reason) for row in result.rows] == [
        *[("file", Decision.KEPT, "")] * 2,
        *[("seed", Decision.KEPT, "")] * 2,
        ("file", Decision.REJECTED, "unreadable"),
        ("seed", Decision.KEPT, ""),
    ]
    assert "not JSON" in json.loads(result.rows[4].evidence)["error"]
    assert [row.unit_id for row in result.rows[:4]] == [unit.unit_id for unit in (*texts, *made[:2])]


def test_rejections_fill_shards_too(tmp_path: Path) -> None:
    seeds = write_rows(tmp_path, "{", "[", build_row("x = 1"))
    shards = read(tmp_path, {**seeds, "shuffle": False}, shard_size=2)
    assert [(name, len(result.rows), len(result.made)) for name, result in shards] == [
        ("00000", 2, 0),
        ("00001", 1, 1),
    ]


def test_a_tree_gives_its_functions_and_its_files(tmp_path: Path) -> None:
    text = FUNCTION.format(name="first") + "\n\n" + FUNCTION.format(name="second")
    ((_, result),) = read(tmp_path, write_tree(tmp_path, one=text))
    seeds = [unit for unit in result.made if isinstance(unit, Seed)]
    assert [seed.code.split("(")[0] for seed in seeds] == ["def first", "def second"]
    file = SourceText(
        id=unit_id("file", "tree", "one.py"),
        repository="tree",
        path="one.py",
        language="python",
        text=text,
    )
    assert result.made == (*seeds, file)
    assert [(row.unit_id, row.kind, row.decision) for row in result.rows] == [
        (file.id, "file", Decision.KEPT),
        (seeds[0].id, "seed", Decision.KEPT),
        (seeds[1].id, "seed", Decision.KEPT),
    ]


def test_a_file_keeps_the_licence_of_its_tree(tmp_path: Path) -> None:
    seeds = write_tree(tmp_path, one=FUNCTION.format(name="first"))
    (tmp_path / "tree" / "LICENSE").write_text("MIT License\n\nPermission is hereby granted, free of charge")
    ((_, result),) = read(tmp_path, seeds)
    assert {unit.licence for unit in result.made if isinstance(unit, SourceText)} == {"MIT"}


def list_files(shards: list[tuple[str, StageResult]]) -> list[list[str]]:
    """The paths of the files of each shard."""
    return [[unit.path for unit in result.made if isinstance(unit, SourceText)] for _, result in shards]


def test_a_shard_of_a_tree_is_so_many_files(tmp_path: Path) -> None:
    seeds = write_tree(tmp_path, **{name: FUNCTION.format(name=name) for name in ("a", "b", "c")})
    shards = read(tmp_path, seeds, shard_size=2)
    assert [name for name, _ in shards] == ["00000", "00001"]
    assert list_files(shards) == [["a.py", "b.py"], ["c.py"]]


def test_a_choice_of_files_follows_the_random_seed_and_the_round(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(12)]
    seeds = write_tree(tmp_path, **{name: FUNCTION.format(name=name) for name in names})
    config = SourceTreeSeedsConfig(paths=("tree",), max_files=4, shuffle=False)
    for round_ in (1, 2):
        chosen = [
            cut.ref.relative for cut in read_cuts(config, tmp_path, random_seed=7, round_=round_, workers=1)
        ]
        assert list_files(read(tmp_path, {**seeds, "max_files": 4}, round_)) == [chosen]
    assert list_files(read(tmp_path, {**seeds, "max_files": 4}, 1)) != [chosen]


def test_a_refused_file_has_a_row_and_no_text(tmp_path: Path) -> None:
    seeds = write_tree(tmp_path, good=FUNCTION.format(name="good"))
    (tmp_path / "tree" / "bad.py").write_bytes(b"x = '\xff'\n")
    ((_, result),) = read(tmp_path, seeds)
    rows = {row.unit_id: row for row in result.rows}
    refused = rows[unit_id("file", "tree", "bad.py")]
    assert (refused.kind, refused.decision, refused.reason) == ("file", Decision.REJECTED, "unreadable")
    assert [unit.path for unit in result.made if isinstance(unit, SourceText)] == ["good.py"]


def test_a_function_that_is_no_seed_has_its_reason(tmp_path: Path) -> None:
    text = "def quiet(xs):\n    for x in xs:\n        print(x)\n    print(len(xs))\n"
    ((_, result),) = read(tmp_path, write_tree(tmp_path, one=text))
    assert [(row.kind, row.reason) for row in result.rows] == [("file", ""), ("seed", "no_return")]
    origin = Origin(source="tree", path="one.py", start_line=1)
    assert result.rows[1].unit_id == make_seed(text.rstrip("\n"), "python", origin).id
