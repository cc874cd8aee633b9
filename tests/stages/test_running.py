"""The programs of a shard are read as their answers come, and of a long output only a hash is kept."""

import asyncio

import pytest

from synth.execution.scripted import ScriptedSandbox
from synth.records import CaseObservation, ExecutionRequest, Observation, Phase, StdioCall
from synth.rules.canonical import LONGEST, canonical_outputs, is_whole, without_long_outputs
from synth.stages.running import AT_ONCE, run_each
from tests.builders import Run

COUNT = 3 * AT_ONCE + 1
REQUESTS = [
    ExecutionRequest(id=str(number), language="python", code=f"# {number}", call=StdioCall(stdins=("",)))
    for number in range(COUNT)
]


def observed(*outputs: str) -> Observation:
    cases = tuple(
        CaseObservation(index=at, status="returned", output=output) for at, output in enumerate(outputs)
    )
    return Observation(request_id="r", language="python", phase=Phase.RUN, cases=cases)


def test_observations_are_read_before_those_of_later_programs_are_there(run: Run[list[str]]) -> None:
    async def scenario() -> list[str]:
        is_read = asyncio.Event()

        async def observe(request: ExecutionRequest) -> Observation:
            if int(request.id) >= AT_ONCE:
                await is_read.wait()
            return observed(request.id)

        def read(at: int, observation: Observation) -> str:
            is_read.set()
            return f"{at} {observation.request_id}"

        return await asyncio.wait_for(run_each(ScriptedSandbox(observe), REQUESTS, read), timeout=10)

    assert run(scenario()) == [f"{at} {at}" for at in range(COUNT)]


def test_a_fault_of_one_call_ends_the_others(run: Run[list[None]]) -> None:
    sandbox = ScriptedSandbox(lambda request: observed(str(1 // int(request.id))))
    with pytest.raises(ZeroDivisionError):
        run(run_each(sandbox, REQUESTS, lambda _, __: None))


def test_a_sandbox_says_how_many_it_wants_at_once(run: Run[list[None]]) -> None:
    sandbox = ScriptedSandbox(lambda _: observed())
    sandbox.at_once = 10  # type: ignore[attr-defined]  # only sandboxes with a wish have it
    run(run_each(sandbox, REQUESTS[:25], lambda _, __: None, priority=7))
    assert sandbox.priorities == [7, 7, 7]


def test_of_a_long_output_a_hash_is_kept() -> None:
    long, other = "s" + "61" * LONGEST, "s" + "62" * LONGEST
    light = without_long_outputs(observed(long, long, other, "m2 i2 i1 i1 i1"))
    outputs = canonical_outputs(light)
    assert outputs == canonical_outputs(observed(long, long, other, "m2 i2 i1 i1 i1"))
    assert outputs[0] == outputs[1] != outputs[2]
    assert [is_whole(outputs[at]) for at in range(4)] == [False, False, False, True]
    assert outputs[3] == "m2 i1 i1 i2 i1"
    assert sum(map(len, outputs.values())) < 300


def test_a_result_that_is_no_value_is_no_output() -> None:
    assert canonical_outputs(observed("l2 i1", "x", "i1")) == {2: "i1"}
