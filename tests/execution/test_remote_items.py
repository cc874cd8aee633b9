"""From a request to what the worker gets, and from the worker's answer to an observation: literal values in,
literal values out."""

import base64

import pytest
from pydantic import ValidationError

from synth.execution.remote.dispatch import hear, split
from synth.execution.remote.hosts import HostFault
from synth.execution.remote.items import DispatchedRequest, RemoteToolchains, observe_answer
from synth.execution.remote.wire import FoundToolchain, Item, RunResult, WorkerCapabilities, WorkerResult
from synth.languages.registry import get_language
from synth.records import ExecutionRequest, FunctionCall, Limits, Observation, Phase, StdioCall, Stop

PYTHON = FoundToolchain(tools={"python3": "/opt/python3"}, version="Python 3.12.1", digest="0123456789ab")
JAVA = FoundToolchain(
    tools={name: f"/opt/{name}" for name in ("java", "javac", "jar")}, version="openjdk 17", digest="d"
)
CPP = FoundToolchain(tools={"g++": "/opt/g++"}, version="g++ 12", digest="d")


def inside(mold: bool = False) -> RemoteToolchains:
    found = {"python": PYTHON, "java": JAVA, "cpp": CPP, "ruby": None}
    return RemoteToolchains(
        WorkerCapabilities(languages=found, mold=mold, cores=2, root=True, separated=True, python="3.12.1"),
        "e2b",
    )


def request(language: str = "python", code: str = "def f(x): return x", **limits: float) -> ExecutionRequest:
    call = FunctionCall(entry_point="f", signature="(int) -> int", arguments=(("i1",), ("i2",)))
    return ExecutionRequest(
        id="r", language=language, code=code, call=call, limits=Limits.model_validate(limits)
    )


def ask(asked: ExecutionRequest, mold: bool = False) -> DispatchedRequest:
    found = inside(mold).ask(7, asked)
    assert isinstance(found, DispatchedRequest)
    return found


def packed(text: str) -> tuple[str, int]:
    return base64.b64encode(text.encode()).decode(), len(text)


def result(channel: str = "", stderr: str = "", exit_code: int | None = 0, **fields: object) -> RunResult:
    given: dict[str, object] = {
        "exit_code": exit_code,
        "signal": None,
        "stop": "none",
        "stdout": packed(""),
        "stderr": packed(stderr),
        "cpu_s": 0.1,
    }
    given |= {
        "channel": packed(channel)[0],
        "wall_s": 0.2,
        "peak_memory_mb": 9.0,
        "infrastructure": None,
        **fields,
    }
    return RunResult.model_validate(given)


def test_an_item_holds_the_command_the_files_and_the_input_of_the_driver() -> None:
    item = ask(request(memory_mb=100)).item
    assert (item.index, item.run[0], item.compile, item.server) == (7, "/opt/python3", (), ())
    assert item.files["solution.py"] == "def f(x): return x"
    assert item.stdins[0].splitlines()[1:] == ["f", "i", "i", "2", "i1", "i2"]
    assert item.limits.memory_mb == 100 + get_language("python").runtime_mb
    assert item.env["PYTHONHASHSEED"] == "0"


def test_shared_files_of_a_driver_travel_once_and_are_named_by_their_content() -> None:
    sandbox = inside(mold=True)
    one, two = (
        sandbox.ask(0, request("cpp", "int f(int x) { return 1; }")),
        sandbox.ask(1, request("cpp", "int f(int x) { return 2; }")),
    )
    assert isinstance(one, DispatchedRequest)
    assert isinstance(two, DispatchedRequest)
    assert one.item.shared == two.item.shared != ""
    assert sandbox.shared_of(one.item)[one.item.shared].commands[0][:2] == ("/bin/sh", "precompile.sh")
    assert "/opt/g++" in sandbox.shared_of(one.item)[one.item.shared].commands[0]
    assert "{shared}/driver.hpp" in one.item.compile
    assert "-fuse-ld=mold" in one.item.compile
    assert "-fuse-ld=mold" not in ask(request("cpp", "int f(int x) { return 1; }")).item.compile


def test_a_resident_compiler_is_named_instead_of_a_command() -> None:
    item = ask(request("java", "static int f(int x) { return x; }")).item
    assert item.server[0] == "/opt/java"
    assert item.compile == ()
    assert len(item.files) == 1


def test_what_is_not_inside_is_missing_with_the_command_that_installs_it() -> None:
    missing = inside().ask(0, request("ruby"))
    assert isinstance(missing, Observation)
    assert missing.toolchain_missing == get_language("ruby").install
    unknown = inside().ask(0, request("klingon"))
    assert isinstance(unknown, Observation)
    assert "klingon" in (unknown.infrastructure or "")


def test_an_answer_becomes_the_observation_of_its_nonce() -> None:
    asked = ask(request())
    lines = "".join(f"{asked.plan.nonce} {line}\n" for line in ("0 returned i1", "1 returned i2", "finished"))
    seen = observe_answer(asked, WorkerResult(index=7, runs=(result(lines),)))
    assert (seen.finished, [case.output for case in seen.cases], seen.level) == (True, ["i1", "i2"], "e2b")
    assert seen.toolchain == "python Python 3.12.1 0123456789ab"
    forged = observe_answer(
        asked, WorkerResult(index=7, runs=(result(lines.replace(asked.plan.nonce, "0" * 32)),))
    )
    assert (forged.stop, forged.finished) == (Stop.VIOLATION, False)


def test_a_compiler_that_says_no_is_a_compile_error_and_one_that_broke_is_infrastructure() -> None:
    asked = ask(request("java", "static int f(int x) { return y; }"))
    refused = observe_answer(
        asked, WorkerResult(index=7, build=result(stderr="cannot find symbol", exit_code=1))
    )
    assert (refused.phase, refused.stderr.head) == (Phase.COMPILE, "cannot find symbol")
    broken = observe_answer(
        asked, WorkerResult(index=7, build=result(exit_code=127, infrastructure="no such file"))
    )
    assert (broken.phase, broken.infrastructure) == (Phase.RUN, "no such file")


@pytest.mark.parametrize(
    "answer", [WorkerResult(index=7, fault="the disk is full"), WorkerResult(index=7, runs=())]
)
def test_an_answer_without_a_run_says_nothing_of_the_program(answer: WorkerResult) -> None:
    seen = observe_answer(ask(request()), answer)
    assert seen.infrastructure
    assert not seen.cases


def test_one_clean_process_for_each_stdin_or_the_program_is_not_finished() -> None:
    call = StdioCall(stdins=("a", "b"))
    asked = ask(ExecutionRequest(id="r", language="python", code="print(input())", call=call))
    assert asked.item.stdins == ("a", "b")
    both = observe_answer(
        asked, WorkerResult(index=7, runs=(result(stdout=packed("a\n")), result(stdout=packed("b\n"))))
    )
    assert (both.finished, [case.output for case in both.cases]) == (True, ["a\n", "b\n"])
    one = observe_answer(asked, WorkerResult(index=7, runs=(result(stop="cpu", exit_code=None, signal=9),)))
    assert (one.finished, one.stop, [case.status for case in one.cases]) == (
        False,
        Stop.CPU,
        ["missing", "missing"],
    )


def test_a_line_that_is_no_answer_is_a_fault_of_the_machine() -> None:
    answers: dict[int, WorkerResult] = {}
    faults: list[str] = []
    for line in (
        '{"beat": true}',
        '{"done": true}',
        '{"index": 1, "build": null, "runs": []}',
        '{"index": 2, "fault": "lost"}',
    ):
        hear(line, {1, 2}, answers, faults)
    assert (list(answers), faults) == ([1], ["lost"])
    hear('{"index": 9, "build": null, "runs": []}', {1, 2}, answers, faults)
    assert list(answers) == [1]
    for wrong in ("", "hello", '{"index": 1, "runs": 3}', '{"index": 1, "verdict": "pass"}'):
        with pytest.raises(HostFault):
            hear(wrong, {1, 2}, answers, faults)
    with pytest.raises(ValidationError):
        result(stdout=("not base64!", 3))


def test_batches_are_bounded_by_number_and_by_size() -> None:
    small = ask(request()).item
    items = [small.model_copy(update={"index": n}) for n in range(10)]
    assert [len(batch) for batch in split(items, 4)] == [4, 4, 2]
    large: list[Item] = [small.model_copy(update={"stdins": ("x" * (5 << 20),)}) for _ in range(3)]
    assert [len(batch) for batch in split([*large, small], 4)] == [1, 1, 2]
