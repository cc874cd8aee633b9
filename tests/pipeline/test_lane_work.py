"""A lane is a function of plain data: it runs the same in a process that has nothing open yet."""

import asyncio
import json
import pickle
import subprocess
import sys
from pathlib import Path

from synth.config import Recipe
from synth.execution.local.sandbox import LocalSandbox
from synth.pipeline.books import StageCounts
from synth.pipeline.lane_work import Lane, run_lane
from synth.pipeline.resources import Resources
from synth.policy import Policy
from synth.records import Reference
from synth.stages.context import Context
from synth.stages.reference import ReferenceStage
from synth.stages.snippet import SnippetSource
from synth.store.shards import StageCommit
from tests.builders import called

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = """
import asyncio, pickle, sys
from synth.pipeline.lane_work import run_lane
counts = asyncio.run(run_lane(*pickle.loads(sys.stdin.buffer.read())))
print(counts["reference"].entered, counts["reference"].kept, counts["reference"].rejected)
"""
SEEDS = (
    "def total(xs: list[int]) -> int:\n    return sum(xs)\n",
    "def nothing(x: int) -> int:\n    return 7\n",
)
LANE = Lane((ReferenceStage.name,))


def prepare(folder: Path) -> tuple[Recipe, Resources]:
    """A run folder whose only shard was read from a file, and what a lane needs to go on with it."""
    rows = [
        json.dumps({"code": code, "language": "python", "entry_point": code[4 : code.index("(")]})
        for code in SEEDS
    ]
    (folder / "seeds.jsonl").write_text("\n".join(rows), encoding="utf-8")
    data = {"seeds": {"kind": "jsonl", "path": "seeds.jsonl"}, "inputs": {"minimum": 4}}
    recipe = Recipe.model_validate({"name": "r", "data": data})
    assert recipe.data is not None
    run = folder / "run"
    [(state, result)] = SnippetSource(Context(recipe, recipe.data, folder, LocalSandbox())).read(1)
    StageCommit(run).commit(SnippetSource.name, *state.key, result.rows, result.made)
    return recipe, Resources(run, folder, Policy(name="none", base=""))


def references(run: Path) -> list[Reference]:
    return StageCommit(run).read_bodies(ReferenceStage.name, 1, "00000", Reference)


def test_a_lane_runs_in_another_process_from_pickled_arguments_alone(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    counts = asyncio.run(run_lane(*prepare(here), LANE, 1, "00000"))
    assert counts == {ReferenceStage.name: StageCounts(entered=2, kept=1, rejected=1)}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=pickle.dumps((*prepare(there), LANE, 1, "00000")),
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split() == [b"2", b"1", b"1"]
    [reference] = references(here / "run")
    assert references(there / "run") == [reference]
    assert called(reference.contract).signature == "(list[int]) -> int"


def test_a_lane_that_was_committed_is_counted_and_not_run_again(tmp_path: Path) -> None:
    recipe, resources = prepare(tmp_path)
    first = asyncio.run(run_lane(recipe, resources, LANE, 1, "00000"))
    stamp = (resources.run / "index" / "reference" / "0001-00000.parquet").stat().st_mtime_ns
    assert asyncio.run(run_lane(recipe, resources, LANE, 1, "00000")) == first
    assert (resources.run / "index" / "reference" / "0001-00000.parquet").stat().st_mtime_ns == stamp
