"""The static check: candidates without code, cut ones and broken ones go no further."""

import pytest

from synth.records import Decision, Solution
from synth.stages.syntax import SyntaxStage
from tests.builders import build_solution, build_task
from tests.stages.harness import StagePlace, StageRun, build_shard, describe_stage, find_entering, run_stage

WHOLE = "def solve(xs):\n    return sum(xs)"


def check(*solutions: Solution) -> StageRun:
    return run_stage(SyntaxStage(), build_shard(*solutions))


def test_it_reads_the_candidates_of_solve_and_makes_nothing() -> None:
    place = StagePlace("syntax", Solution, ("solve",))
    assert describe_stage(SyntaxStage()) == place


def test_a_candidate_that_parses_is_kept_with_its_task_and_language() -> None:
    run = check(build_solution("s1", WHOLE), build_solution("s2", "puts 1", language="ruby", task_id="t2"))
    assert [run.decision(unit) for unit in ("s1", "s2")] == [(Decision.KEPT, "")] * 2
    rows = run.rows.values()
    assert [(row.kind, row.parents, row.language) for row in rows] == [
        ("solution", ("task-1",), "python"),
        ("solution", ("t2",), "ruby"),
    ]
    assert run.units == ()


@pytest.mark.parametrize(
    ("solution", "reason", "evidence"),
    [
        (build_solution("s1", ""), "no_code", {}),
        (build_solution("s1", WHOLE, cut=True), "answer_cut", {}),
        (build_solution("s1", "", cut=True), "answer_cut", {}),
        (
            build_solution("s1", "x = 1\ny = = 2"),
            "parse_error",
            {"line": 2, "error": "invalid syntax"},
        ),
        (
            build_solution("s1", "function f( {", language="javascript"),
            "parse_error",
            {"line": 1, "error": "unexpected text"},
        ),
    ],
)
def test_a_candidate_that_cannot_be_run_is_rejected_with_its_reason(
    solution: Solution, reason: str, evidence: dict[str, object]
) -> None:
    run = check(solution)
    assert run.decision("s1") == (Decision.REJECTED, reason)
    assert run.evidence("s1") == evidence


def test_each_candidate_is_judged_by_itself_and_in_order() -> None:
    run = check(build_solution("s2", ""), build_solution("s1", WHOLE), build_solution("s3", "x ="))
    assert [(unit, row.reason) for unit, row in run.rows.items()] == [
        ("s2", "no_code"),
        ("s1", ""),
        ("s3", "parse_error"),
    ]


@pytest.mark.parametrize("stage", ["solve", "inputs"])
def test_candidates_of_a_task_that_was_turned_away_do_not_enter(stage: str) -> None:
    tasks, solutions = (build_task("t1"), build_task("t2")), (build_solution("s1", task_id="t1"),)
    shard = build_shard(*tasks, *solutions, build_solution("s2", task_id="t2"), rejected={stage: ["t1"]})
    assert find_entering(SyntaxStage(), shard) == ["s2"]


@pytest.mark.parametrize(
    ("code", "language", "kept"),
    [
        (WHOLE, "python", True),
        ("solve = sum", "python", True),
        ("def Solve(xs):\n    return sum(xs)", "python", True),  # the sandbox says what that is
        ("def sumList(xs):\n    return sum(xs)", "python", False),
        ("def solver(xs):\n    return sum(xs)", "python", False),
        ("class Solution { static int total(int[] xs) { return 0; } }", "java", False),
    ],
)
def test_a_program_without_the_name_that_was_asked_for_has_no_verdict(
    code: str, language: str, kept: bool
) -> None:
    run = run_stage(SyntaxStage(), build_shard(build_task(), build_solution("s1", code, language=language)))
    assert run.decision("s1") == ((Decision.KEPT, "") if kept else (Decision.REJECTED, "wrong_name"))
