"""From candidates to verdicts: what goes into the sandbox, and what follows from what comes out."""

import pytest

from synth.execution.scripted import ObserveRequest, ScriptedSandbox
from synth.program_log import SHOWN_CHARACTERS, LoggedCase, ProgramLog
from synth.records import (
    Captured,
    CaseObservation,
    Decision,
    EvidenceRank,
    ExecutionRequest,
    FunctionCall,
    Limits,
    Observation,
    Phase,
    Solution,
    StdioCall,
    StdioContract,
    Stop,
    Unit,
    Verdict,
)
from synth.stages.execute import ExecuteStage
from tests.builders import (
    build_observation,
    build_reference,
    build_solution,
    build_suite,
    build_task,
    build_verdict,
)
from tests.stages.harness import (
    PRIORITY,
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

RIGHT = (0, 3, -2)
CALL = FunctionCall(
    entry_point="solve", signature="(list[int]) -> int", arguments=(("l0",), ("l2 i1 i2",), ("l2 i5 i-7",))
)


def execute(observe: ObserveRequest, *units: Unit) -> StageRun:
    shard = build_shard(*(units or (build_suite(), build_solution("s1"))))
    return run_stage(ExecuteStage(build_context(sandbox=ScriptedSandbox(observe))), shard)


def test_it_runs_what_syntax_and_agreement_let_through_and_makes_verdicts() -> None:
    place = StagePlace("execute", Solution, ("syntax", "agree", "sharpen"), (Verdict, ProgramLog))
    assert describe_stage(ExecuteStage(build_context())) == place


def test_the_sandbox_gets_inputs_and_limits_and_never_an_expected_value() -> None:
    sandbox = ScriptedSandbox(lambda asked: build_observation(asked, *RIGHT))
    context = build_context(sandbox=sandbox, execution={"kind": "local", "limits": {"cpu_s": 3}})
    ruby = build_solution("s2", "def solve(xs) = xs.sum", language="ruby")
    run_stage(
        ExecuteStage(context),
        build_shard(build_suite(), build_solution("s1"), ruby),
    )
    limits = Limits(cpu_s=3)
    assert sandbox.requests == [
        ExecutionRequest(id="s1", language="python", code=build_solution().code, call=CALL, limits=limits),
        ExecutionRequest(id="s2", language="ruby", code="def solve(xs) = xs.sum", call=CALL, limits=limits),
    ]


def test_programs_that_no_question_waits_for_go_after_all_others() -> None:
    sandbox = ScriptedSandbox(lambda asked: build_observation(asked, *RIGHT))
    shard = build_shard(build_suite(), build_solution("s1"))
    run_stage(ExecuteStage(build_context(sandbox=sandbox)), shard)
    assert sandbox.priorities == [PRIORITY + (1 << 32)]


def test_a_program_with_every_result_right_passes() -> None:
    run = execute(
        lambda asked: build_observation(
            asked, *RIGHT, cpu_s=0.123456, wall_s=0.5, peak_memory_mb=9, level="B"
        )
    )
    assert run.decision("s1") == (Decision.KEPT, "")
    assert run.evidence("s1") == {
        "passed": 3,
        "total": 3,
        "rank": "reference",
        "cpu_s": 0.1235,
        "memory_mb": 9.0,
    }
    row = run.rows["s1"]
    assert (row.kind, row.parents, row.language, row.ms) == ("solution", ("task-1",), "python", 500.0)
    assert run.made(Verdict) == [build_verdict("s1", cpu_s=0.123456, peak_memory_mb=9.0, level="B")]


def test_a_wrong_result_rejects_and_says_which() -> None:
    run = execute(lambda asked: build_observation(asked, 0, 4, -2))
    words = "case 1, input [1, 2]: expected 3, found 4"
    assert run.decision("s1") == (Decision.REJECTED, "wrong_answer")
    assert run.evidence("s1") == {
        "passed": 2,
        "total": 3,
        "rank": "reference",
        "cpu_s": 0.0,
        "memory_mb": 0.0,
        "first_failure": words,
    }
    (verdict,) = run.made(Verdict)
    assert (verdict.solution_id, verdict.task_id, verdict.first_failure) == ("s1", "task-1", words)


@pytest.mark.parametrize(
    ("seen", "decision", "reason"),
    [
        ({"phase": Phase.COMPILE}, Decision.REJECTED, "compile_error"),
        ({"phase": Phase.PARSE}, Decision.REJECTED, "parse_error"),
        ({"stop": Stop.CPU}, Decision.REJECTED, "timeout"),
        ({"stop": Stop.MEMORY}, Decision.REJECTED, "memory_limit"),
        ({"stop": Stop.OUTPUT}, Decision.REJECTED, "output_limit"),
        ({"stop": Stop.VIOLATION}, Decision.REJECTED, "violation"),
        ({"finished": False, "exit_code": 1}, Decision.REJECTED, "runtime_error"),
        ({"infrastructure": "the machine was lost"}, Decision.FAILED, "infrastructure"),
        ({"toolchain_missing": "apt-get install ruby"}, Decision.FAILED, "toolchain_missing"),
    ],
)
def test_each_end_of_a_program_has_its_reason_and_a_fault_of_ours_is_a_failure(
    seen: dict[str, object], decision: Decision, reason: str
) -> None:
    run = execute(lambda asked: build_observation(asked, *RIGHT, **seen))
    assert run.decision("s1") == (decision, reason)
    assert [verdict.outcome.value for verdict in run.made(Verdict)] == [reason]


def test_a_missing_toolchain_says_how_to_install_it() -> None:
    run = execute(lambda asked: build_observation(asked, toolchain_missing="apt-get install ruby"))
    assert run.evidence("s1")["first_failure"] == "install it: apt-get install ruby"


def test_a_program_that_fails_leaves_what_it_found_and_printed() -> None:
    stderr = Captured(head="warning: unused", length=15)
    run = execute(lambda asked: build_observation(asked, 0, 4, -2, stderr=stderr))
    (log,) = run.made(ProgramLog)
    assert (log.solution_id, log.phase, log.stderr) == ("s1", Phase.RUN, stderr)
    assert log.cases == (
        LoggedCase(index=0, is_right=True, status="returned", length=2),
        LoggedCase(index=1, is_right=False, status="returned", found="i4", length=2),
        LoggedCase(index=2, is_right=True, status="returned", length=3),
    )


def test_a_program_that_passes_or_was_never_run_leaves_no_log() -> None:
    assert execute(lambda asked: build_observation(asked, *RIGHT)).made(ProgramLog) == []
    lost = execute(lambda asked: build_observation(asked, infrastructure="the machine was lost"))
    assert lost.made(ProgramLog) == []


def test_the_log_of_a_program_that_never_ran_has_its_tests_as_missing() -> None:
    (log,) = execute(lambda asked: build_observation(asked, phase=Phase.COMPILE)).made(ProgramLog)
    assert [(case.status, case.is_right) for case in log.cases] == [("missing", False)] * 3


def test_a_long_result_is_cut_in_the_log_and_its_length_is_true() -> None:
    long = CaseObservation(index=0, status="raised", error="E" * 5000)
    (log,) = execute(lambda asked: build_observation(asked, cases=(long,))).made(ProgramLog)
    assert (len(log.cases[0].found), log.cases[0].length) == (SHOWN_CHARACTERS, 5000)


def test_a_long_failure_is_cut_in_the_evidence_and_whole_in_the_verdict() -> None:
    def observe(asked: ExecutionRequest) -> Observation:
        raised = CaseObservation(index=0, status="raised", error="E" * 400)
        return build_observation(asked, cases=(raised,))

    run = execute(observe)
    words = run.made(Verdict)[0].first_failure
    assert len(words) > 400
    assert run.evidence("s1")["first_failure"] == words[:300]


def test_each_candidate_is_judged_by_the_suite_of_its_own_task() -> None:
    solutions = [build_solution("s1"), build_solution("s4", task_id="task-2")]
    suites = [build_suite(), build_suite("task-2", ((([1],), 1),), rank=EvidenceRank.AGREEMENT)]
    run = execute(
        lambda asked: build_observation(asked, *(RIGHT if asked.id == "s1" else (1,))), *suites, *solutions
    )
    assert [run.decision(unit) for unit in ("s1", "s4")] == [(Decision.KEPT, "")] * 2
    assert run.rows["s4"].parents == ("task-2",)
    assert run.evidence("s4")["rank"] == "agreement"


def test_observations_belong_to_their_candidates() -> None:
    results = {"s1": RIGHT, "s2": (0, 0, 0)}
    run = execute(
        lambda asked: build_observation(asked, *results[asked.id], wall_s=int(asked.id[1])),
        build_suite(),
        build_solution("s2"),
        build_solution("s1"),
    )
    assert [(unit, row.reason, row.ms) for unit, row in run.rows.items()] == [
        ("s2", "wrong_answer", 2000.0),
        ("s1", "", 1000.0),
    ]


def test_a_suite_of_whole_programs_is_run_on_its_inputs_too() -> None:
    sandbox = ScriptedSandbox(lambda asked: build_observation(asked))
    suite = build_suite(contract=StdioContract(), cases=())
    run_stage(ExecuteStage(build_context(sandbox=sandbox)), build_shard(suite, build_solution()))
    assert [asked.call for asked in sandbox.requests] == [StdioCall(stdins=())]


@pytest.mark.parametrize(
    ("stage", "unit"),
    [
        ("syntax", "s1"),
        ("agree", "task-1"),
        ("solve", "task-1"),
        ("inputs", "task-1"),
        ("instruct", "seed-1"),
        ("reference", "seed-1"),
    ],
)
def test_a_candidate_does_not_enter_when_it_its_task_or_its_seed_was_turned_away(
    stage: str, unit: str
) -> None:
    tasks = [build_task("task-1"), build_task("task-2", seed_id="seed-2")]
    solutions = [build_solution("s1"), build_solution("s2", task_id="task-2")]
    shard = build_shard(build_reference("seed-1"), *tasks, *solutions, rejected={stage: [unit]})
    assert find_entering(ExecuteStage(build_context()), shard) == ["s2"]
