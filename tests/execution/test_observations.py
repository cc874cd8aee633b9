"""What is known of an observation before anything is compared: whether it is a fault or doubtful, and how
often its program may be run."""

import re
from pathlib import Path

import pytest

from synth.execution import observations
from synth.execution.observations import (
    ATTEMPTS,
    COMPILER_ATTEMPTS,
    failed,
    failed_before_run,
    is_doubtful,
    is_fault,
    not_installed,
    renamed,
)
from synth.execution.verdict import judge
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    Limits,
    Observation,
    Outcome,
    Phase,
    StdioCall,
    StdioContract,
    Stop,
    TestSuite,
)

ROOT = Path(__file__).resolve().parents[2]
REQUEST = ExecutionRequest(id="r", language="python", code="", call=StdioCall(stdins=("",)))
SUITE = TestSuite(
    task_id="t",
    contract=StdioContract(),
    cases=(Case(arguments=("",), expected=""),),
    rank=EvidenceRank.EXAMPLES,
)


def seen(**fields: object) -> Observation:
    given = {"request_id": "r", "language": "python", "phase": Phase.RUN, **fields}
    return Observation.model_validate(given)


@pytest.mark.parametrize(
    ("observation", "fault"),
    [
        (failed(REQUEST, "the slot broke"), True),
        (not_installed(REQUEST, "apt-get install python3"), True),
        (failed_before_run(REQUEST, Phase.PARSE, "no", observations.NOWHERE), False),
        (seen(), False),
        (seen(stop=Stop.CPU), False),
        (seen(stop=Stop.VIOLATION), False),
    ],
)
def test_a_fault_is_a_fault_in_the_observation_and_in_its_verdict(
    observation: Observation, fault: bool
) -> None:
    assert is_fault(observation) is fault
    assert judge(observation, SUITE, "s").outcome.is_fault is fault


def test_faults_are_the_outcomes_that_stand_after_all_others() -> None:
    assert [outcome for outcome in Outcome if outcome.is_fault] == list(Outcome)[-2:]


def test_a_fault_is_never_doubtful_and_so_never_run_again_for_that() -> None:
    assert not is_doubtful(failed(REQUEST, "the slot broke"), Limits())
    assert not is_doubtful(not_installed(REQUEST, "x"), Limits())


@pytest.mark.parametrize(("wall_s", "doubtful"), [(50.0, True), (6.0, False)])
def test_a_program_that_worked_and_then_slept_is_not_run_again(wall_s: float, doubtful: bool) -> None:
    ended = seen(stop=Stop.WALL, signal=9, cpu_s=1.0, wall_s=wall_s)
    assert is_doubtful(ended, Limits()) is doubtful


def test_an_equal_request_gets_the_observation_under_its_own_name() -> None:
    first = seen()
    assert renamed(first, REQUEST) is first
    other = renamed(first, REQUEST.model_copy(update={"id": "s", "language": "py"}))
    assert (other.request_id, other.language, other.phase) == ("s", "py", Phase.RUN)


def test_how_often_a_program_may_be_run_is_said_in_one_sentence_here_and_in_the_page() -> None:
    found = re.search(
        r"\*\*How often a program may be run:\*\*(.*?\.)\n", observations.__doc__ or "", re.DOTALL
    )
    assert found is not None
    sentence = " ".join(found[1].replace("ATTEMPTS", {3: "three"}[ATTEMPTS]).split())
    page = " ".join((ROOT / "docs/architecture/execution.md").read_text(encoding="utf-8").split())
    assert sentence[0].upper() + sentence[1:] in page
    assert COMPILER_ATTEMPTS == 2 and "crashes two of them" in page
