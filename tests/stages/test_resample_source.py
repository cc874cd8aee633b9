"""The source of the second pass: which tasks come again, and with which suite."""

from pathlib import Path

from synth.filters.protocol import Keep
from synth.records import Task, TestSuite, Unit
from synth.stages.resample import ResampleSource
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import index_row
from synth.store.shards import StageCommit
from tests.builders import CASES, build_suite, build_task


def commit(commits: StageCommit, stage: str, shard: str, *units: Unit) -> None:
    """As a stage that kept one unit and made these."""
    state = ShardState(1, shard)
    task = build_task(f"entered-{stage}-{shard}")
    commits.record_entered(stage, *state.key, [task.id])
    commits.commit(stage, *state.key, [index_row(stage, state, task, Keep({}))], units)


def read(folder: Path, kept: set[str], size: int = 2) -> list[tuple[str, list[Task], list[TestSuite], int]]:
    commits = StageCommit(folder)
    commit(
        commits, "instruct", "00000", *(build_task(f"task-{at}", seed_id=f"seed-{at}") for at in (1, 2, 3))
    )
    commit(commits, "inputs", "00000", *(build_suite(f"task-{at}", CASES[:1]) for at in (1, 2, 3)))
    commit(commits, "sharpen", "00000", build_suite("task-2", CASES))
    commit(commits, "instruct", "00001", build_task("task-4", seed_id="seed-4"), build_task("task-5"))
    commit(commits, "inputs", "00001", build_suite("task-4", CASES[:1]))
    source = ResampleSource(commits, ["00000", "00001"], kept, size)
    return [
        (
            state.name,
            [one for one in result.made if isinstance(one, Task)],
            [one for one in result.made if isinstance(one, TestSuite)],
            len(result.rows),
        )
        for state, result in source.read(1)
    ]


def test_tasks_that_gave_samples_come_again_in_shards_under_ids_of_their_own(tmp_path: Path) -> None:
    shards = read(tmp_path, {"task-1", "task-2", "task-4"})
    assert [(name, len(tasks), rows) for name, tasks, _, rows in shards] == [
        ("1000000", 2, 2),
        ("1000001", 1, 1),
    ]
    tasks = [task for _, found, _, _ in shards for task in found]
    assert [task.seed_id for task in tasks] == ["seed-1", "seed-2", "seed-4"]
    assert not {task.id for task in tasks} & {f"task-{at}" for at in range(6)}
    suites = [suite for _, _, found, _ in shards for suite in found]
    assert [suite.task_id for suite in suites] == [task.id for task in tasks]


def test_the_last_suite_of_a_task_counts(tmp_path: Path) -> None:
    ((_, _, suites, _),) = read(tmp_path, {"task-1", "task-2"})
    assert [len(suite.cases) for suite in suites] == [1, len(CASES)]
    assert len(CASES) > 1


def test_a_task_without_a_suite_or_without_samples_does_not_come(tmp_path: Path) -> None:
    assert read(tmp_path, {"task-5"}) == []
    assert read(tmp_path / "other", set()) == []
