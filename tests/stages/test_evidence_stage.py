"""When a task counts: enough of its candidates, and a large enough share of them, behave like the seed."""

import pytest

from synth.records import Decision, Outcome, Solution, Task, Verdict
from synth.stages.evidence import EvidenceStage, read_judgements
from tests.builders import build_reference, build_solution, build_suite, build_task, build_verdict
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

PASS, WRONG, FAULT = Outcome.PASS, Outcome.WRONG_ANSWER, Outcome.INFRASTRUCTURE


def candidates(*outcomes: Outcome | None, task: str = "task-1") -> list[Solution | Verdict]:
    """Distinct solutions of one task with their verdicts; None for one that was never run."""
    records: list[Solution | Verdict] = []
    for index, outcome in enumerate(outcomes):
        name = f"{task}-s{index}"
        records.append(build_solution(name, f"def solve(xs): return {index}", task_id=task, index=index))
        if outcome is not None:
            records.append(build_verdict(name, outcome, task_id=task))
    return records


def decide(*records: Solution | Verdict, **config: object) -> StageRun:
    shard = build_shard(build_task(), build_suite(), *records)
    return run_stage(EvidenceStage(build_context({"evidence": config})), shard)


def test_it_counts_verdicts_and_makes_nothing() -> None:
    place = StagePlace("evidence", Task, ("execute",))
    assert describe_stage(EvidenceStage(build_context())) == place


def test_a_task_whose_behaviour_comes_back_is_kept_with_its_counts() -> None:
    run = decide(*candidates(PASS, PASS, WRONG))
    row = run.rows["task-1"]
    assert run.decision("task-1") == (Decision.KEPT, "")
    assert (row.kind, row.parents, row.language, row.natural_language) == (
        "task",
        ("seed-1",),
        "python",
        "en",
    )
    assert run.evidence("task-1") == {
        "reproductions": 2,
        "distinct": 2,
        "candidates": 3,
        "pass_rate": 0.6667,
        "least_share": 0.20766,
    }
    assert run.units == ()


@pytest.mark.parametrize(
    ("outcomes", "config", "kept"),
    [
        ((PASS, PASS), {"min_reproductions": 2}, True),
        ((PASS, PASS), {"min_reproductions": 3}, False),
        ((PASS, PASS, WRONG, WRONG), {"min_share": 0.15}, True),
        ((PASS, PASS, WRONG, WRONG), {"min_share": 0.16}, False),
        ((PASS, PASS, None, None), {"min_share": 0.16}, False),
        ((PASS, PASS, FAULT, FAULT), {"min_share": 0.34}, True),
        ((PASS, PASS) + 14 * (WRONG,), {}, False),  # the same 2 of more samples say less
        ((PASS, PASS, PASS) + 13 * (WRONG,), {}, True),
    ],
)
def test_number_and_share_of_all_candidates_that_could_be_run_must_both_be_reached(
    outcomes: tuple[Outcome | None, ...], config: dict[str, object], kept: bool
) -> None:
    run = decide(*candidates(*outcomes), **config)
    assert run.decision("task-1") == ((Decision.KEPT, "") if kept else (Decision.REJECTED, "unsolved"))
    assert run.evidence("task-1")["candidates"] == len(outcomes)


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [
        ((WRONG, WRONG), "round_trip_failed"),
        ((PASS, WRONG), "unsolved"),
        ((None, None), "unsolved"),
        ((), "unsolved"),
    ],
)
def test_an_instruction_is_wrong_only_where_candidates_were_judged_and_none_passed(
    outcomes: tuple[Outcome | None, ...], reason: str
) -> None:
    run = decide(*candidates(*outcomes))
    assert run.decision("task-1") == (Decision.REJECTED, reason)
    assert set(run.evidence("task-1")) == {
        "reproductions",
        "distinct",
        "candidates",
        "pass_rate",
        "least_share",
    }


@pytest.mark.parametrize(
    "outcomes", [(WRONG, FAULT), (PASS, WRONG, FAULT), (FAULT, Outcome.TOOLCHAIN_MISSING)]
)
def test_nothing_is_said_against_a_task_whose_candidates_could_not_all_be_run(
    outcomes: tuple[Outcome, ...],
) -> None:
    run = decide(*candidates(*outcomes), min_reproductions=2)
    assert run.decision("task-1") == (Decision.REJECTED, "unjudged")
    assert run.evidence("task-1")["faults"] == outcomes.count(FAULT) + outcomes.count(
        Outcome.TOOLCHAIN_MISSING
    )


def test_a_task_without_candidates_has_a_share_of_nothing() -> None:
    run = decide(min_share=0)
    assert run.evidence("task-1") == {
        "reproductions": 0,
        "distinct": 0,
        "candidates": 0,
        "pass_rate": 0.0,
        "least_share": 0.0,
    }


def test_layout_makes_no_program_distinct_and_language_does() -> None:
    texts = [("python", "x = 1"), ("python", "x  =  1"), ("ruby", "x = 1"), ("python", "x = 2")]
    records: list[Solution | Verdict] = []
    for index, (language, code) in enumerate(texts):
        records += [build_solution(f"s{index}", code, language=language), build_verdict(f"s{index}")]
    records += [build_solution("s9", "x = 3"), build_verdict("s9", WRONG)]
    evidence = decide(*records).evidence("task-1")
    assert (evidence["reproductions"], evidence["distinct"]) == (4, 3)


@pytest.mark.parametrize(("texts", "kept"), [(("x = 1", "x  =  1"), False), (("x = 1", "x = 2"), True)])
def test_a_program_written_twice_reproduces_the_seed_once(texts: tuple[str, str], kept: bool) -> None:
    records: list[Solution | Verdict] = []
    for index, code in enumerate(texts):
        records += [build_solution(f"s{index}", code, index=index), build_verdict(f"s{index}")]
    run = decide(*records, min_reproductions=2)
    assert run.decision("task-1") == ((Decision.KEPT, "") if kept else (Decision.REJECTED, "unsolved"))


def test_each_task_is_decided_by_its_own_candidates() -> None:
    shard = build_shard(
        build_task("task-1"),
        build_task("task-2"),
        *candidates(WRONG, WRONG, task="task-1"),
        *candidates(PASS, PASS, task="task-2"),
    )
    run = run_stage(EvidenceStage(build_context()), shard)
    assert [(name, row.reason) for name, row in run.rows.items()] == [
        ("task-1", "round_trip_failed"),
        ("task-2", ""),
    ]


@pytest.mark.parametrize(
    ("stage", "unit"),
    [("agree", "task-1"), ("solve", "task-1"), ("inputs", "task-1"), ("instruct", "seed-1")],
)
def test_a_task_does_not_enter_when_it_or_its_seed_was_turned_away(stage: str, unit: str) -> None:
    tasks = [build_task("task-1"), build_task("task-2", seed_id="seed-2")]
    shard = build_shard(build_reference("seed-1"), *tasks, rejected={stage: [unit]})
    assert find_entering(EvidenceStage(build_context()), shard) == ["task-2"]


def test_a_task_enters_though_candidates_of_it_failed() -> None:
    failed = {"syntax": ["task-1-s0"], "execute": ["task-1-s1"]}
    shard = build_shard(build_task(), *candidates(None, WRONG), rejected=failed)
    assert find_entering(EvidenceStage(build_context()), shard) == ["task-1"]


def test_judgements_are_by_task_and_by_solution() -> None:
    shard = build_shard(*candidates(PASS, None), *candidates(WRONG, task="task-2"))
    solutions, verdicts = read_judgements(shard)
    assert {task: [one.id for one in found] for task, found in solutions.items()} == {
        "task-1": ["task-1-s0", "task-1-s1"],
        "task-2": ["task-2-s0"],
    }
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "task-1-s0": PASS,
        "task-2-s0": WRONG,
    }
