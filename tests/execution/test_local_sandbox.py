"""The sandbox of this machine as its callers see it: answers one by one, callers that go away, neighbours in
a group."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.observations import is_fault
from synth.languages.toolchain import Toolchain
from synth.records import ExecutionRequest, FunctionCall, Limits, StdioCall, Stop
from synth.verify.verify import verify
from tests.builders import Run
from tests.languages.toolchains import need

Scenario = Callable[[LocalSandbox], Awaitable[None]]

pytestmark = pytest.mark.usefixtures("local_sandbox")  # skips where this machine offers no isolation


def program(name: str, code: str, cpu_s: float = 10) -> ExecutionRequest:
    return ExecutionRequest(
        id=name, language="python", code=code, call=StdioCall(stdins=("",)), limits=Limits(cpu_s=cpu_s)
    )


def quick(name: str) -> ExecutionRequest:
    return program(name, f"print({name!r})")


def endless(name: str, cpu_s: float = 2) -> ExecutionRequest:
    return program(name, f"while True: {name!r}", cpu_s)


def in_own_sandbox(run: Run[Any], scenario: Scenario) -> None:
    """One worker: what is asked for later waits."""

    async def scene() -> None:
        sandbox = LocalSandbox(workers=1)
        await sandbox.start()
        try:
            await asyncio.wait_for(scenario(sandbox), 60)
        finally:
            await sandbox.close()

    run(scene())


async def until_begun(sandbox: LocalSandbox, *asked: asyncio.Task[Any]) -> None:
    """Until a thread is at what was asked for first."""
    while not sandbox._tasks:
        assert not any(task.done() for task in asked)
        await asyncio.sleep(0.01)


def test_each_answer_comes_when_it_is_found_though_a_group_runs_in_one_thread(run: Run[Any]) -> None:
    async def scenario(sandbox: LocalSandbox) -> None:
        slow = asyncio.create_task(sandbox.execute([quick("first"), endless("slow")]))
        (first,) = await sandbox.execute([quick("first")])
        assert first.cases[0].output == "first\n" and not slow.done()
        assert (await slow)[1].stop is Stop.CPU

    in_own_sandbox(run, scenario)


def test_rows_that_are_done_are_answered_while_their_neighbour_hangs(tmp_path: Path) -> None:
    tests = {"kind": "stdio", "cases": [{"stdin": "", "stdout": ""}]}
    codes = ["while True: pass" if number == 3 else f"{number}" for number in range(8)]
    rows = [
        {"id": number, "language": "python", "code": code, "tests": tests}
        for number, code in enumerate(codes)
    ]
    answers = verify(rows, tmp_path / "out", workers=1, limits=Limits(cpu_s=3))
    assert next(answers).id == "0"
    assert '"id": "3"' not in (tmp_path / "out").read_text()
    assert sorted(answer.id for answer in answers) == ["1", "2", "3", "4", "5", "6", "7"]


def test_a_caller_that_goes_away_while_it_waits_leaves_nothing(run: Run[Any]) -> None:
    async def scenario(sandbox: LocalSandbox) -> None:
        before = asyncio.create_task(sandbox.execute([endless("before")]))
        await until_begun(sandbox, before)
        gone = asyncio.create_task(sandbox.execute([quick("a"), quick("b")]))
        await asyncio.sleep(0)
        gone.cancel()
        (seen,) = await sandbox.execute([quick("a")])
        assert seen.cases[0].output == "a\n"
        assert gone.cancelled() and not sandbox._runs
        await before

    in_own_sandbox(run, scenario)


@pytest.mark.parametrize("goes", [0, 1])
@pytest.mark.parametrize("begun", [False, True])
def test_one_of_two_callers_of_an_equal_request_may_go_away(goes: int, begun: bool, run: Run[Any]) -> None:
    async def scenario(sandbox: LocalSandbox) -> None:
        if not begun:
            occupied = asyncio.create_task(sandbox.execute([endless("other", 1)]))
            await until_begun(sandbox, occupied)
        callers = [asyncio.create_task(sandbox.execute([endless("x", 1)])) for _ in range(2)]
        await until_begun(sandbox, *callers)
        callers[goes].cancel()
        (seen,) = await callers[1 - goes]
        assert seen.stop is Stop.CPU and callers[goes].cancelled()

    in_own_sandbox(run, scenario)


def test_callers_that_go_away_while_their_program_runs_leave_it_to_end(run: Run[Any]) -> None:
    async def scenario(sandbox: LocalSandbox) -> None:
        gone = asyncio.create_task(sandbox.execute([endless("x", 1)]))
        await until_begun(sandbox, gone)
        gone.cancel()
        (seen,) = await sandbox.execute([endless("x", 1)])
        assert seen.stop is Stop.CPU and not sandbox._runs

    in_own_sandbox(run, scenario)


def test_what_waits_or_runs_when_the_sandbox_closes_is_a_fault(run: Run[Any]) -> None:
    async def scenario(sandbox: LocalSandbox) -> None:
        running = asyncio.create_task(sandbox.execute([endless("a", 60)]))
        await until_begun(sandbox, running)
        waiting = asyncio.create_task(sandbox.execute([quick("b")]))
        await asyncio.sleep(0)
        await sandbox.close()
        assert is_fault((await running)[0]) and is_fault((await waiting)[0])

    in_own_sandbox(run, scenario)


def test_a_toolchain_that_changes_while_the_sandbox_closes_leaves_no_caller_waiting(
    run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(sandbox: LocalSandbox) -> None:
        running = asyncio.create_task(sandbox.execute([endless("a", 60)]))
        await until_begun(sandbox, running)
        monkeypatch.setattr(Toolchain, "is_unchanged", property(lambda _: False))
        await sandbox.close()
        assert is_fault((await running)[0])

    in_own_sandbox(run, scenario)


@pytest.mark.parametrize("ticks", [0, 1, 100])
def test_a_loop_that_ends_in_the_middle_leaves_all_places_to_the_next(ticks: int) -> None:
    sandbox = LocalSandbox(workers=1)

    async def first() -> None:
        await sandbox.start()
        # the loop ends before it
        asyncio.create_task(sandbox.execute([endless("lost", 1), quick("lost")]))  # noqa: RUF006
        for _ in range(ticks):
            await asyncio.sleep(0)

    async def second() -> None:
        (seen,) = await asyncio.wait_for(sandbox.execute([quick("a")]), 60)
        assert seen.cases[0].output == "a\n"
        await sandbox.close()

    asyncio.run(first())
    asyncio.run(second())


def test_a_call_that_does_not_fit_says_nothing_of_its_neighbours(run: Run[Any]) -> None:
    need("cpp")

    def candidate(name: str, *arguments: str) -> ExecutionRequest:
        call = FunctionCall(entry_point="f", signature="(int) -> int", arguments=(arguments,))
        code = f"int f(int x) {{ return x + {len(name)}; }}"
        return ExecutionRequest(id=name, language="cpp", code=code, call=call, limits=Limits())

    async def scenario(sandbox: LocalSandbox) -> None:
        misfit, *others = await sandbox.execute(
            [candidate("misfit", "i1", "i2"), candidate("a", "i1"), candidate("bb", "i1")]
        )
        assert misfit.infrastructure is not None and "2 arguments" in misfit.infrastructure
        assert [seen.cases[0].output for seen in others] == ["i2", "i3"]

    in_own_sandbox(run, scenario)


def test_callers_that_start_it_at_once_leave_one_sandbox_and_then_none(run: Run[Any]) -> None:
    async def scene() -> None:
        sandbox = LocalSandbox(workers=1)
        seen = await asyncio.gather(*(sandbox.execute([quick(name)]) for name in "abc"))
        assert [one.cases[0].output for (one,) in seen] == ["a\n", "b\n", "c\n"]
        await sandbox.close()

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    run(scene())
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
