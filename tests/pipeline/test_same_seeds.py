"""Seeds that are edited between two starts of one run: noticed, named, never mixed."""

import asyncio
from pathlib import Path

import pytest

from synth.errors import RunFolderError
from synth.pipeline.shard_scheduler import ShardScheduler
from synth.stages.snippet import SnippetSource
from synth.store.shards import StageCommit
from tests.stages.harness import build_context

GOOD = "def f(a):\n    b = a + 1\n    return b\n"


def write_tree(folder: Path, *names: str) -> Path:
    (folder / "tree").mkdir(exist_ok=True)
    for name in names:
        (folder / "tree" / name).write_text(GOOD.replace("f(", f"{name[0]}("))
    return folder / "tree"


def start(folder: Path, **seeds: object) -> list[str]:
    """A start of the run; the shards that it read."""
    told = {"kind": "source_tree", "paths": ["tree"], "shuffle": False, **seeds}
    context = build_context({"seeds": told, "shard_size": 2}, folder=folder)
    scheduler = ShardScheduler(SnippetSource(context), [], StageCommit(folder / "run"))
    return asyncio.run(scheduler.run(1))


def test_a_start_on_the_same_seeds_goes_on(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.py", "b.py", "c.py")
    assert start(tmp_path) == start(tmp_path) == ["00000", "00001"]
    assert StageCommit(tmp_path / "run").read_of("snippet", 1, "00001") is not None


@pytest.mark.parametrize("change", ["text", "only what stands between functions", "refused file"])
def test_a_changed_file_is_an_error_that_names_it(change: str, tmp_path: Path) -> None:
    tree = write_tree(tmp_path, "a.py", "b.py", "c.py")
    if change == "refused file":
        (tree / "c.py").write_bytes(b"\xff")
    start(tmp_path)
    text = (tree / "c.py").read_bytes()
    (tree / "c.py").write_bytes(text + b"\nX = 1\n" if change != "text" else text.replace(b"1", b"2"))
    if change == "refused file":
        (tree / "c.py").write_text(GOOD)
    with pytest.raises(RunFolderError, match=r"changed: tree/c\.py\); old and new seeds do not mix") as error:
        start(tmp_path)
    assert "--fork NAME" in str(error.value)


def test_a_file_that_came_or_went_is_named(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, "a.py", "b.py", "c.py")
    start(tmp_path)
    write_tree(tmp_path, "aa.py")
    with pytest.raises(RunFolderError, match=r"no longer there: tree/b\.py; new there: tree/aa\.py"):
        start(tmp_path)
    (tree / "aa.py").unlink()
    (tree / "c.py").unlink()
    with pytest.raises(RunFolderError, match="now ends before shard 00001"):
        start(tmp_path)


def test_another_licence_is_another_file(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.py")
    rows = tmp_path / "rows.jsonl"
    row = '{{"code": "x = 1", "language": "python", "license": "{}"}}\n'
    rows.write_text(row.format("MIT"))
    told = {"kind": "jsonl", "path": "rows.jsonl", "paths": None}
    seeds = {key: value for key, value in told.items() if value is not None}

    def start_rows() -> list[str]:
        context = build_context({"seeds": seeds, "shard_size": 2}, folder=tmp_path)
        scheduler = ShardScheduler(SnippetSource(context), [], StageCommit(tmp_path / "run"))
        return asyncio.run(scheduler.run(1))

    assert start_rows() == ["00000"]
    rows.write_text(row.format("GPL-3.0"))
    with pytest.raises(RunFolderError, match=r"changed: rows\.jsonl/rows\.jsonl:1"):
        start_rows()
