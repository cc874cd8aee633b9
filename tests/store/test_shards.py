"""Shards: what is written is read back, whole or not at all."""

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import StoreError
from synth.records import Decision, IndexRow, Observation, Origin, Phase, Seed, Task, Verdict
from synth.store.atomic import remove_stale_files
from synth.store.parquet import read_rows
from synth.store.shards import StageCommit, iter_records, read_shard, write_bodies, write_index
from tests.store.small_run import BAD, FIM, GOOD, PAIR, SAMPLE, SEED, SUITE, TASK, row, verdict


def seed_of(code: str) -> Seed:
    return Seed(id="seed-1", language="python", code=code, origin=Origin(source="s"))


@pytest.mark.parametrize(
    "record", [SEED, TASK, GOOD, SUITE, SAMPLE, PAIR, FIM], ids=lambda record: type(record).__name__
)
def test_every_kind_of_record_comes_back_as_it_was(record: Seed | Task, tmp_path: Path) -> None:
    write_bodies(tmp_path / "one.parquet", [record])
    assert read_shard(tmp_path / "one.parquet", type(record)) == [record]


def test_lone_surrogates_and_all_of_unicode_survive(tmp_path: Path) -> None:
    seed = seed_of("a\ud800b \udc80 \x00\x1b[31m \u2028 加倍 😀")
    write_bodies(tmp_path / "one.parquet", [seed])
    assert read_shard(tmp_path / "one.parquet", Seed) == [seed]


@settings(max_examples=30, deadline=None)
@given(code=st.text())
def test_any_text_survives(code: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    write_bodies(folder / "one.parquet", [seed_of(code)])
    assert read_shard(folder / "one.parquet", Seed)[0].code == code


def test_a_lone_surrogate_in_evidence_is_kept_as_its_json_escape(tmp_path: Path) -> None:
    write_index(tmp_path / "one.parquet", [row("solve", "solution-1", evidence='{"found": "\ud800 加"}')])
    assert read_shard(tmp_path / "one.parquet", IndexRow)[0].evidence == '{"found": "\\ud800 加"}'


def test_a_lone_surrogate_harms_neither_its_column_nor_its_record(tmp_path: Path) -> None:
    odd = GOOD.model_copy(update={"policy": "a\ud800"})
    write_bodies(tmp_path / "one.parquet", [odd])
    assert read_shard(tmp_path / "one.parquet", type(GOOD)) == [odd]
    assert read_rows(tmp_path / "one.parquet", ["policy"]) == [{"policy": "a\\ud800"}]


def test_infinite_and_missing_numbers_survive(tmp_path: Path) -> None:
    observation = Observation(
        request_id="solution-1", language="python", phase=Phase.RUN, exit_code=None, wall_s=float("inf")
    )
    write_bodies(tmp_path / "one.parquet", [observation])
    assert read_shard(tmp_path / "one.parquet", Observation) == [observation]


def test_searched_columns_are_typed_and_texts_are_stored_once(tmp_path: Path) -> None:
    write_bodies(tmp_path / "one.parquet", [GOOD])
    columns = read_rows(tmp_path / "one.parquet")[0]
    assert {name: columns[name] for name in ("key", "task_id", "language", "index", "policy")} == {
        "key": "solution-3c",
        "task_id": "task-2b",
        "language": "python",
        "index": 0,
        "policy": "base",
    }
    assert "code" not in columns


def test_a_shard_is_committed_only_by_its_index(tmp_path: Path) -> None:
    commits = StageCommit(tmp_path)
    write_bodies(tmp_path / "bodies" / "solution" / "0001-0000@solve.parquet", [GOOD])
    assert not commits.is_committed("solve", 1, "0000")
    assert list(commits.iter_bodies(type(GOOD))) == []
    commits.commit("solve", 1, "0000", [row("solve", GOOD.id)], [GOOD])
    assert commits.is_committed("solve", 1, "0000")
    assert list(commits.iter_bodies(type(GOOD))) == [GOOD]


def test_a_committed_shard_is_read_back(tmp_path: Path) -> None:
    commits = StageCommit(tmp_path)
    rows = [row("verdict", BAD.id, Decision.REJECTED, "wrong_answer", parents=("task-2b",))]
    commits.commit("verdict", 1, "0000", rows, [verdict(BAD, "wrong_answer", 1)])  # type: ignore[arg-type]
    assert commits.read_index("verdict", 1, "0000") == rows
    assert commits.read_bodies("verdict", 1, "0000", Verdict)[0].passed == 1
    assert commits.read_bodies("verdict", 1, "0000", Observation) == []


def test_two_stages_may_write_the_same_kind_for_the_same_shard(tmp_path: Path) -> None:
    commits = StageCommit(tmp_path)
    commits.commit("solve", 1, "0000", [row("solve", GOOD.id)], [GOOD])
    commits.commit("evolve", 1, "0000", [row("evolve", BAD.id)], [BAD])
    assert commits.read_bodies("solve", 1, "0000", type(GOOD)) == [GOOD]
    assert list(commits.iter_bodies(type(GOOD))) == [BAD, GOOD]


def test_a_commit_replaces_what_an_interrupted_one_left(tmp_path: Path) -> None:
    commits = StageCommit(tmp_path)
    write_bodies(tmp_path / "bodies" / "solution" / "0001-0000@solve.parquet", [BAD])
    commits.commit("solve", 1, "0000", [row("solve", GOOD.id, Decision.REJECTED, "no_code")])
    assert list(commits.iter_bodies(type(GOOD))) == []


def test_a_row_of_another_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="solve/1/0001"):
        StageCommit(tmp_path).commit("solve", 1, "0000", [row("solve", GOOD.id, shard="0001")])


def test_a_shard_name_that_would_leave_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="letters, digits"):
        StageCommit(tmp_path).record_entered("solve", 1, "../../etc", ["solution-1"])


def test_half_written_files_are_not_read_and_are_removed_on_resume(tmp_path: Path) -> None:
    write_bodies(tmp_path / "one.parquet", [GOOD])
    stale = tmp_path / "two.parquet.123.tmp"
    stale.write_bytes(b"PAR1 half")
    assert list(iter_records(tmp_path, type(GOOD))) == [GOOD]
    assert remove_stale_files(tmp_path) == [stale]
    assert not stale.exists()


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.parquet").write_bytes(b"not parquet")
    with pytest.raises(StoreError, match=r"one\.parquet"):
        read_shard(tmp_path / "one.parquet", Seed)


def test_a_record_of_another_shape_is_an_error_not_a_guess(tmp_path: Path) -> None:
    write_bodies(tmp_path / "one.parquet", [GOOD])
    with pytest.raises(StoreError, match="Seed"):
        read_shard(tmp_path / "one.parquet", Seed)


def test_a_file_size_limit_is_a_plain_error_and_leaves_no_shard(
    tmp_path: Path,
) -> None:
    """A real limit of the kernel (RLIMIT_FSIZE), in a child so that it does not bind the tests."""
    program = """
        import random, resource, sys
        from pathlib import Path
        from synth.errors import StoreError
        from synth.store.shards import StageCommit
        from tests.store.small_run import GOOD, row
        folder = Path(sys.argv[1])
        codes = [random.Random(i).randbytes(4000).hex() for i in range(20)]
        big = [GOOD.model_copy(update={"id": f"solution-{i}", "code": code}) for i, code in enumerate(codes)]
        rows = [row("solve", one.id) for one in big]
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            StageCommit(folder).commit("solve", 1, "0000", rows, big)
        except StoreError as error:
            print(error)
            sys.exit(7)
    """
    done = run_python(program, tmp_path)
    assert done.returncode == 7, done.stderr
    assert "larger than this process may write" in done.stdout
    assert "files written before are intact" in done.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_is_a_plain_error_and_the_run_resumes_afterwards(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a tmpfs can be mounted by root only")
    try:
        filler = disk / "filler"
        filler.write_bytes(b"x" * 200_000)
        many = [
            GOOD.model_copy(update={"id": f"solution-{i}", "code": os.urandom(4000).hex()}) for i in range(40)
        ]
        commits = StageCommit(disk)
        with pytest.raises(StoreError, match="the disk is full"):
            commits.commit("solve", 1, "0000", [row("solve", one.id) for one in many], many)
        assert list(disk.rglob("*.parquet")) == []
        assert list(disk.rglob("*.tmp")) == []
        filler.unlink()
        commits.commit("solve", 1, "0000", [row("solve", one.id) for one in many[:9]], many[:9])
        assert commits.read_bodies("solve", 1, "0000", type(GOOD)) == many[:9]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_kill_minus_nine_while_writing_leaves_whole_shards_only(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from synth.store.shards import StageCommit
        from tests.store.small_run import GOOD, row
        commits = StageCommit(Path(sys.argv[1]))
        many = [GOOD.model_copy(update={"id": f"solution-{i}"}) for i in range(200)]
        for shard in range(10_000):
            name = f"{shard:04d}"
            commits.record_entered("solve", 1, name, [one.id for one in many])
            rows = [row("solve", one.id, shard=name) for one in many]
            commits.commit("solve", 1, name, rows, many)
            print(shard, flush=True)
    """
    for shards_before_kill in (1, 3):
        folder = tmp_path / str(shards_before_kill)
        command = [sys.executable, "-c", textwrap.dedent(program), str(folder)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
        ) as child:
            assert child.stdout is not None
            for _ in range(shards_before_kill):
                assert child.stdout.readline()
            child.kill()
        commits = StageCommit(folder)
        shards = sorted(
            path.stem.removeprefix("0001-") for path in (folder / "index" / "solve").glob("*.parquet")
        )
        assert len(shards) >= shards_before_kill
        for shard in shards:
            assert len(commits.read_index("solve", 1, shard)) == 200
            assert len(commits.read_bodies("solve", 1, shard, type(GOOD))) == 200
        assert len(list(commits.iter_bodies(type(GOOD)))) == 200 * len(shards)


def run_python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    command = [sys.executable, "-c", textwrap.dedent(program), str(folder)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
        timeout=120,
        check=False,
    )
