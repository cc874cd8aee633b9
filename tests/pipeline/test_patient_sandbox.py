"""A sandbox that fails at everything is waited for; one program that it cannot run is not."""

import pytest

from synth.errors import OutageError
from synth.execution.scripted import ScriptedSandbox
from synth.outage_config import OutageConfig
from synth.pipeline.patient_sandbox import PatientSandbox
from synth.records import ExecutionRequest, FunctionCall, Observation
from tests.builders import Run, build_observation

QUICK = OutageConfig(failures=3, first_pause_s=0.01, longest_pause_s=0.02, patience_s=30)
PROGRAMS = [
    ExecutionRequest(
        id=f"p{number}",
        language="python",
        code=f"x = {number}",
        call=FunctionCall(entry_point="f", signature="() -> int", arguments=((),)),
    )
    for number in range(6)
]


def observing(runs: list[str], fails: object) -> ScriptedSandbox:
    """Notes what runs; `fails` says from the program and the number of runs so far whether it is lost."""
    assert callable(fails)

    def observe(request: ExecutionRequest) -> Observation:
        runs.append(request.id)
        lost = fails(request.id, len(runs))
        return build_observation(request, infrastructure="no room" if lost else None)

    return ScriptedSandbox(observe)


def lost(seen: list[Observation]) -> list[str]:
    return [one.request_id for one in seen if one.infrastructure is not None]


def test_every_program_of_an_outage_is_run_after_it(run: Run[list[Observation]]) -> None:
    runs, said = list[str](), list[str]()
    sandbox = PatientSandbox(observing(runs, lambda _, number: number <= 9), QUICK, said.append)
    seen = run(sandbox.execute(PROGRAMS))
    assert [one.request_id for one in seen] == [program.id for program in PROGRAMS]
    assert lost(seen) == []
    assert runs[6:10] == ["p0"] * 4, "one program at a time is tried while it lasts"
    assert len(runs) == 15
    assert said[0] == "the sandbox fails: no room; trying again in 0 s"


def test_what_ran_before_the_outage_is_not_run_again(run: Run[list[Observation]]) -> None:
    runs = list[str]()
    sandbox = PatientSandbox(observing(runs, lambda _, number: 3 <= number <= 7), QUICK, print)
    assert lost(run(sandbox.execute(PROGRAMS))) == []
    assert (runs.count("p0"), runs.count("p1")) == (1, 1)


@pytest.mark.parametrize("names", [{"p2"}, {"p2", "p4"}])
def test_single_programs_that_are_lost_are_no_outage(run: Run[list[Observation]], names: set[str]) -> None:
    runs = list[str]()
    sandbox = PatientSandbox(observing(runs, lambda name, _: name in names), QUICK, print)
    assert set(lost(run(sandbox.execute(PROGRAMS)))) == names
    assert len(runs) == len(PROGRAMS)


def test_a_missing_toolchain_is_no_outage(run: Run[list[Observation]]) -> None:
    inner = ScriptedSandbox(lambda asked: build_observation(asked, toolchain_missing="apt-get install ruby"))
    seen = run(PatientSandbox(inner, QUICK, print).execute(PROGRAMS))
    assert {one.toolchain_missing for one in seen} == {"apt-get install ruby"}


def test_patience_ends_with_what_is_wrong_and_what_to_do(run: Run[list[Observation]]) -> None:
    config = QUICK.model_copy(update={"patience_s": 0.05})
    sandbox = PatientSandbox(observing([], lambda *_: True), config, print)
    with pytest.raises(OutageError, match=r"the sandbox\n  has lost 6 programs .* no room\n  fix: .*TMPDIR"):
        run(sandbox.execute(PROGRAMS))


def test_an_empty_call_is_no_outage(run: Run[list[Observation]]) -> None:
    assert run(PatientSandbox(observing([], lambda *_: True), QUICK, print).execute([])) == []
