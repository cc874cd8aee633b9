"""The E2B backend on a server that stands in for the service and really executes: what goes wrong out there,
and what stays behind."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("e2b_code_interpreter", reason="the package e2b-code-interpreter is not installed")

from synth.config import E2bSandboxConfig as E2bConfig
from synth.errors import SandboxError
from synth.execution.remote.e2b_sandbox import E2bSandbox
from synth.execution.verdict import judge
from synth.languages.registry import get_language
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Observation,
    Outcome,
    Phase,
    ScriptCall,
    StdioCall,
    Stop,
    TestSuite,
)
from tests.builders import Run
from tests.execution.e2b_server import E2bServer, e2b_server, network_of, point_package_at

Open = Callable[..., E2bSandbox]
CORE = ("python", "javascript", "cpp", "java")
GOOD = "def f(x):\n    return x + 1\n"


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[E2bServer]:
    with e2b_server(tmp_path_factory.mktemp("e2b")) as server:
        yield server


@pytest.fixture
def server(shared_server: E2bServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[E2bServer]:
    point_package_at(shared_server, monkeypatch)
    yield shared_server
    shared_server.reset()


@pytest.fixture
def open_sandbox(server: E2bServer, run: Run[Any]) -> Iterator[Open]:
    """Sandboxes with short pauses. At the end each is closed, and then none may be left, nor any process of
    one."""
    opened: list[E2bSandbox] = []

    # fields of the config
    def open_one(silence_s: float = 20.0, **fields: Any) -> E2bSandbox:  # noqa: ANN401
        opened.append(E2bSandbox(E2bConfig(backoff_s=0.01, **fields), silence_s=silence_s))
        return opened[-1]

    yield open_one
    server.proxy.heal()
    server.faults.kills.clear()
    for sandbox in opened:
        run(sandbox.close())
    assert not server.machines
    assert not living(server)
    server.ended.clear()


def living(server: E2bServer) -> list[int]:
    """What still runs of all sandboxes that have ended, two seconds after the last kill at most."""
    spaces = {space for machine in server.ended for space in machine.spaces}
    deadline = time.monotonic() + 2
    while (
        found := [pid for pid in psutil.pids() if network_of(pid) in spaces]
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def function(
    identity: str, code: str = GOOD, cases: int = 1, language: str = "python", **limits: float
) -> ExecutionRequest:
    call = FunctionCall(
        entry_point="f", signature="(int) -> int", arguments=tuple((f"i{n}",) for n in range(cases))
    )
    return ExecutionRequest(
        id=identity, language=language, code=code, call=call, limits=Limits.model_validate(limits)
    )


def outputs(observations: list[Observation]) -> list[str | None]:
    return [o.infrastructure or (o.cases[0].output if o.cases else o.phase.value) for o in observations]


def faulty(observations: list[Observation]) -> list[str]:
    return [o.infrastructure for o in observations if o.infrastructure]


def after(seconds: float, what: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, what)
    timer.start()
    return timer


# --- what works ---


def test_the_gold_programs_pass_by_driver_shared_header_and_resident_compiler(
    open_sandbox: Open, run: Run[Any]
) -> None:
    golds = {name: gold for name in CORE if (gold := get_language(name).gold) is not None}
    requests = [
        ExecutionRequest(
            id=name,
            language=name,
            code=gold.code,
            call=FunctionCall(
                entry_point=gold.entry_point, signature=gold.signature, arguments=(gold.arguments,)
            ),
        )
        for name, gold in golds.items()
    ]
    observations = [o for o in run(open_sandbox().execute(requests)) if o.toolchain_missing is None]
    assert "python" in {o.language for o in observations}
    assert {o.language: outputs([o]) for o in observations} == {
        o.language: [golds[o.language].expected] for o in observations
    }
    assert all(o.toolchain.startswith(o.language) and o.level.startswith("e2b") for o in observations)


def test_every_hello_reads_stdin_and_a_missing_toolchain_is_named(open_sandbox: Open, run: Run[Any]) -> None:
    call = StdioCall(stdins=("1 2 3\n", "4 5\n"))
    languages = [get_language(name) for name in (*CORE, "c", "bash", "perl", "dart")]
    requests = [
        ExecutionRequest(id=one.name, language=one.name, code=one.hello, call=call) for one in languages
    ]
    for one, observation in zip(languages, run(open_sandbox().execute(requests)), strict=True):
        if observation.toolchain_missing is None:
            assert [(case.output or "").strip() for case in observation.cases] == ["6", "9"], (
                f"{one.name}: {observation}"
            )
        else:
            assert observation.toolchain_missing == one.install


def test_scripts_count_only_when_their_end_was_reached(open_sandbox: Open, run: Run[Any]) -> None:
    scripts = {
        "bash": ("x=1\n", '[ "$x" = 1 ] || exit 1', "exit 0"),
        "python": ("x = 1\n", "assert x == 1", "import os; os._exit(0)"),
    }
    requests = [
        ExecutionRequest(id=f"{name} {n}", language=name, code=code, call=ScriptCall(script=script))
        for name, (code, good, early) in scripts.items()
        for n, script in enumerate((good, early))
    ]
    observations = run(open_sandbox().execute(requests))
    assert [(o.infrastructure, o.finished) for o in observations] == [(None, True), (None, False)] * 2


def test_limits_hold_inside(open_sandbox: Open, run: Run[Any]) -> None:
    programs = {
        Outcome.TIMEOUT: function("cpu", "def f(x):\n    while True: pass\n", cpu_s=0.5),
        Outcome.MEMORY_LIMIT: function(
            "memory", "def f(x):\n    return len(bytearray(1 << 30))\n", memory_mb=128
        ),
        Outcome.OUTPUT_LIMIT: function(
            "output", "def f(x):\n    while True: print('x' * 1000)\n", output_bytes=100_000
        ),
    }
    contract = FunctionContract(entry_point="f", signature="(int) -> int")
    suite = TestSuite(
        task_id="t",
        contract=contract,
        cases=(Case(arguments=("i0",), expected="i1"),),
        rank=EvidenceRank.EXAMPLES,
    )
    observations = run(open_sandbox().execute(list(programs.values())))
    assert [judge(o, suite, "s").outcome for o in observations] == list(programs)


def test_wall_time_ends_a_sleeper(open_sandbox: Open, run: Run[Any]) -> None:
    slept = run(
        open_sandbox().execute(
            [function("s", "import time\ndef f(x):\n    time.sleep(60)\n", cpu_s=1, wall_s=1)]
        )
    )[0]
    assert (slept.infrastructure, slept.stop) == (None, Stop.WALL)


def test_a_daemon_is_gone_when_its_program_is(open_sandbox: Open, run: Run[Any]) -> None:
    mark = f"sleeper_{os.getpid()}"
    daemon = f"""import os, time
def f(x):
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, str(os.getpid()).encode())
            os.closerange(0, 3)
            os.execv("/bin/sleep", ["{mark}", "100"])
        os._exit(0)
    pid = int(os.read(read, 20))
    while "{mark}" not in open(f"/proc/{{pid}}/cmdline").read():
        time.sleep(0.01)
    return 1
"""
    sandbox = open_sandbox()
    assert outputs(run(sandbox.execute([function("d", daemon)]))) == ["i1"]
    assert not [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or ())]


def test_programs_in_one_sandbox_see_nothing_of_each_other(open_sandbox: Open, run: Run[Any]) -> None:
    sandbox = open_sandbox(concurrency=1)
    run(sandbox.start())
    if sandbox.level != "e2b":
        pytest.skip("without root inside, programs cannot be kept apart, which the level says")
    plant = (
        "def f(x):\n    for p in ('/tmp/p', '/var/tmp/p', '/dev/shm/p', 'p'):\n        open(p, "
        "'w').write('1')\n    return 1\n"
    )
    look = (
        "import os\ndef f(x):\n    return sum(os.path.exists(p) for p in ('/tmp/p', '/var/tmp/p', "
        "'/dev/shm/p', 'p'))\n"
    )
    assert set(outputs(run(sandbox.execute([function(str(n), plant) for n in range(4)])))) == {"i1"}
    assert set(outputs(run(sandbox.execute([function(str(n), look) for n in range(4)])))) == {"i0"}


def test_a_program_is_a_user_of_its_own_and_reaches_neither_network_nor_worker(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(concurrency=1)
    run(sandbox.start())
    if sandbox.level != "e2b":
        pytest.skip("without root inside, programs cannot be kept apart, which the level says")
    (machine,) = server.machines.values()
    port = server.proxy.port
    probe = f"""import os, socket
def reached(what):
    try:
        what()
        return 1
    except OSError:
        return 0
def f(x):
    above = os.getppid()
    tries = [
        lambda: socket.create_connection(("127.0.0.1", {port}), 1),
        lambda: os.kill(above, 0),
        lambda: os.open(f"/proc/{{above}}/fd/1", os.O_WRONLY),
        lambda: os.listdir(f"/proc/{{above}}/fd"),
        lambda: open(f"/proc/{{above}}/environ").read(),
        lambda: os.setuid(0),
        lambda: os.listdir({str(machine.home)!r}),
    ]
    return sum(reached(one) << n for n, one in enumerate(tries)) + 1000 * (os.getuid() == 0)
"""
    assert machine.internet is False
    assert outputs(run(sandbox.execute([function("p", probe)]))) == ["i0"]


def test_odd_programs_get_an_observation(open_sandbox: Open, run: Run[Any]) -> None:
    codes = [
        "",
        "\0",
        "def f(x): return '\ud800' and x",
        "#" * (5 << 20),
        "def f(x): return " + "(" * 5000,
        "\ufeffdef f(x): return x",
    ]
    observations = run(open_sandbox().execute([function(str(n), code) for n, code in enumerate(codes)]))
    assert [o.infrastructure for o in observations] == [None] * len(codes)
    assert [o.finished for o in observations] == [False, False, False, False, False, True]


def test_many_programs_go_in_few_calls_and_keep_their_order(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(batch_size=50, concurrency=2)
    run(sandbox.start())
    before = server.counts["start"]
    observations = run(
        sandbox.execute([function(str(n), f"def f(x):\n    return {n}\n") for n in range(100)])
    )
    assert outputs(observations) == [f"i{n}" for n in range(100)]
    assert server.counts["start"] - before == 2


def test_of_batches_that_wait_the_lowest_turn_goes_first(open_sandbox: Open, run: Run[Any]) -> None:
    sandbox = open_sandbox(batch_size=1, concurrency=1)
    done: list[int] = []

    async def execute(turn: int) -> None:
        await sandbox.execute([function(f"t{turn}", f"{GOOD}# {turn}")], turn)
        done.append(turn)

    async def all_turns() -> None:
        await sandbox.start()
        first = asyncio.create_task(execute(9))
        await asyncio.sleep(0.1)
        await asyncio.gather(first, *(execute(turn) for turn in (5, 3, 4)))

    run(all_turns())
    assert done == [9, 3, 4, 5]


def test_the_package_in_debug_mode_needs_no_key_and_no_control_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run[Any]
) -> None:
    for name in ("E2B_API_URL", "E2B_SANDBOX_URL", "E2B_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("E2B_DEBUG", "true")
    if any(c.laddr and c.laddr.port == 49983 for c in psutil.net_connections("tcp")):
        pytest.skip("port 49983 is in use")
    with e2b_server(tmp_path, port=49983) as server:
        sandbox = E2bSandbox(E2bConfig(concurrency=2, batch_size=2))
        observations = run(sandbox.execute([function(str(n)) for n in range(6)]))
        run(sandbox.close())
        assert outputs(observations) == ["i1"] * 6
        assert set(server.counts) == {"write", "start"}


# --- what goes wrong ---


def test_live_sandboxes_never_exceed_the_limit_also_while_some_are_lost(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(concurrency=3, batch_size=2)
    run(sandbox.start())
    lose = [after(0.2 * n, lambda: server.lose(next(iter(server.machines), ""))) for n in (1, 2)]
    code = "import time\ndef f(x):\n    time.sleep(0.2)\n    return x + 1\n"
    observations = run(sandbox.execute([function(str(n), f"{code}# {n}") for n in range(24)]))
    for timer in lose:
        timer.join()
    assert outputs(observations) == ["i1"] * 24
    assert server.counts["create"] > 3
    assert server.most_live == 3


def test_a_smaller_quota_than_the_recipe_says_is_lived_with(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    server.faults.most_live = 1
    sandbox = open_sandbox(concurrency=4, batch_size=2)
    assert outputs(run(sandbox.execute([function(str(n), f"{GOOD}# {n}") for n in range(16)]))) == ["i1"] * 16
    assert server.most_live == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_rate_limit_is_waited_for(
    open_sandbox: Open, server: E2bServer, run: Run[Any], status: int
) -> None:
    server.faults.creates.extend([status] * 3)
    server.faults.starts.extend([429])
    assert outputs(run(open_sandbox().execute([function("a")]))) == ["i1"]
    assert server.counts["create"] == 4


def test_a_rate_limit_that_stays_is_said_and_leaves_nothing(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    server.faults.creates.extend([429] * 100)
    with pytest.raises(SandboxError, match="could not start a sandbox"):
        run(open_sandbox(max_retries=2).start())
    assert server.counts["create"] < 20


def test_a_rate_limit_in_the_middle_that_stays_is_infrastructure(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(max_retries=2, concurrency=1)
    run(sandbox.start())
    server.faults.starts.extend([429] * 100)
    observations = run(sandbox.execute([function(str(n)) for n in range(3)]))
    assert all("Rate limit" in words for words in faulty(observations))
    assert len(faulty(observations)) == 3
    server.faults.starts.clear()
    assert outputs(run(sandbox.execute([function("again")]))) == ["i1"]


def test_a_key_that_is_refused_stops_the_start_at_once(
    server: E2bServer, monkeypatch: pytest.MonkeyPatch, run: Run[Any]
) -> None:
    monkeypatch.setenv("MY_KEY", "e2b_" + "1" * 40)
    with pytest.raises(SandboxError, match="put a valid key into MY_KEY"):
        run(E2bSandbox(E2bConfig(api_key_env="MY_KEY")).start())
    assert server.counts["create"] == 1


def test_a_missing_key_or_package_is_said_before_anything_is_asked(
    server: E2bServer, monkeypatch: pytest.MonkeyPatch, run: Run[Any]
) -> None:
    monkeypatch.delenv("E2B_API_KEY")
    with pytest.raises(SandboxError, match="export E2B_API_KEY="):
        run(E2bSandbox(E2bConfig()).start())
    monkeypatch.setitem(sys.modules, "e2b_code_interpreter", None)
    with pytest.raises(SandboxError, match=r"pip install 'codemill\[e2b\]'"):
        run(E2bSandbox(E2bConfig()).start())
    assert not server.counts


def test_a_template_that_does_not_exist_is_named(open_sandbox: Open, run: Run[Any]) -> None:
    with pytest.raises(SandboxError, match="no-such-template"):
        run(open_sandbox(template="no-such-template").start())


def test_a_connection_that_closes_in_the_middle_loses_no_answer(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(concurrency=1)
    run(sandbox.start())
    cut = after(0.7, server.proxy.cut)
    code = "import time\ndef f(x):\n    time.sleep(0.3)\n    return x + 1\n"
    observations = run(sandbox.execute([function(str(n), f"{code}# {n}") for n in range(8)]))
    cut.join()
    assert outputs(observations) == ["i1"] * 8
    assert server.counts["create"] >= 2
    assert server.most_live == 1


def test_a_server_that_dies_makes_infrastructure_and_no_label(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(concurrency=1, max_retries=1)
    run(sandbox.start())
    die = after(0.5, server.proxy.die)
    slow = "import time\ndef f(x):\n    time.sleep(1)\n    return x\n"
    observations = run(sandbox.execute([function(str(n), f"{slow}# {n}") for n in range(6)]))
    die.join()
    assert len(faulty(observations)) >= 4
    assert all(o.infrastructure or o.finished for o in observations)
    assert sandbox.level.startswith("e2b")


def test_a_sandbox_that_hangs_is_given_up_after_its_silence(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(silence_s=6.0, concurrency=1)
    run(sandbox.start())
    timers = [after(0.3, server.proxy.hold), after(8.0, server.proxy.heal)]
    code = "import time\ndef f(x):\n    time.sleep(0.6)\n    return x + 1\n"
    observations = run(sandbox.execute([function(str(n), f"{code}# {n}") for n in range(2)]))
    for timer in timers:
        timer.join()
    assert outputs(observations) == ["i1"] * 2
    assert server.counts["create"] >= 2


def test_a_long_program_is_no_silence(open_sandbox: Open, server: E2bServer, run: Run[Any]) -> None:
    sandbox = open_sandbox(silence_s=6.0)
    code = "import time\ndef f(x):\n    time.sleep(8)\n    return x + 1\n"
    assert outputs(run(sandbox.execute([function("slow", code)]))) == ["i1"]
    assert server.counts["create"] == 1


def test_a_sandbox_whose_making_was_not_answered_is_found_and_killed(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    server.faults.lose_next_create = True
    sandbox = open_sandbox(concurrency=1)
    assert outputs(run(sandbox.execute([function("a")]))) == ["i1"]
    assert server.counts["create"] == 2
    assert len(server.machines) == 1


def test_a_kill_that_is_refused_is_asked_again(open_sandbox: Open, server: E2bServer, run: Run[Any]) -> None:
    sandbox = open_sandbox()
    run(sandbox.start())
    server.faults.kills.extend([500, 429])
    run(sandbox.close())
    assert not server.machines
    assert server.counts["kill"] == 3


def test_closing_in_the_middle_kills_what_runs(open_sandbox: Open, server: E2bServer, run: Run[Any]) -> None:
    sandbox = open_sandbox(concurrency=2, batch_size=4)
    code = "import time\ndef f(x):\n    time.sleep(30)\n"

    async def close_soon() -> list[Observation]:
        await sandbox.start()
        work = asyncio.create_task(sandbox.execute([function(str(n), f"{code}# {n}") for n in range(16)]))
        await asyncio.sleep(1.0)
        await sandbox.close()
        return await work

    observations = run(close_soon())
    assert len(faulty(observations)) == 16
    assert not server.machines


def test_a_cancelled_run_leaves_no_sandbox_at_work(
    open_sandbox: Open, server: E2bServer, run: Run[Any]
) -> None:
    sandbox = open_sandbox(concurrency=2, batch_size=1)
    code = "import time\ndef f(x):\n    time.sleep(30)\n"

    async def cancel() -> None:
        work = asyncio.create_task(sandbox.execute([function(str(n), f"{code}# {n}") for n in range(4)]))
        await asyncio.sleep(2.0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    run(cancel())
    assert outputs(run(sandbox.execute([function("again")]))) == ["i1"]
    assert server.most_live <= 2


def test_compile_errors_come_back_as_such(open_sandbox: Open, run: Run[Any]) -> None:
    observations = run(
        open_sandbox().execute(
            [
                function(code, code, language="cpp")
                for code in ("int f(int x) { return y; }", "int f(int x) {")
            ]
        )
    )
    if observations[0].toolchain_missing:
        pytest.skip(observations[0].toolchain_missing)
    assert [o.phase for o in observations] == [Phase.COMPILE, Phase.PARSE]
    assert "was not declared" in observations[0].stderr.head
