"""The run folder: resume, refusal, fork, fresh, lock and states."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from synth.config import Recipe
from synth.errors import EngineEndedError, Problem, RunFolderError, UserError
from synth.store.lock import is_locked
from synth.store.run_folder import RunFolder, RunIdentity, RunState, differences, list_runs, read_info
from tests.store.small_run import identity


def with_solutions(n: int) -> RunIdentity:
    recipe = json.loads(json.dumps(identity().recipe))
    recipe["data"]["solve"]["n"] = n
    return identity(recipe=recipe)


def test_the_same_recipe_resumes(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as first:
        started = first.info.started
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as second:
        assert second.info.started == started
        assert second.info.resumed == 1
        assert read_info(second.path).state is RunState.RUNNING


def test_a_changed_recipe_is_refused_with_each_difference_and_the_ways_out(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()):
        pass
    changed = with_solutions(16).model_copy(update={"seed": 8, "prompt_hashes": {"default/solve.md": "cd34"}})
    with pytest.raises(RunFolderError) as caught:
        RunFolder.create_or_resume(tmp_path, "r", changed)
    assert isinstance(caught.value, UserError)
    assert len(caught.value.problems) == 3
    text = str(caught.value)
    for part in (
        "recipe.data.solve.n = 16",
        "was 8 when the run was made",
        "prompts.default/solve.md",
        "seed = 8",
        "--fork NAME",
        "--fresh",
    ):
        assert part in text


def test_a_refused_run_is_left_as_it_was_and_unlocked(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()):
        pass
    before = (tmp_path / "r" / "run.json").read_bytes()
    with pytest.raises(RunFolderError):
        RunFolder.create_or_resume(tmp_path, "r", with_solutions(16))
    assert (tmp_path / "r" / "run.json").read_bytes() == before
    assert not is_locked(tmp_path / "r")


def test_added_and_removed_keys_are_differences() -> None:
    old, new = identity(recipe={"a": 1, "b": {}}), identity(recipe={"a": 1, "c": [1, 2]})
    assert [(one.key, one.old, one.new) for one in differences(old, new)] == [
        ("recipe.b", "{}", "(absent)"),
        ("recipe.c", "(absent)", "[1, 2]"),
    ]


def test_names_descriptions_and_package_versions_are_no_differences() -> None:
    old = identity(recipe={"name": "a", "description": "x"}, packages={"trl": "1.0"})
    new = identity(recipe={"name": "b", "description": "y"}, packages={"trl": "1.1"})
    assert differences(old, new) == []


def test_a_fork_takes_the_answers_along_and_nothing_else(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "old", identity()) as old:
        (old.path / "journal").mkdir()
        (old.path / "journal" / "responses.jsonl").write_text("{}\n")
        (old.path / "index").mkdir()
    with RunFolder.create_or_resume(tmp_path, "new", with_solutions(16), fork_of="old") as new:
        assert (new.path / "journal" / "responses.jsonl").read_text() == "{}\n"
        assert not (new.path / "index").exists()


def test_a_fork_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="does not exist, so it cannot be forked"):
        RunFolder.create_or_resume(tmp_path, "new", identity(), fork_of="nothing")


def test_a_fresh_start_sets_the_old_run_aside(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()):
        pass
    with RunFolder.create_or_resume(tmp_path, "r", with_solutions(16), fresh=True) as run:
        assert run.info.recipe == with_solutions(16).recipe
        assert run.info.resumed == 0
    assert read_info(tmp_path / "r.old-1").recipe == identity().recipe


def test_resuming_removes_half_written_files(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        stale = run.path / "index" / "solve" / "0001-0000.parquet.77.tmp"
        stale.parent.mkdir(parents=True)
        stale.write_bytes(b"half")
    with RunFolder.create_or_resume(tmp_path, "r", identity()):
        assert not stale.exists()


def test_a_second_process_is_refused_while_the_first_works(tmp_path: Path) -> None:
    with running_child(tmp_path) as child:
        with pytest.raises(RunFolderError, match=f"in use by process {child.pid} on {socket.gethostname()}"):
            RunFolder.create_or_resume(tmp_path, "r", identity())
        assert read_info(tmp_path / "r").state is RunState.RUNNING


def test_kill_minus_nine_frees_the_lock_and_reads_as_interrupted(tmp_path: Path) -> None:
    with running_child(tmp_path) as child:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert read_info(tmp_path / "r").state is RunState.INTERRUPTED
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        assert run.info.resumed == 1


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (KeyboardInterrupt(), RunState.INTERRUPTED, ""),
        (asyncio.CancelledError(), RunState.INTERRUPTED, ""),
        (EngineEndedError(Problem("vLLM", "ended", "rerun")), RunState.INTERRUPTED, "vLLM ended"),
        (ValueError("odd\nthing"), RunState.FAILED, "ValueError: odd thing"),
        (None, RunState.FINISHED, ""),
    ],
)
def test_how_a_run_ended_is_noted(
    error: BaseException | None, state: RunState, message: str, tmp_path: Path
) -> None:
    run = RunFolder.create_or_resume(tmp_path, "r", identity())
    run.__exit__(type(error) if error else None, error, None)
    assert (read_info(run.path).state, read_info(run.path).message) == (state, message)
    assert not is_locked(run.path)


def test_runs_are_listed_latest_first_without_other_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with RunFolder.create_or_resume(tmp_path, name, identity()):
            pass
    with RunFolder.create_or_resume(tmp_path, "a", identity()):
        pass
    (tmp_path / "not-a-run").mkdir()
    assert [path.name for path in list_runs(tmp_path)] == ["a", "b"]


def test_a_broken_run_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "run.json").write_text("{")
    with pytest.raises(RunFolderError, match=r"codemill fsck r --runs-dir .* --repair"):
        read_info(tmp_path / "r")


def test_a_run_of_another_schema_version_is_refused(tmp_path: Path) -> None:
    with RunFolder.create_or_resume(tmp_path, "r", identity()) as run:
        pass
    content = json.loads((run.path / "run.json").read_text())
    del content["sha256_of_the_rest"]  # as an older version wrote it
    (run.path / "run.json").write_text(json.dumps({**content, "schema_version": 999}))
    with pytest.raises(RunFolderError, match="schema version 999"):
        RunFolder.create_or_resume(tmp_path, "r", identity())


def test_a_real_recipe_has_an_identity_that_survives_the_file(tmp_path: Path) -> None:
    given = RunIdentity.of_recipe(Recipe(name="r", seed=3), {"default/solve.md": "ab"})
    with RunFolder.create_or_resume(tmp_path, "r", given) as run:
        assert differences(read_info(run.path), given) == []
        assert run.info.packages["pyarrow"]
        assert run.info.seed == 3


@contextmanager
def running_child(runs_dir: Path) -> Iterator[subprocess.Popen[str]]:
    program = """
        import sys, time
        from pathlib import Path
        from synth.store.run_folder import RunFolder
        from tests.store.small_run import identity
        run = RunFolder.create_or_resume(Path(sys.argv[1]), "r", identity())
        print("locked", flush=True)
        time.sleep(120)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(runs_dir)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "locked\n"
            yield child
        finally:
            child.kill()
