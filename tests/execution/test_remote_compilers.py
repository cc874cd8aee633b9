"""The resident compilers of a remote worker: CPU decides what takes too long. A stand-in for a compiler, in
the worker's own code."""

import subprocess
import sys
from pathlib import Path

import pytest

from synth.execution.observations import COMPILER_ATTEMPTS
from synth.execution.remote.bundle import worker_bundle

COMPILER = """
import os, struct, sys
def read(count):
    data = sys.stdin.buffer.read(count)
    if len(data) < count: raise SystemExit
    return data
while True:
    (files,) = struct.unpack(">i", read(4))
    texts = [read(*struct.unpack(">i", read(4))) for _ in range(2 * files)]
    if texts[1] == b"die": os.abort()
    if texts[1] == b"killed": os.kill(os.getpid(), 9)
    while texts[1] == b"spin": pass
    message = b"no: " + texts[1]
    os.write(1, struct.pack(">ii", -1, len(message)) + message)
"""
WORKER = f"""
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import slot
class Folders:
    server_uid = None
    def discard(self, folder): pass
    def fresh(self, room): return ""
    def shared_folder(self, key): return ""
mine = slot.SlotLoop(Folders(), {COMPILER_ATTEMPTS})
def compile(text, cpu_s=60, wall_s=60):
    server = [sys.executable, "-I", "-S", "-c", {COMPILER!r}]
    item = dict(server=server, files=dict(a=text), compile_env={{}}, shared="")
    item["compile_limits"] = dict(cpu_s=cpu_s, wall_s=wall_s, file_bytes=0)
    result, made = mine.compile(item)
    said = __import__("base64").b64decode(result["stderr"][0]).decode()
    print(result["exit_code"], said, result["infrastructure"], sep="|", flush=True)
def stop():
    for server in mine.servers.values(): os.kill(server.pid, signal.SIGSTOP)
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that is shipped."""
    path = tmp_path_factory.mktemp("worker") / "worker.pyz"
    path.write_bytes(worker_bundle())
    return path


def said(worker: Path, script: str) -> list[list[str]]:
    """What came of each compilation: exit code, messages, fault."""
    command = [sys.executable, "-c", WORKER + script, str(worker)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    return [line.split("|") for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("program", "limits", "words"),
    [
        ("die", "", "crashes on this program"),
        ("spin", ", cpu_s=0.6", "takes too long on this program: it was stopped after"),
    ],
)
def test_a_program_that_breaks_the_compiler_is_refused_and_the_next_one_is_not(
    program: str, limits: str, words: str, worker: Path
) -> None:
    refused, following = said(worker, f"compile({program!r}{limits})\ncompile('x')")
    assert refused[0] == "1" and words in refused[1] and refused[2] == "None"
    assert following == ["1", "no: x", "None"]


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_compiler_that_gets_no_time_says_nothing_of_the_program(size: int, worker: Path) -> None:
    first, stopped, following = said(
        worker, f"compile('x')\nstop()\ncompile('y' * {size}, wall_s=1)\ncompile('z')"
    )
    assert first[1] == "no: x" and following == ["1", "no: z", "None"]
    assert stopped[1] == "" and "the compiler had only 0.0 s of CPU in 1 s" in stopped[2]


def test_a_compiler_that_was_killed_says_nothing_of_the_program(worker: Path) -> None:
    killed, following = said(worker, "compile('killed')\ncompile('x')")
    assert killed[1:] == ["", "the compiler was killed, and no limit did it"]
    assert following == ["1", "no: x", "None"]
