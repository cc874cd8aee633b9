"""A task that says nearly what an earlier one said is refused before it is solved."""

from dataclasses import replace
from pathlib import Path

import pytest

from synth.pipeline.flow import build_flowing
from synth.pipeline.graph import build_graph, in_order
from synth.records import Decision, Task
from synth.stages.memory import MemoryStage, remembered_tasks
from synth.store.shards import StageCommit
from tests.builders import build_task
from tests.stages.harness import StagePlace, StageRun, build_context, build_shard, describe_stage, run_stage
from tests.store.small_run import row

SUM = "Add up all numbers of the list that are larger than the limit, and return 0 for the empty list."
ALIKE = "Add up all numbers of the list that are larger than the limit, and return 0 for the empty one."
OTHER = "Count the vowels of a text, where upper and lower case are the same, and sort them by how often."


def task(id_: str, instruction: str, language: str = "python") -> Task:
    return build_task(id_, instruction=instruction, seed_language=language)


def remember(*tasks: Task, earlier: tuple[Task, ...] = (), threshold: float = 0.7) -> StageRun:
    context = replace(build_context({"memory": {"threshold": threshold}}), remembered=earlier)
    return run_stage(MemoryStage(context), build_shard(*tasks))


def test_it_stands_between_the_instruction_and_its_inputs() -> None:
    context = build_context({"memory": {}})
    assert describe_stage(MemoryStage(context)) == StagePlace("memory", Task, ("instruct", "problem"))
    assert MemoryStage.in_turn
    names = [stage.name for stage in in_order(build_graph(build_flowing(context)))]
    assert names[names.index("instruct") :][:3] == ["instruct", "memory", "inputs"]
    assert "memory" not in [stage.name for stage in build_flowing(build_context())]


def test_the_first_of_two_that_say_nearly_the_same_is_kept() -> None:
    run = remember(task("task-1", SUM), task("task-2", ALIKE), task("task-3", OTHER))
    assert [run.decision(one) for one in ("task-1", "task-2", "task-3")] == [
        (Decision.KEPT, ""),
        (Decision.REJECTED, "task_repeated"),
        (Decision.KEPT, ""),
    ]
    evidence = run.evidence("task-2")
    assert evidence["twin"] == "task-1"
    assert isinstance(evidence["similarity"], float)
    assert evidence["similarity"] >= 0.7


def test_what_earlier_rounds_made_is_remembered() -> None:
    run = remember(task("task-9", ALIKE), earlier=(task("task-1", SUM),))
    assert run.decision("task-9") == (Decision.REJECTED, "task_repeated")
    assert run.evidence("task-9")["twin"] == "task-1"


def test_each_language_of_seeds_has_a_memory_of_its_own() -> None:
    run = remember(task("task-1", SUM), task("task-2", SUM, "go"))
    assert run.decision("task-2") == (Decision.KEPT, "")


@pytest.mark.parametrize(("threshold", "kept"), [(0.6, False), (0.99, True)])
def test_the_threshold_decides(threshold: float, kept: bool) -> None:
    run = remember(task("task-1", SUM), task("task-2", ALIKE), threshold=threshold)
    assert (run.decision("task-2")[0] is Decision.KEPT) == kept


def test_the_memory_of_a_round_is_what_earlier_rounds_kept_in_their_order(tmp_path: Path) -> None:
    commits = StageCommit(tmp_path)
    tasks = [task("task-1", SUM), task("task-2", ALIKE), task("task-3", OTHER)]
    for name, units in (("0000", tasks[:2]), ("0001", tasks[2:])):
        ids = [unit.id for unit in units]
        for stage, made in (("instruct", units), ("memory", [])):
            commits.record_entered(stage, 1, name, ids)
            refused = {"task-2"} if stage == "memory" else set()
            rows = [
                row(stage, one, Decision.REJECTED, "task_repeated", shard=name)
                if one in refused
                else row(stage, one, shard=name)
                for one in ids
            ]
            commits.commit(stage, 1, name, rows, made)
    assert [one.id for one in remembered_tasks(commits, 2)] == ["task-1", "task-3"]
    assert list(remembered_tasks(commits, 1)) == []
