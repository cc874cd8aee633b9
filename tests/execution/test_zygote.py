"""Programs forked by a zygote inside a worker: each in namespaces of its own, behind the same filter."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from synth.execution.isolation.job import Job, JobResult
from synth.execution.isolation.launcher.zygote import zygote_files
from synth.execution.isolation.process import ProcessSandbox
from synth.execution.programs.zygote_pool import WarmWorkers
from synth.languages.spec import Zygote
from synth.languages.toolchain import Toolchain
from synth.records import Limits, Stop

ZYGOTE = """
import ctypes, os, sys
kept = "loaded once"
ctypes.PyDLL("/work/libzygote.so").codemill_serve()
ctypes.pythonapi.PyOS_AfterFork_Child()
try:
    exec(compile(open("program.py").read(), "program", "exec"), {"__name__": "__main__", "kept": kept})
    sys.stdout.flush()
    os._exit(0)
except BaseException as error:
    print(type(error).__name__, error, flush=True)
    os._exit(1)
"""
PYTHON = Toolchain({"python": os.path.realpath(sys.executable)}, "", "", (sys.base_prefix,))


@dataclass
class Zygotes:
    """Zygotes of that little Python, and a short way to run a program in one."""

    workers: WarmWorkers

    def run(self, code: str, stdin: bytes = b"", **limits: float) -> JobResult:
        result = self.run_or_doubt(code, stdin, **limits)
        assert result is not None, "the program could not be set up"
        return result

    def run_or_doubt(self, code: str, stdin: bytes = b"", **limits: float) -> JobResult | None:
        files = {"program.py": code.encode(), "input.txt": b"given"}
        return self.workers.run(Job(("none",), files, stdin, Limits(**limits), {}, private_channel=True))

    @property
    def counts(self) -> bool:
        """Whether the kernel counts what a program uses."""
        return self.workers._sandbox.level == "A"

    def ends_by_memory(self, code: str, **limits: float) -> bool:
        """Without an account a zygote cannot know, and leaves the program to a cold start."""
        result = self.run_or_doubt(code, b"", **limits)
        return result is not None and result.stop is Stop.MEMORY if self.counts else result is None

    def text(self, code: str, **limits: float) -> str:
        result = self.run(code, b"", **limits)
        return (result.stdout.data + result.stderr.data).decode()


@pytest.fixture(scope="module", params=["A", "B"])
def zygotes(request: pytest.FixtureRequest) -> Iterator[Zygotes]:
    if zygote_files() is None:
        pytest.skip("no C compiler")
    zygote = Zygote({"zygote.py": ZYGOTE}, ("{python}", "-I", "/work/zygote.py"))
    with ProcessSandbox(highest_level=request.param) as sandbox:
        workers = WarmWorkers(sandbox, zygote, PYTHON, {"LANG": "C.UTF-8"})
        yield Zygotes(workers)
        workers.close()


def test_a_program_sees_only_itself_and_its_files(zygotes: Zygotes) -> None:
    code = """
import os
pids = sorted(int(n) for n in os.listdir('/proc') if n.isdigit())
print(os.getpid(), os.getuid(), pids, sorted(os.listdir('/work')), os.listdir('/tmp'))
print(sorted(os.listdir('/proc/self/fd')), open('/work/input.txt').read())
"""
    processes_and_files = "2 1000 [1, 2] ['input.txt', 'program.py'] []"
    descriptors = "['0', '1', '2', '3', '4'] given"
    assert zygotes.text(code) == f"{processes_and_files}\n{descriptors}\n"


def test_a_program_has_no_capability_and_the_strict_filter(zygotes: Zygotes) -> None:
    code = """
kept = ('Cap', 'NoNew', 'Seccomp:')
print([l.split()[1] for l in open('/proc/self/status') if l.startswith(kept)])
"""
    assert zygotes.text(code).strip() == str(["0" * 16] * 5 + ["1", "2"])


@pytest.mark.parametrize(
    ("name", "call"),
    [("unshare", "unshare(0x10000000)"), ("mount", "mount(b'x', b'/work', b'tmpfs', 0, None)")],
)
def test_a_forbidden_call_of_a_program_is_a_violation_and_the_zygote_lives(
    zygotes: Zygotes, name: str, call: str
) -> None:
    result = zygotes.run(
        f"import ctypes\nprint('before', flush=True)\nctypes.CDLL(None).{call}\nprint('after')"
    )
    assert (result.stdout.data, result.violation, result.signal, result.stop) == (
        b"before\n",
        name,
        9,
        Stop.VIOLATION,
    )
    assert zygotes.text("print('alive')") == "alive\n"


def test_nothing_passes_from_one_program_to_the_next(zygotes: Zygotes) -> None:
    planting = """
import os, builtins, time
builtins.planted = 1
open('/work/left', 'w'); open('/tmp/left', 'w')
if os.fork() == 0:
    os.setsid(); time.sleep(100)
"""
    assert zygotes.run(planting).exit_code == 0
    code = """
import os, builtins
pids = [name for name in os.listdir('/proc') if name.isdigit()]
print(hasattr(builtins, 'planted'), sorted(os.listdir('/work')), os.listdir('/tmp'), len(pids))
"""
    assert zygotes.text(code).strip() == "False ['input.txt', 'program.py'] [] 2"


def test_the_zygote_cannot_be_killed_or_seen(zygotes: Zygotes) -> None:
    code = (
        "import os\nfor pid in (1, -1, os.getppid()):\n"
        "    try: os.kill(pid, 9)\n    except OSError as e: "
        "print(e.strerror)"
    )
    zygotes.run(code)
    assert zygotes.text("print('alive')") == "alive\n"


def test_ends_are_reported_as_they_are(zygotes: Zygotes) -> None:
    assert zygotes.run("import os\nos.abort()").signal == 6
    assert zygotes.run("import os\nos._exit(7)").exit_code == 7
    assert zygotes.run("while True: pass", cpu_s=0.5).signal in {9, 24}


def test_limits_hold_for_each_program(zygotes: Zygotes) -> None:
    if zygotes.counts:  # as in a cold start: the kernel ends it
        endless = zygotes.run("b = []\nwhile True: b.append(b'x' * (1 << 20))", memory_mb=96)
        assert endless.stop is Stop.MEMORY
    else:
        assert zygotes.text("b'x' * (2 << 30)", memory_mb=96).startswith("MemoryError")
    bomb = (
        "import os, time\nn = 0\ntry:\n    while True:\n"
        "        if os.fork() == 0: time.sleep(60)\n        "
        "n += 1\nexcept OSError: print(n)"
    )
    assert zygotes.text(bomb, processes=10).strip() == "9"
    assert "File too large" in zygotes.text(
        "f = open('/work/f', 'wb', 0)\nfor _ in range(100): f.write(b'x' * 100000)", file_bytes=1 << 20
    )


def test_cpu_time_of_a_program_is_its_own(zygotes: Zygotes) -> None:
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    assert 0.3 <= zygotes.run(burn).cpu_s < 1
    assert zygotes.run("pass").cpu_s < 0.2


def test_the_zygote_stops_what_goes_beyond_its_limits(zygotes: Zygotes) -> None:
    assert zygotes.run("while True: print('x' * 10000)", output_bytes=100_000).stop is Stop.OUTPUT
    assert zygotes.run("while True: pass", cpu_s=0.3).stop is Stop.CPU
    assert zygotes.run("import time\ntime.sleep(60)", wall_s=0.3).stop is Stop.WALL
    spread = "import os, time\nfor _ in range(4): os.fork()\nb = b'x' * (30 << 20)\ntime.sleep(30)"
    assert zygotes.ends_by_memory(spread, memory_mb=128)


def test_long_output_and_long_input_come_through_whole(zygotes: Zygotes) -> None:
    result = zygotes.run(
        "import sys\nsys.stdout.write(sys.stdin.read())", stdin=b"0123456789" * 300_000, output_bytes=1 << 22
    )
    assert result.stdout.data == b"0123456789" * 300_000
    assert zygotes.text("print('short again')") == "short again\n"


def test_a_program_sees_nothing_of_the_one_before(zygotes: Zygotes) -> None:
    secret = b"a-secret-of-the-first-" * 10
    zygotes.run("import sys\nprint(sys.stdin.read())", stdin=secret)
    search = """
found = 0
for line in open('/proc/self/maps'):
    span, rights = line.split()[:2]
    start, end = (int(part, 16) for part in span.split('-'))
    if 'r' in rights and not line.rstrip().endswith(('[vvar]', '[vsyscall]', '[vvar_vclock]')):
        with open('/proc/self/mem', 'rb', 0) as memory:
            memory.seek(start)
            try: found += memory.read(end - start).count(bytes(reversed(b'tsrif-eht-fo-terces-a')))
            except OSError: pass
print(found)
"""
    assert zygotes.text(search, memory_mb=512) == "0\n"


def test_a_program_has_a_channel_only_where_its_job_has_one(zygotes: Zygotes) -> None:
    job = Job(
        ("none",),
        {"program.py": b"import os\nprint(sorted(os.listdir('/proc/self/fd')))"},
        None,
        Limits(),
        {},
    )
    result = zygotes.workers.run(job)
    assert result is not None
    assert result.stdout.data == b"['0', '1', '2', '3']\n"


def test_zygotes_of_other_commands_serve_beside_each_other(zygotes: Zygotes) -> None:
    workers = WarmWorkers(
        zygotes.workers._sandbox, Zygote({"zygote.py": ZYGOTE}, serves_itself=True), PYTHON, {}
    )
    python = PYTHON.tools["python"]
    for wanted in ("-I", "-S", "-I"):
        job = Job(
            (python, wanted, "/work/zygote.py"),
            {"program.py": b"import sys\nprint(sys.flags.isolated)"},
            None,
            Limits(),
            {},
        )
        result = workers.run(job)
        assert result is not None
        assert result.stdout.data == (b"1\n" if wanted == "-I" else b"0\n")
    assert len(workers._idle) == 2
    workers.close()


def test_a_zygote_that_dies_is_replaced(zygotes: Zygotes) -> None:
    zygotes.run("pass")
    serving = zygotes.workers._idle[-1]
    serving.worker.kill()
    serving.worker.wait(10)
    job = Job(("none",), {"program.py": b"print('alive')"}, None, Limits(), {})
    assert zygotes.workers.run(job) is None
    assert zygotes.text("print('alive')") == "alive\n"


HOLDING = """
import ctypes, os, threading, time
lock = threading.Lock()
def hold():
    with lock: time.sleep(0.3)
threading.Thread(target=hold).start()
while not lock.locked(): time.sleep(0.001)
ctypes.CDLL("/work/libzygote.so").codemill_serve()
print(lock.acquire(timeout=1), flush=True)
os._exit(0)
"""


def test_a_zygote_waits_for_its_last_other_thread_with_the_locks_it_holds(zygotes: Zygotes) -> None:
    workers = WarmWorkers(
        zygotes.workers._sandbox,
        Zygote({"zygote.py": HOLDING}, ("{python}", "-I", "/work/zygote.py")),
        PYTHON,
        {},
    )
    result = workers.run(Job(("none",), {}, None, Limits(), {}))
    workers.close()
    assert result is not None
    assert result.stdout.data == b"True\n"


ALIVE = Job(("none",), {"program.py": b"print('alive')"}, None, Limits(), {})


def never_serving(zygotes: Zygotes) -> WarmWorkers:
    zygote = Zygote({"zygote.py": "raise SystemExit(1)"}, ("{python}", "/work/zygote.py"))
    return WarmWorkers(zygotes.workers._sandbox, zygote, PYTHON, {})


def test_zygotes_that_never_serve_are_given_up_after_three(zygotes: Zygotes) -> None:
    broken = never_serving(zygotes)
    for _ in range(3):
        assert broken._files is not None
        assert broken.run(ALIVE) is None
    assert broken._files is None
    assert zygotes.text("print('alive')") == "alive\n"


def test_threads_that_meet_zygotes_that_never_serve_all_run_cold(zygotes: Zygotes) -> None:
    broken = never_serving(zygotes)

    def run_after(number: int) -> JobResult | None:
        time.sleep(number / 1000)
        return broken.run(ALIVE)

    with ThreadPoolExecutor(64) as threads:  # one of them is on its way when the first gives up
        assert list(threads.map(run_after, range(64))) == [None] * 64


def test_a_zygote_that_serves_while_its_workers_are_closed_ends_then(zygotes: Zygotes) -> None:
    workers = WarmWorkers(
        zygotes.workers._sandbox, Zygote({"zygote.py": ZYGOTE}, ("{python}", "/work/zygote.py")), PYTHON, {}
    )
    assert workers._files is not None
    serving = workers._take(workers._files, workers._argv, channel=False)
    workers.close()
    workers._give(serving)
    assert not serving.worker.alive and not workers._idle


def test_a_zygote_that_ended_before_it_served_is_replaced(zygotes: Zygotes) -> None:
    workers = WarmWorkers(
        zygotes.workers._sandbox, Zygote({"zygote.py": ZYGOTE}, ("{python}", "/work/zygote.py")), PYTHON, {}
    )
    assert workers._files is not None
    first = workers._take(workers._files, workers._argv, channel=False)
    first.worker.kill()
    first.worker.wait(10)
    workers._idle.append(first)
    assert workers.run(ALIVE) is None
    result = workers.run(ALIVE)
    workers.close()
    assert result is not None and result.stdout.data == b"alive\n"


def test_shared_memory_of_a_program_counts(zygotes: Zygotes) -> None:
    code = (
        "import mmap, time\nm = mmap.mmap(-1, 400 << 20)\nfor i in range(0, 400 << 20, 4096): m[i] = 1\n"
        "time.sleep(9)"
    )
    assert zygotes.ends_by_memory(code, memory_mb=96)


def test_files_in_memory_are_refused_where_nobody_counts_them(zygotes: Zygotes) -> None:
    seen = zygotes.text("import os\ntry: os.memfd_create('x')\nexcept OSError as e: print(e.strerror)")
    assert seen.strip() == ("" if zygotes.workers._sandbox.level == "A" else "Function not implemented")
