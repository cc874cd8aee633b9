"""The sandbox that a function answers."""

import asyncio

import pytest

from synth.execution.scripted import ScriptedSandbox
from synth.records import ExecutionRequest, Observation, Phase, StdioCall


def request(name: str, language: str = "python") -> ExecutionRequest:
    return ExecutionRequest(id=name, language=language, code=f"# {name}", call=StdioCall(stdins=("",)))


def observe(asked: ExecutionRequest) -> Observation:
    return Observation(
        request_id="whatever the script says",
        language=asked.language,
        phase=Phase.RUN,
        exit_code=len(asked.code),
    )


def test_observations_come_in_the_order_of_the_requests_under_their_ids() -> None:
    sandbox = ScriptedSandbox(observe)
    seen = asyncio.run(sandbox.execute([request("long name"), request("a")]))
    assert [(one.request_id, one.exit_code) for one in seen] == [("long name", 11), ("a", 3)]
    assert [one.id for one in sandbox.requests] == ["long name", "a"]


def test_an_async_function_observes_several_programs_at_once() -> None:
    met = asyncio.Barrier(3)

    async def wait_for_the_others(asked: ExecutionRequest) -> Observation:
        await asyncio.wait_for(met.wait(), timeout=5)
        return observe(asked)

    names = ["c", "a", "b"]
    seen = asyncio.run(ScriptedSandbox(wait_for_the_others).execute([request(name) for name in names]))
    assert [one.request_id for one in seen] == names


def test_level_and_toolchain_are_stated_where_the_function_says_none() -> None:
    sandbox = ScriptedSandbox(observe, level="B", toolchains={"python": "python 3 abc"})
    python, java = asyncio.run(sandbox.execute([request("a"), request("b", "java")]))
    assert (python.level, python.toolchain, java.level, java.toolchain) == ("B", "python 3 abc", "B", "")
    assert asyncio.run(sandbox.toolchain("python")) == "python 3 abc"
    assert asyncio.run(sandbox.toolchain("java")) == ""
    own = observe(request("a")).model_copy(update={"level": "A", "toolchain": "own"})
    (kept,) = asyncio.run(ScriptedSandbox(lambda _: own).execute([request("a")]))
    assert (kept.level, kept.toolchain) == ("A", "own")


def test_the_priority_of_each_call_is_noted() -> None:
    sandbox = ScriptedSandbox(observe)
    asyncio.run(sandbox.execute([request("a"), request("b")], 7))
    asyncio.run(sandbox.execute([]))
    assert sandbox.priorities == [7, 0]


def test_an_error_of_the_script_reaches_the_caller() -> None:
    def fail(asked: ExecutionRequest) -> Observation:
        raise KeyError(asked.id)

    with pytest.raises(KeyError):
        asyncio.run(ScriptedSandbox(fail).execute([request("a")]))


def test_it_can_be_closed_twice_and_started_again() -> None:
    sandbox = ScriptedSandbox(observe)

    async def work() -> list[bool]:
        await sandbox.close()
        await sandbox.close()
        before = sandbox.closed
        await sandbox.start()
        return [before, sandbox.closed]

    assert asyncio.run(work()) == [True, False]
