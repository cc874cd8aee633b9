"""What every sandbox promises, run on each of the family: local, recorded from it, local with a cache of
results (so that from the second test on everything comes from there), E2B on a server that stands in for the
service, and a function that recalls what the local sandbox saw."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.config import E2bSandboxConfig, LocalSandboxConfig, RecordedSandboxConfig
from synth.errors import SandboxError
from synth.execution.cache.cached_sandbox import CachedSandbox
from synth.execution.factory import create_sandbox
from synth.execution.isolation.launcher.zygote import zygote_files
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.observations import is_doubtful, request_key
from synth.execution.protocol import Sandbox
from synth.execution.recorded import RecordedSandbox, RecordingSandbox
from synth.execution.scripted import ScriptedSandbox
from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain
from synth.records import (
    CaseObservation,
    CheckCall,
    CheckedCase,
    ExecutionRequest,
    FunctionCall,
    Limits,
    Observation,
    Phase,
    ProgramCall,
    ProgramFile,
    ScriptCall,
    StdioCall,
    Stop,
)
from tests.builders import Run
from tests.languages.toolchains import need


def function(
    identity: str, code: str, cases: int = 2, language: str = "python", **limits: float
) -> ExecutionRequest:
    call = FunctionCall(
        entry_point="f", signature="(int) -> int", arguments=tuple((f"i{n}",) for n in range(cases))
    )
    return ExecutionRequest(
        id=identity, language=language, code=code, call=call, limits=Limits.model_validate(limits)
    )


TESTS = """from __future__ import annotations
from __main__ import x as found
import unittest
class TestX(unittest.TestCase):
    def test_it(self):
        self.assertEqual(found, 1)
"""
DEEP = (
    "import functools, sys\nsys.setrecursionlimit(1 << 20)\n"
    "@functools.lru_cache(None)\ndef down(n):\n    return n and 1 + down(n - 1)\n"
)
RESERVES = """import threading
threading.stack_size(300 << 20)
def f(x):
    found = []
    meet = threading.Barrier(2, timeout=20)
    def work(): meet.wait(); found.append(x)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads: one.start()
    for one in threads: one.join()
    return sum(found)
"""

REQUESTS = [
    function("good", "def f(x):\n    return x + 1\n"),
    function("raises", "def f(x):\n    return 1 // x\n"),
    function("exits", "import sys\ndef f(x):\n    sys.exit(0)\n"),
    function("broken", "def f(x:\n"),
    function("hangs", "def f(x):\n    while True: pass\n", cpu_s=0.5),
    function("silent", "def f(x):\n    print('noise' * 1000)\n    return x\n"),
    function("nameless", "def g(x):\n    return x\n"),
    function("deep", f"{DEEP}def f(x):\n    return down(100000 + x)\n", stack_mb=256, memory_mb=1024),
    function("too deep", f"{DEEP}def f(x):\n    return down(100000 + x)\n"),
    function("reserves", RESERVES, memory_mb=256),
    ExecutionRequest(
        id="lacking",
        language="python",
        code="x = 1\n",
        call=ScriptCall(script="import own_missing_one\nassert x == 1"),
    ),
    ExecutionRequest(
        id="path",
        language="python",
        code="import sys\nprint(*sys.path)\n",
        call=StdioCall(stdins=("",)),
    ),
    ExecutionRequest(
        id="echo", language="python", code="print(input())\n", call=StdioCall(stdins=("a\n", "b\n"))
    ),
    ExecutionRequest(
        id="files",
        language="python",
        code="open('out.txt', 'w').write(open('in.txt').read() + 'b')\nprint('noise')\n",
        call=StdioCall(stdins=("a", "c"), input_file="in.txt", output_file="out.txt"),
    ),
    ExecutionRequest(
        id="script",
        language="python",
        code="x = 1\n",
        call=ScriptCall(script="assert x == 1"),
    ),
    ExecutionRequest(
        id="failing script", language="python", code="x = 1\n", call=ScriptCall(script="assert x == 2")
    ),
    ExecutionRequest(
        id="script cut short",
        language="python",
        code="raise SystemExit(0)\n",
        call=ScriptCall(script="assert x == 2"),
    ),
    ExecutionRequest(
        id="program",
        language="python",
        code="import sys\nprint(input() * 9000)\nsys.exit(3)\n",
        call=ProgramCall(stdin="ab\n"),
    ),
    ExecutionRequest(
        id="program with files",
        language="python",
        code="import beside\nopen('out', 'w').write(beside.TEXT)\n",
        call=ProgramCall(
            files=(ProgramFile(path="beside.py", content=b64encode(b"TEXT = 'hi'\n").decode()),),
            fetched=("out", "missing"),
        ),
    ),
    ExecutionRequest(id="tests", language="python", code="x = 1\n", call=ScriptCall(script=TESTS)),
    ExecutionRequest(id="failing tests", language="python", code="x = 2\n", call=ScriptCall(script=TESTS)),
    ExecutionRequest(
        id="missing module",
        language="python",
        code="x = 1\n",
        call=ScriptCall(script="import own_lost"),
    ),
    ExecutionRequest(
        id="checker",
        language="python",
        code="import sys\ntexts = [open(name).read() for name in sys.argv[1:]]\n"
        "sys.exit(texts.index('é\\n') if sys.stdin.read() == '' else 9)\n",
        call=CheckCall(
            cases=(
                CheckedCase(input="é\n", output="b", expected=""),
                CheckedCase(input="", output="é\n", expected="c"),
                CheckedCase(input="", output="", expected="é\n"),
            )
        ),
    ),
]


@pytest.fixture(scope="module")
def recorded_folder(
    tmp_path_factory: pytest.TempPathFactory, local_sandbox: LocalSandbox, run: Run[Any]
) -> Path:
    folder = tmp_path_factory.mktemp("observations")
    recorder = RecordingSandbox(local_sandbox, folder)
    run(recorder.start())
    run(recorder.execute(REQUESTS))
    return folder


@pytest.fixture(scope="module")
def e2b_sandbox(tmp_path_factory: pytest.TempPathFactory, run: Run[Any]) -> Iterator[Sandbox]:
    pytest.importorskip("e2b_code_interpreter", reason="the package e2b-code-interpreter is not installed")
    from tests.execution.e2b_server import e2b_server, point_package_at

    with e2b_server(tmp_path_factory.mktemp("e2b")) as server, pytest.MonkeyPatch.context() as patch:
        point_package_at(server, patch)
        sandbox = create_sandbox(E2bSandboxConfig(concurrency=2))
        yield sandbox
        run(sandbox.close())


@pytest.fixture(scope="module")
def cached_sandbox(tmp_path_factory: pytest.TempPathFactory, local_sandbox: LocalSandbox) -> Sandbox:
    return CachedSandbox(local_sandbox, tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def scripted_sandbox(local_sandbox: LocalSandbox, run: Run[Any]) -> Sandbox:
    """A function that knows what the local sandbox saw, and calls everything else a fault."""
    known: dict[str, Observation] = {seen.request_id: seen for seen in run(local_sandbox.execute(REQUESTS))}

    async def recall(request: ExecutionRequest) -> Observation:
        unknown = Observation(
            request_id="", language=request.language, phase=Phase.RUN, infrastructure="not in the script"
        )
        return known.get(request.id, unknown)

    return ScriptedSandbox(recall, toolchains={"python": known["good"].toolchain})


@pytest.fixture(params=["local", "recorded", "cached", "e2b", "scripted"])
def any_sandbox(request: pytest.FixtureRequest) -> Sandbox:
    if request.param == "recorded":
        return RecordedSandbox(request.getfixturevalue("recorded_folder"))
    sandbox: Sandbox = request.getfixturevalue(f"{request.param}_sandbox")
    return sandbox


@pytest.fixture
def seen(any_sandbox: Sandbox, run: Run[Any]) -> dict[str, Observation]:
    run(any_sandbox.start())
    observations = run(any_sandbox.execute(REQUESTS))
    assert [o.request_id for o in observations] == [r.id for r in REQUESTS]
    return {o.request_id: o for o in observations}


def test_a_program_reads_and_writes_the_files_that_its_call_names(seen: dict[str, Observation]) -> None:
    assert [(case.status, case.output) for case in seen["files"].cases] == [
        ("returned", "ab"),
        ("returned", "cb"),
    ]


def test_results_come_back_in_the_order_of_the_inputs(seen: dict[str, Observation]) -> None:
    good = seen["good"]
    assert good.finished
    assert [(case.index, case.status, case.output) for case in good.cases] == [
        (0, "returned", "i1"),
        (1, "returned", "i2"),
    ]
    assert good.toolchain.startswith("python")
    assert good.level in ("A", "B", "C", "e2b", "e2b-unseparated")


def test_an_exception_belongs_to_its_case(seen: dict[str, Observation]) -> None:
    first, second = seen["raises"].cases
    assert (first.status, second.output) == ("raised", "i1")
    assert (first.error or "").startswith("ZeroDivisionError")
    assert seen["raises"].finished


def test_a_program_without_tests_keeps_its_whole_output_and_its_status(seen: dict[str, Observation]) -> None:
    program = seen["program"]
    assert (program.exit_code, program.finished, program.cases) == (3, False, ())
    assert program.stdout.head == "ab" * 9000 + "\n"


def test_files_of_a_program_come_back_or_are_refused_in_words(seen: dict[str, Observation]) -> None:
    program = seen["program with files"]
    if program.level.startswith("e2b"):
        assert "takes no files" in (program.infrastructure or "")
        return
    assert program.infrastructure is None
    assert [(file.path, file.content) for file in program.files] == [("out", b64encode(b"hi").decode())]


def test_an_early_exit_leaves_every_case_missing_and_is_not_finished(seen: dict[str, Observation]) -> None:
    assert [case.status for case in seen["exits"].cases] == ["missing", "missing"]
    assert not seen["exits"].finished


def test_a_program_that_does_not_parse_is_stopped_there(seen: dict[str, Observation]) -> None:
    assert seen["broken"].phase is Phase.PARSE
    assert "SyntaxError" in seen["broken"].stderr.head


def test_an_endless_loop_uses_up_its_cpu_time(seen: dict[str, Observation]) -> None:
    assert seen["hangs"].stop is Stop.CPU
    assert not seen["hangs"].finished


def test_a_stack_is_as_deep_as_the_request_says_and_reserved_memory_is_none(
    seen: dict[str, Observation],
) -> None:
    assert [case.output for case in seen["deep"].cases] == ["i100000", "i100001"]
    assert seen["too deep"].signal is not None and not seen["too deep"].finished
    assert [case.output for case in seen["reserves"].cases] == ["i0", "i2"]


def test_stdout_is_kept_apart_from_results(seen: dict[str, Observation]) -> None:
    assert seen["silent"].stdout.length == 2 * 5001
    assert [case.output for case in seen["silent"].cases] == ["i0", "i1"]


def test_a_missing_function_is_reported(seen: dict[str, Observation]) -> None:
    assert "defines no function 'f'" in seen["nameless"].stderr.head + seen["nameless"].stderr.tail
    assert not seen["nameless"].finished


def test_stdin_programs_run_once_for_each_input(seen: dict[str, Observation]) -> None:
    assert [case.output for case in seen["echo"].cases] == ["a\n", "b\n"]
    assert seen["echo"].finished


def test_a_checker_gets_three_files_and_its_exit_code_is_told(seen: dict[str, Observation]) -> None:
    assert [case.output for case in seen["checker"].cases] == ["0", "1", "2"]
    assert seen["checker"].infrastructure is None


def test_a_script_counts_only_when_its_end_was_reached(seen: dict[str, Observation]) -> None:
    assert seen["script"].finished
    assert not seen["failing script"].finished
    assert not seen["script cut short"].finished


def test_tests_that_a_script_does_not_run_itself_are_run(seen: dict[str, Observation]) -> None:
    assert seen["tests"].finished
    assert not seen["failing tests"].finished
    assert (seen["failing tests"].cases[0].error or "").startswith("AssertionError: 2 != 1")


def test_a_module_that_only_the_script_asks_for_is_missing(seen: dict[str, Observation]) -> None:
    missing = seen["missing module"].toolchain_missing or ""
    assert "own_lost" in missing


def test_a_request_that_cannot_run_is_infrastructure_and_no_exception(
    any_sandbox: Sandbox, run: Run[Any]
) -> None:
    wrong_row = FunctionCall(entry_point="f", signature="(int) -> int", arguments=(("i1", "i2"),))
    requests = [
        function("a", "x", language="klingon"),
        ExecutionRequest(id="b", language="python", code="x", call=wrong_row),
        ExecutionRequest(
            id="c",
            language="python",
            code="x",
            call=FunctionCall(entry_point="f;", signature="() -> int", arguments=((),)),
        ),
        ExecutionRequest(
            id="d",
            language="python",
            code="x",
            call=FunctionCall(entry_point="f", signature="(whole) -> int", arguments=()),
        ),
        function("e", "x", language="bash"),
    ]
    observations = run(any_sandbox.execute(requests))
    assert all(observation.infrastructure for observation in observations)


def test_what_tests_import_and_nobody_has_is_missing_and_no_label(seen: dict[str, Observation]) -> None:
    lacking = seen["lacking"]
    assert lacking.toolchain_missing is not None
    assert "python has no module own_missing_one" in lacking.toolchain_missing
    assert (lacking.infrastructure, lacking.cases) == (None, ())


def test_what_python3_has_is_seen(seen: dict[str, Observation]) -> None:
    """The path of a program holds the folders of packages, after the standard library."""
    path = str(seen["path"].cases[0].output).split()
    standard = next(at for at, place in enumerate(path) if place.endswith("lib-dynload"))
    sites = [at for at, place in enumerate(path) if place.endswith(("site-packages", "dist-packages"))]
    assert sites
    assert standard < min(sites)


def test_a_sandbox_states_the_toolchain_as_its_observations_do(
    any_sandbox: Sandbox, seen: dict[str, Observation], run: Run[Any], request: pytest.FixtureRequest
) -> None:
    stated = run(any_sandbox.toolchain("python"))
    nobody_knows = request.node.callspec.params["any_sandbox"] == "recorded"
    assert stated == ("" if nobody_knows else seen["good"].toolchain)
    assert run(any_sandbox.toolchain("klingon")) == ""


def test_odd_programs_get_an_observation(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    codes = [
        "",
        "\0",
        "def f(x): return '\ud800' and x",
        "#" * (5 << 20),
        "def f(x): return " + "(" * 5000,
        "\ufeffdef f(x): return x",
    ]
    observations = run(local_sandbox.execute([function(str(n), code) for n, code in enumerate(codes)]))
    assert [o.infrastructure for o in observations] == [None] * len(codes)
    assert [o.finished for o in observations] == [False, False, False, False, False, True]


def test_the_same_request_runs_once(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    code = "import os\ndef f(x):\n    return int.from_bytes(os.urandom(6), 'big')\n"
    first, second = run(local_sandbox.execute([function("one", code), function("two", code)]))
    third = run(local_sandbox.execute([function("three", code)]))[0]
    assert first.cases == second.cases == third.cases
    assert [first.request_id, second.request_id, third.request_id] == ["one", "two", "three"]
    other = run(local_sandbox.execute([function("four", code, cpu_s=4.5)]))[0]
    assert other.cases != first.cases


def test_hundreds_of_requests_at_once_keep_their_order(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    requests = [function(str(n), f"def f(x):\n    return {n}\n", cases=1) for n in range(200)]

    async def twice() -> tuple[list[Observation], list[Observation]]:
        return await asyncio.gather(
            local_sandbox.execute(requests), local_sandbox.execute(list(reversed(requests)))
        )

    forward, backward = run(twice())
    assert [o.cases[0].output for o in forward] == [f"i{n}" for n in range(200)]
    assert [o.cases[0].output for o in backward] == [f"i{n}" for n in reversed(range(200))]


def test_python_starts_warm_and_nothing_passes_from_one_program_to_the_next(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    if zygote_files() is None:
        pytest.skip("no C compiler, so programs start cold")
    plant = "import builtins, sys\nbuiltins.planted = 1\ndef f(x):\n    return 'statistics' in sys.modules\n"
    look = (
        "import builtins, gc\ndef f(x):\n    return [hasattr(builtins, 'planted'), b'planted' in "
        "gc.get_objects()]\n"
    )
    planted = run(local_sandbox.execute([function(str(n), plant + f"# {n}") for n in range(8)]))
    looked = run(local_sandbox.execute([function(str(n), look + f"# {n}") for n in range(8)]))
    assert {case.output for o in planted for case in o.cases} == {"b1"}
    assert {case.output for o in looked for case in o.cases} == {"l2 b0 b0"}


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "def f(x): return list({'one', 'two', 'three', 'four', 'five', 'six', 'seven'})"),
        (
            "perl",
            "sub f { my %h = map { $_ => 1 } qw(one two three four five six seven); join ' ', keys %h }",
        ),
    ],
)
def test_other_hashing_shows_what_hangs_on_the_order_of_hash_tables(
    local_sandbox: LocalSandbox, run: Run[Any], language: str, code: str
) -> None:
    need(language)
    usual = function("r", code).model_copy(update={"language": language})
    other = usual.model_copy(update={"other_hashing": True})
    first, again, varied = (run(local_sandbox.execute([each]))[0] for each in (usual, usual, other))
    assert first.cases[0].output == again.cases[0].output
    assert varied.cases[0].status == "returned" and varied.cases[0].output != first.cases[0].output


def test_programs_behind_a_slow_one_still_run(run: Run[Any]) -> None:
    """One of eight that went to a thread together takes so long that the thread gives the others back."""
    programs = [function(str(n), f"def f(x):\n    return {n}\n") for n in range(64)]
    programs[3] = function("slow", "def f(x):\n    while True: pass\n", cpu_s=1)
    sandbox = LocalSandbox(workers=2)
    try:
        observations = run(sandbox.execute(programs))
    finally:
        run(sandbox.close())
    assert [observation.request_id for observation in observations] == [program.id for program in programs]
    found = [observation.cases[0].output for observation in observations if observation.request_id != "slow"]
    assert found == [f"i{n}" for n in range(64) if n != 3]
    assert observations[3].stop is Stop.CPU


def test_one_refused_candidate_does_not_spoil_a_shared_build(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    bodies = [
        "return x + 1;",
        "return y;",
        "return x + 2;",
        'return std::string("a");',
        "throw 1;",
        "abort();",
    ]
    requests = [
        function(str(n), f"long long f(long long x) {{ {body} }}", cases=1, language="cpp")
        for n, body in enumerate(bodies)
    ]
    observations = run(local_sandbox.execute(requests))
    if observations[0].toolchain_missing:
        pytest.skip(observations[0].toolchain_missing)
    assert [o.phase for o in observations] == [
        Phase.RUN,
        Phase.COMPILE,
        Phase.RUN,
        Phase.COMPILE,
        Phase.RUN,
        Phase.RUN,
    ]
    assert [case.output for o in observations for case in o.cases] == ["i1", "i2", None, None]
    assert "'y' was not declared" in observations[1].stderr.head.replace("‘", "'").replace("’", "'")
    assert observations[5].signal == 6


def test_a_request_that_was_not_recorded_is_infrastructure(recorded_folder: Path, run: Run[Any]) -> None:
    sandbox = RecordedSandbox(recorded_folder)
    observation = run(sandbox.execute([function("new", "def f(x): return 'never recorded'")]))[0]
    assert "no recorded observation" in (observation.infrastructure or "")


def test_a_missing_folder_of_recordings_is_reported_at_the_start(tmp_path: Path, run: Run[Any]) -> None:
    sandbox = create_sandbox(RecordedSandboxConfig(path=str(tmp_path / "nothing")))
    with pytest.raises(SandboxError, match="must be in a folder that exists"):
        run(sandbox.start())


def test_the_key_of_a_request_leaves_out_its_id_and_nothing_else() -> None:
    base = function("a", "x")
    assert request_key(base) == request_key(base.model_copy(update={"id": "b"}))
    for change in (
        {"code": "y"},
        {"language": "java"},
        {"limits": Limits(cpu_s=1)},
        {"call": StdioCall(stdins=())},
        {"other_hashing": True},
    ):
        assert request_key(base) != request_key(base.model_copy(update=change))


def test_the_recipe_chooses_the_sandbox() -> None:
    assert isinstance(create_sandbox(LocalSandboxConfig(workers=3)), LocalSandbox)


def test_an_unexplained_kill_is_run_again() -> None:
    killed = Observation(request_id="r", language="python", phase=Phase.RUN, signal=9)
    assert is_doubtful(killed, Limits())
    assert not is_doubtful(killed.model_copy(update={"stop": Stop.MEMORY}), Limits())
    assert not is_doubtful(killed.model_copy(update={"signal": 11}), Limits())


@pytest.mark.parametrize(
    ("done", "stop", "cpu_s", "near"),
    [
        (9, Stop.CPU, 5.0, True),
        (0, Stop.CPU, 5.0, False),
        (0, Stop.WALL, 2.0, True),
        (0, Stop.WALL, 0.01, False),
        (10, Stop.NONE, 4.9, False),
    ],
)
def test_only_time_outs_that_the_machine_may_have_caused_are_run_again(
    done: int, stop: Stop, cpu_s: float, near: bool
) -> None:
    cases = tuple(CaseObservation(index=n, status="returned" if n < done else "missing") for n in range(10))
    observation = Observation(
        request_id="r", language="python", phase=Phase.RUN, stop=stop, cases=cases, cpu_s=cpu_s, wall_s=50.0
    )
    assert is_doubtful(observation, Limits()) is near


def test_programs_that_begin_at_once_all_find_the_driver_prepared(
    run: Run[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_toolchain("cpp") is None:
        pytest.skip(get_language("cpp").install)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sandbox = LocalSandbox(workers=2, minimum_level="B")
    codes = [f"#include <sys/stat.h>\nlong long f(long long x) {{ return x + {n}; }}" for n in range(2)]
    observations = run(
        sandbox.execute([function(str(n), code, cases=1, language="cpp") for n, code in enumerate(codes)])
    )
    run(sandbox.close())
    assert [case.output for o in observations for case in o.cases] == ["i0", "i1"], observations
