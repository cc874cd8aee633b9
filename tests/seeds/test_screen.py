"""The screen of seeds: a secret rejects its file or row before anything else sees it, people are masked."""

import importlib
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.secrets.kinds import plant
from synth.config import ScreenConfig, SourceTreeSeedsConfig
from synth.errors import RecipeError
from synth.filters.protocol import Reject
from synth.records import Decision, Seed, SourceText
from synth.seeds.cut import cut_file
from synth.seeds.files import find_files
from synth.seeds.screen import ScreenedText, require_scanner, screen_text
from synth.stages.shard_state import StageResult
from synth.stages.snippet import SnippetSource
from tests.stages.harness import build_context

PERSON = "ada" + "@" + "lovelace-engines.co.uk"
BODY = "    total = 0\n    for x in xs:\n        total += x\n    return total\n"
FUNCTION = "def {name}(xs):\n    # by {person}\n" + BODY
SECRET = plant("GitHub token", Random(11)).value
HIDDEN = f"def call(x):\n    token = '{SECRET}'\n    y = x + 1\n    return send(token, y)\n"


def read(folder: Path, **seeds: object) -> StageResult:
    [(_, result)] = SnippetSource(build_context({"seeds": seeds}, folder=folder)).read(1)
    return result


def rows(folder: Path, *codes: str) -> dict[str, object]:
    lines = [json.dumps({"code": code, "language": "python"}) for code in codes]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    return {"kind": "jsonl", "path": "rows.jsonl"}


def hub(folder: Path, *codes: str) -> dict[str, object]:
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([{"content": code} for code in codes]).save_to_disk(str(folder / "saved"))
    return {"kind": "hub", "dataset": "saved"}


def tree(folder: Path, *codes: str) -> dict[str, object]:
    (folder / "tree").mkdir()
    for number, code in enumerate(codes):
        (folder / "tree" / f"m{number}.py").write_text(code)
    return {"kind": "source_tree", "paths": ["tree"]}


Write = Callable[..., dict[str, Any]]
"""Writes the codes as a source, and gives the recipe's words for it."""

SOURCES = pytest.mark.parametrize("source", [rows, hub, tree])


@SOURCES
def test_a_secret_rejects_what_holds_it_and_stands_nowhere(source: Write, tmp_path: Path) -> None:
    result = read(tmp_path, **source(tmp_path, HIDDEN, FUNCTION.format(name="f", person="us")))
    [row] = [row for row in result.rows if row.decision is Decision.REJECTED]
    assert (row.reason, json.loads(row.evidence)) == ("secret", {"kind": "github-pat", "line": 2, "found": 1})
    assert [body.unit_id for body in result.made if isinstance(body, Seed)]
    everything = repr(result) + "".join(made.model_dump_json() for made in result.made)
    assert not any(SECRET[at : at + 10] in everything for at in range(len(SECRET) - 9))


@SOURCES
def test_people_are_masked_and_counted(source: Write, tmp_path: Path) -> None:
    result = read(tmp_path, **source(tmp_path, FUNCTION.format(name="f", person=PERSON)))
    texts = [made.code for made in result.made if isinstance(made, Seed)]
    texts += [made.text for made in result.made if isinstance(made, SourceText)]
    assert texts
    assert all("# by person1@example.com" in text for text in texts)
    counted = [json.loads(row.evidence) for row in result.rows if row.evidence != "{}"]
    assert counted == [{"masked_emails": 1}]


@SOURCES
def test_each_half_can_be_switched_off(source: Write, tmp_path: Path) -> None:
    seeds = source(tmp_path, HIDDEN, FUNCTION.format(name="f", person=PERSON))
    result = read(tmp_path, **seeds, screen={"secrets": False, "personal": False})
    assert all(row.decision is Decision.KEPT for row in result.rows)
    assert PERSON in repr(result.made)


def test_a_repeated_reading_gives_the_same_seeds(tmp_path: Path) -> None:
    seeds = rows(tmp_path, FUNCTION.format(name="f", person=PERSON), FUNCTION.format(name="g", person=PERSON))
    assert read(tmp_path, **seeds) == read(tmp_path, **seeds)


def test_the_functions_of_a_file_are_cut_from_the_masked_text(tmp_path: Path) -> None:
    seeds = tree(tmp_path, FUNCTION.format(name="f", person=PERSON))
    config = SourceTreeSeedsConfig.model_validate(seeds)
    cut = pickle.loads(pickle.dumps(cut_file(next(find_files(config, tmp_path)), config)))
    assert cut.evidence == {"masked_emails": 1}
    assert PERSON not in repr(cut)
    made = read(tmp_path, **seeds).made
    assert {type(unit) for unit in made} == {Seed, SourceText}


def test_a_missing_package_is_named_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kingfisher_sdk", None)
    for source in (rows, tree):
        folder = tmp_path / source.__name__
        folder.mkdir()
        with pytest.raises(RecipeError, match=r"codemill\[secrets\]"):
            read(folder, **source(folder, HIDDEN))
    require_scanner(ScreenConfig(secrets=False))


def test_nothing_of_the_scanner_is_imported_without_need() -> None:
    for name in ("synth.seeds.screen", "synth.filters.secrets"):
        source = Path(str(importlib.import_module(name).__file__)).read_text(encoding="utf-8")
        top = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
        assert not [line for line in top if "kingfisher" in line]


def test_a_text_is_screened_whole() -> None:
    assert isinstance(screen_text(HIDDEN, "python", ScreenConfig()), Reject)
    clean = screen_text("x = 1\r\ny = 2\r\n", "python", ScreenConfig())
    assert clean == ScreenedText("x = 1\r\ny = 2\r\n", {})
