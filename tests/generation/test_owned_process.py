"""A process that codemill owns never outlives it, and takes its own children with it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from synth.generation.owned_process import OwnedProcess

FAMILY = """
import os, subprocess, sys, time
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
child = subprocess.Popen([sys.executable, "-c", stubborn])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(300)
"""

OWNER = """
import asyncio, sys
from pathlib import Path
from synth.generation.owned_process import OwnedProcess

async def main():
    command = [sys.executable, "-c", sys.argv[1], sys.argv[2]]
    process = OwnedProcess(command, log=Path(sys.argv[3]), environment={})
    await process.start()
    await asyncio.sleep(300)

asyncio.run(main())
"""


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def test_the_whole_family_ends_when_its_owner_is_killed_with_9(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, FAMILY, str(pids), str(tmp_path / "log")])
    assert wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    family = [int(pid) for pid in pids.read_text().split()]
    assert all(map(is_alive, family))
    owner.kill()
    owner.wait()
    assert wait_for(lambda: not any(map(is_alive, family)))


def test_end_also_kills_a_child_that_ignores_sigterm(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def work() -> list[int]:
        process = OwnedProcess(
            [sys.executable, "-c", FAMILY, str(pids)], log=tmp_path / "log", environment={}
        )
        await process.start()
        await asyncio.to_thread(wait_for, lambda: pids.exists() and len(pids.read_text().split()) == 2)
        family = [int(pid) for pid in pids.read_text().split()]
        assert all(map(is_alive, family))
        await process.end()
        await process.end()
        return family

    family = asyncio.run(work())
    assert wait_for(lambda: not any(map(is_alive, family)), 5)


def test_the_exit_code_and_the_log_are_those_of_the_command(tmp_path: Path) -> None:
    async def work() -> tuple[int | None, str]:
        command = [
            sys.executable,
            "-c",
            "import sys; print('out'); print('bad end', file=sys.stderr); "
            "print('nanobind: leaked 2 types!', ' - leaked type x', sep=chr(10)); sys.exit(7)",
        ]
        process = OwnedProcess(command, log=tmp_path / "log", environment={})
        await process.start()
        while process.exit_code is None:
            await asyncio.sleep(0.02)
        return process.exit_code, process.log_tail()

    code, tail = asyncio.run(work())
    assert code == 7
    assert set(tail.splitlines()) == {"out", "bad end"}


def test_a_piped_process_answers_line_by_line_and_its_end_is_noticed(tmp_path: Path) -> None:
    async def work() -> list[bytes]:
        command = [sys.executable, "-c", "print(input()[::-1]); print(input()[::-1], flush=True)"]
        process = OwnedProcess(
            command, log=tmp_path / "log", environment={"PYTHONUNBUFFERED": "1"}, piped=True
        )
        await process.start()
        answers = [await process.ask(b"abc"), await process.ask(b"xyz")]
        with pytest.raises(EOFError, match="exit code 0"):
            await process.ask(b"more")
        await process.end()
        return answers

    assert asyncio.run(work()) == [b"cba\n", b"zyx\n"]


def test_a_piped_process_that_is_killed_ends_the_question_at_once_with_its_exit_code(tmp_path: Path) -> None:
    async def work() -> float:
        command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(300)"]
        process = OwnedProcess(command, log=tmp_path / "log", environment={}, piped=True)
        await process.start()
        pid, question = int(await process.ask(b"")), asyncio.create_task(process.ask(b""))
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        started = time.monotonic()
        with pytest.raises(EOFError, match="exit code 137"):
            await question
        await process.end()
        return time.monotonic() - started

    assert asyncio.run(work()) < 2


def test_the_users_keys_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-decoy-0123456789")

    async def work() -> bytes:
        command = [sys.executable, "-c", "import os; input(); print('OPENAI_API_KEY' in os.environ)"]
        process = OwnedProcess(command, log=tmp_path / "log", environment={}, piped=True)
        await process.start()
        answer = await process.ask(b"")
        await process.end()
        return answer

    assert asyncio.run(work()) == b"False\n"


def test_the_environment_is_passed_on(tmp_path: Path) -> None:
    async def work() -> bytes:
        command = [sys.executable, "-c", "import os; input(); print(os.environ['MARK'])"]
        process = OwnedProcess(command, log=tmp_path / "log", environment={"MARK": "here"}, piped=True)
        await process.start()
        answer = await process.ask(b"")
        await process.end()
        return answer

    assert asyncio.run(work()) == b"here\n"
    assert "MARK" not in os.environ
