"""A resident compiler that is at work is waited for a moment, and a slow program holds no other one up; CPU
decides what takes too long."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from synth.execution.isolation.process import ProcessSandbox
from synth.execution.programs.build import prepare_shared
from synth.execution.programs.compiler_pool import CompileServers
from synth.languages.registry import get_language
from synth.languages.spec import Driver
from synth.languages.toolchain import find_toolchain
from synth.records import Limits
from tests.languages.toolchains import need

SERVER = """
import os, struct, sys, time
out, name = sys.stdout.buffer, os.urandom(8)
def number(): return struct.unpack(">i", sys.stdin.buffer.read(4))[0]
def text(): return sys.stdin.buffer.read(number()).decode()
while True:
    files = {text(): text() for _ in range(number())}
    if files["what"] == "die": os._exit(1)
    if files["what"] == "killed": os.kill(os.getpid(), 9)
    while files["what"] == "never": pass
    time.sleep(float(files["what"]))
    out.write(struct.pack(">ii", 1, 4) + b"name" + struct.pack(">i", 8) + name)
    out.flush()
"""


Compile = Callable[[str], bytes | str]


@pytest.fixture
def servers(sandbox: ProcessSandbox) -> Iterator[CompileServers]:
    toolchain = find_toolchain("python")
    assert toolchain is not None
    with tempfile.TemporaryDirectory(
        prefix="codemill-tests-"
    ) as name:  # one that every user may enter, for level C
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "server.py").write_text(SERVER)
        driver = Driver(
            files=lambda *_: {},
            run_command=(),
            compile_server=("{python3}", "-I", "-S", "{shared}/server.py"),
        )
        made = CompileServers(sandbox, driver, toolchain, folder, {})
        yield made
        made.close()


@pytest.fixture
def compiler(servers: CompileServers) -> Compile:
    """One that takes so many seconds and gives the name of the process that did it, or the refusal."""

    def compile_one(what: str) -> bytes | str:
        build = servers.compile({"what": what})
        return build.files["name"] if build.files else build.refused[0]

    return compile_one


def stop_compilers(servers: CompileServers) -> list[int]:
    """Stop the idle compilers, and those of no other sandbox."""
    inits = [worker._running.supervision.init_pid for worker, _ in servers._idle]
    found = [process for init in inits for process in psutil.Process(init).children(recursive=True)]
    for process in found:
        process.suspend()
    return [process.pid for process in found]


def test_quick_programs_that_come_at_once_share_a_compiler(compiler: Compile) -> None:
    compiler("0")
    with ThreadPoolExecutor(3) as threads:  # on a busy machine a quick program may look like a slow one
        assert any(len(set(threads.map(compiler, ["0.01"] * 6))) == 1 for _ in range(5))


def test_a_slow_program_holds_no_other_one_up(compiler: Compile) -> None:
    compiler("0")
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(compiler, "5")
        time.sleep(0.05)
        quick = threads.submit(compiler, "0").result(4)
        assert not slow.done()
        assert quick != slow.result()


def test_a_program_that_kills_the_compiler_is_refused_and_the_next_one_is_not(compiler: Compile) -> None:
    assert "crashes" in str(compiler("die"))
    started = time.monotonic()
    assert isinstance(compiler("0"), bytes)
    assert time.monotonic() - started < 30


def test_a_compiler_that_was_killed_is_no_fault_of_the_program(
    servers: CompileServers, compiler: Compile
) -> None:
    build = servers.compile({"what": "killed"})
    assert "no limit did it" in str(build.infrastructure) and not build.refused
    assert isinstance(compiler("0"), bytes)


def test_a_compiler_at_work_while_all_are_closed_ends_then(servers: CompileServers) -> None:
    worker, served = servers._take()
    servers.close()
    servers._give(worker, served)
    assert not worker.alive and not servers._idle


def test_a_program_that_takes_too_much_cpu_is_refused_and_told_from_one_that_crashes(
    servers: CompileServers, compiler: Compile
) -> None:
    servers.limits = Limits(cpu_s=0.3, wall_s=600)
    assert "takes too long" in str(compiler("never"))
    assert "takes too long" not in str(compiler("die"))


def test_a_compiler_that_somebody_stopped_is_no_fault_of_the_program(
    servers: CompileServers, compiler: Compile
) -> None:
    before, usual = compiler("0"), servers.limits
    stopped = stop_compilers(servers)
    servers.limits = Limits(wall_s=0.2)
    build = servers.compile({"what": "0"})
    assert "s of CPU in 0.2 s" in str(build.infrastructure)
    assert not build.refused
    assert stopped and not [pid for pid in stopped if Path(f"/proc/{pid}").exists()]
    servers.limits = usual
    assert isinstance(after := compiler("0"), bytes)
    assert after != before


def test_a_javac_that_somebody_stopped_is_no_fault_of_the_program() -> None:
    need("java")
    language, toolchain = get_language("java"), find_toolchain("java")
    assert language.driver and toolchain
    shared = prepare_shared(language.driver, toolchain, "java")
    assert shared
    program = {"Solution.java": "class Solution { int f() { return 1; } }"}
    with ProcessSandbox() as sandbox:
        servers = CompileServers(sandbox, language.driver, toolchain, shared, language.environment)
        made, usual = servers.compile(program), servers.limits
        assert stop_compilers(servers)
        servers.limits = Limits(wall_s=0.2)
        assert servers.compile(program).infrastructure
        servers.limits = usual
        assert made.files and servers.compile(program) == made
        servers.close()
