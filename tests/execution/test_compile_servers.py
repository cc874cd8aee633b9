"""A resident compiler that is at work is waited for a moment, and a slow program holds no other one up."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synth.execution.compile_servers import CompileServers
from synth.execution.process import ProcessSandbox
from synth.languages.spec import Driver, find_toolchain

SERVER = """
import os, struct, sys, time
out, name = sys.stdout.buffer, os.urandom(8)
def number(): return struct.unpack(">i", sys.stdin.buffer.read(4))[0]
def text(): return sys.stdin.buffer.read(number()).decode()
while True:
    files = {text(): text() for _ in range(number())}
    if files["what"] == "die": os._exit(1)
    time.sleep(float(files["what"]))
    out.write(struct.pack(">ii", 1, 4) + b"name" + struct.pack(">i", 8) + name)
    out.flush()
"""


@pytest.fixture
def compiler(sandbox: ProcessSandbox) -> Iterator[Callable[[str], bytes | str]]:
    """One that takes so many seconds and gives the name of the process that did it, or the refusal."""
    toolchain = find_toolchain("python")
    assert toolchain is not None
    with tempfile.TemporaryDirectory(prefix="codemill-tests-") as name:  # one that every user may enter, for level C
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "server.py").write_text(SERVER)
        driver = Driver(files=lambda *_: {}, run_command=(), compile_server=("{python3}", "-I", "-S", "{shared}/server.py"))
        servers = CompileServers(sandbox, driver, toolchain, folder, {})

        def compile_one(what: str) -> bytes | str:
            build = servers.compile({"what": what})
            return build.files["name"] if build.files else build.refused[0]

        yield compile_one
        servers.close()


def test_quick_programs_that_come_at_once_share_a_compiler(compiler: Callable[[str], bytes | str]) -> None:
    compiler("0")
    with ThreadPoolExecutor(3) as threads:
        assert len(set(threads.map(compiler, ["0.01"] * 6))) == 1


def test_a_slow_program_holds_no_other_one_up(compiler: Callable[[str], bytes | str]) -> None:
    compiler("0")
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(compiler, "5")
        time.sleep(0.05)
        quick = threads.submit(compiler, "0").result(4)
        assert not slow.done()
        assert quick != slow.result()


def test_a_program_that_kills_the_compiler_is_refused_and_the_next_one_is_not(compiler: Callable[[str], bytes | str]) -> None:
    assert "crashes" in str(compiler("die"))
    started = time.monotonic()
    assert isinstance(compiler("0"), bytes)
    assert time.monotonic() - started < 3
