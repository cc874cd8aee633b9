"""A run is private: prompts and code in it are for its user alone. Exports are made to be shared."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.errors import StoreError
from synth.store.atomic import open_log, write_bytes
from synth.store.export import ExportFormat, export
from tests.store.small_run import build_small_run


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_file_and_folder_of_a_run_is_private(tmp_path: Path) -> None:
    run = build_small_run(tmp_path / "runs")
    with open_log(run / "logs" / "train.log") as log:
        log.write("x")
    for path in (run.parent, run, *run.rglob("*")):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir(mode=0o755)
    build_small_run(tmp_path / "runs")
    assert mode(tmp_path / "runs") == 0o755


def test_an_export_has_the_modes_of_the_umask(tmp_path: Path) -> None:
    run = build_small_run(tmp_path / "runs")
    export(run, ExportFormat.DATASETS, tmp_path / "out")
    for path in (tmp_path / "out", *(tmp_path / "out").rglob("*")):
        assert mode(path) == (0o755 if path.is_dir() else 0o644), path


def test_a_card_is_never_written_over_a_missing_body(tmp_path: Path) -> None:
    """It would say that no unit breaks the books."""
    run = build_small_run(tmp_path / "runs")
    next((run / "bodies" / "verdict").glob("*.parquet")).unlink()
    with pytest.raises(StoreError, match=r"verdict.*\n.*is missing: its index shard states 3 rows"):
        export(run, ExportFormat.JSONL, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    (tmp_path / f"a.{os.getpid()}.tmp").mkdir()
    with pytest.raises(StoreError):
        write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
