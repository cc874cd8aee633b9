"""Real wrong candidates choose more tests: in the sandbox, on a function with a weak suite."""

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.scripted import ScriptedSandbox
from synth.records import (
    Case,
    Decision,
    EvidenceRank,
    FunctionContract,
    InputValidator,
    Observation,
    Reference,
    Solution,
    Task,
    TestSuite,
    Unit,
)
from synth.rules.sharper_suite import Added, choose_added
from synth.stages.sharpen import SharpenStage
from synth.values import Value, decode, encode
from tests.builders import build_observation, build_seed, build_task
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

CLAMP = "def clamp(n: int, limit: int) -> int:\n    return max(-limit, min(n, limit))\n"
ONE_SIDED = "def clamp(n, limit):\n    return min(n, limit)\n"
OTHER_ONE_SIDED = "def clamp(n, limit):\n    return limit if n > limit else n\n"
OTHER_WAY = """def clamp(n, limit):
    most = n if n < limit else limit
    return most if most > -limit else -limit
"""
CONTRACT = FunctionContract(
    entry_point="clamp", signature="(int, int) -> int", parameter_names=("n", "limit")
)
REFERENCE = Reference(seed_id="seed-1", language="python", code=CLAMP, contract=CONTRACT, cases=())


def case(n: int, limit: int, expected: int) -> Case:
    return Case(arguments=(encode(n), encode(limit)), expected=encode(expected))


WEAK = (case(1, 5, 1), case(9, 5, 5), case(2, 2, 2), case(3, 9, 3))
SUITE = TestSuite(task_id="task-1", contract=CONTRACT, cases=WEAK, rank=EvidenceRank.REFERENCE, hidden=2)


def solution(number: int, code: str) -> Solution:
    return Solution(
        id=f"solution-{number}", task_id="task-1", language="python", code=code, index=number, policy="p"
    )


def sharpen(sandbox: LocalSandbox | ScriptedSandbox, *codes: str, more: tuple[Unit, ...] = ()) -> StageRun:
    quick = {"kind": "local", "limits": {"cpu_s": 0.5}}
    context = build_context({"inputs": {"searched": 60}}, sandbox=sandbox, execution=quick)
    units = (
        build_seed("seed-1"),
        REFERENCE.model_copy(update={"cases": WEAK}),
        build_task(contract=CONTRACT),
        SUITE,
        *(solution(at, code) for at, code in enumerate(codes)),
        *more,
    )
    return run_stage(SharpenStage(context), build_shard(*units))


def test_it_takes_tasks_after_their_candidates_are_parsed_and_makes_suites() -> None:
    assert describe_stage(SharpenStage(build_context())) == StagePlace(
        "sharpen", Task, ("syntax",), (TestSuite,)
    )


def test_a_candidate_that_passes_the_suite_and_is_wrong_elsewhere_gets_a_test(
    local_sandbox: LocalSandbox,
) -> None:
    run = sharpen(local_sandbox, CLAMP, OTHER_WAY, ONE_SIDED)
    assert run.evidence("task-1") == {"candidates": 3, "passing": 3, "caught": 1, "added": 1}
    (suite,) = run.made(TestSuite)
    new = suite.cases[2]
    assert (suite.cases[:2], suite.cases[3:], suite.hidden) == (WEAK[:2], WEAK[2:], 2)
    n, limit = (decode(wire) for wire in new.arguments)
    assert isinstance(n, int) and isinstance(limit, int)
    assert decode(new.expected) == max(-limit, min(n, limit)) != min(n, limit)


@pytest.mark.parametrize(
    ("codes", "passing"),
    [
        ((CLAMP, OTHER_WAY), 2),  # nothing is wrong
        ((CLAMP, "def clamp(n, limit):\n    return 0\n"), 1),  # the suite catches it
        ((CLAMP, ONE_SIDED, OTHER_ONE_SIDED), 3),  # most of them
        (("def clamp(n, limit):\n    while True: pass\n",), 0),
        (("import os\nos._exit(0)\n",), 0),
    ],
)
def test_otherwise_the_suite_stays(local_sandbox: LocalSandbox, codes: tuple[str, ...], passing: int) -> None:
    run = sharpen(local_sandbox, *codes)
    assert run.decision("task-1") == (Decision.KEPT, "")
    assert run.made(TestSuite) == [] and run.evidence("task-1")["passing"] == passing


def test_programs_that_differ_in_layout_alone_have_one_voice(local_sandbox: LocalSandbox) -> None:
    again = ONE_SIDED.replace("    return", "\n\n    return")
    run = sharpen(local_sandbox, CLAMP, OTHER_WAY, ONE_SIDED, again)
    assert run.evidence("task-1")["candidates"] == 3 and len(run.made(TestSuite)) == 1


def test_what_the_validator_forbids_is_not_added(local_sandbox: LocalSandbox) -> None:
    code = "def is_valid(n, limit):\n    return n >= 0 and limit >= 0"
    validator = InputValidator(task_id="task-1", code=code)
    run = sharpen(local_sandbox, CLAMP, OTHER_WAY, ONE_SIDED, more=(validator,))
    assert run.made(TestSuite) == [] and run.evidence("task-1")["passing"] == 3


def test_a_fault_of_the_sandbox_fails_the_task() -> None:
    def fail(request: object) -> Observation:
        return build_observation(request, infrastructure="the disk is full")  # type: ignore[arg-type]

    assert sharpen(ScriptedSandbox(fail), CLAMP).decision("task-1") == (Decision.FAILED, "infrastructure")


def test_tasks_without_a_reference_or_without_candidates_do_not_enter() -> None:
    stage = SharpenStage(build_context())
    reference = REFERENCE.model_copy(update={"cases": WEAK})
    task = build_task(contract=CONTRACT)
    whole: tuple[Unit, ...] = (build_seed("seed-1"), reference, task, SUITE, solution(1, CLAMP))
    assert find_entering(stage, build_shard(*whole)) == ["task-1"]
    assert find_entering(stage, build_shard(*whole[:-1])) == []
    assert find_entering(stage, build_shard(*whole[:3], whole[4])) == []
    voted = SUITE.model_copy(update={"rank": EvidenceRank.AGREEMENT})
    assert find_entering(stage, build_shard(*whole[:3], voted, whole[4])) == []


@pytest.mark.parametrize(
    ("open_", "pool", "added"),
    [
        ([[False], [False]], [[False, False], [False, True]], Added([1], 2, 1)),
        ([[False], [False]], [[False, False], [True, True]], Added([0], 2, 1)),  # one is enough
        ([[False], [True]], [[False, False], [True, True]], Added([], 1, 0)),
        ([[False]], [[True, False]], Added([], 1, 0)),  # its only witness is against it
        ([[False]] * 4, [[False] * 2, [True, False], [False, True], [False] * 2], Added([0, 1], 4, 2)),
        ([], [], Added([], 0, 0)),
    ],
)
def test_an_input_is_added_for_what_no_other_catches_where_most_agree_with_the_reference(
    open_: list[list[bool]], pool: list[list[bool]], added: Added
) -> None:
    width: list[Value] = [0, 1]
    assert choose_added(open_, pool, [encode(one) for one in width]) == added
