"""Programs forked by a zygote inside a worker: each in namespaces of its own, behind the same filter."""

import base64
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from synth.execution.process import Job, ProcessSandbox, Worker
from synth.execution.zygote import program_operations, read_report, zygote_files
from synth.records import Limits

ZYGOTE = """
import base64, json, os, sys
sys.path.insert(0, "/work")
from codemill_fork import fork_program
null = os.open("/dev/null", os.O_RDWR)
for line in sys.stdin.buffer:
    request = json.loads(line)
    out_read, out_write = os.pipe()
    status_read, status_write = os.pipe()
    pid = fork_program(base64.b64decode(request["listing"]), null, out_write, out_write, status_write)
    if pid == 0:
        try:
            exec(compile(request["code"], "program", "exec"), {"__name__": "__main__"})
            sys.stdout.flush()
            os._exit(0)
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
            os._exit(1)
    os.close(out_write), os.close(status_write)
    output = open(out_read, "rb").read()
    report = open(status_read, "rb").read()
    used = os.wait4(pid, 0)[2]
    answer = {"output": output.decode(), "report": report.hex(), "cpu": used.ru_utime + used.ru_stime}
    sys.stdout.write(json.dumps(answer) + "\\n"), sys.stdout.flush()
"""
Answer = dict[str, Any]


@pytest.fixture(scope="module", params=["A", "B"])
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    files = zygote_files()
    if files is None:
        pytest.skip("no C compiler")
    job = Job(
        argv=(os.path.realpath(sys.executable), "-I", "/work/zygote.py"),
        files={**files, "zygote.py": ZYGOTE.encode()},
        stdin=None,
        limits=Limits(cpu_s=300, wall_s=3000, processes=256),
        env={"LANG": "C.UTF-8"},
        readonly=(sys.base_prefix,),
        zygote=True,
    )
    with ProcessSandbox(highest_level=request.param) as sandbox, sandbox.open_worker(job) as opened:
        yield opened


def run(worker: Worker, code: str, **limits: float) -> Answer:
    listing = program_operations({"input.txt": b"given"}, Limits(**limits))
    worker.stdin.write(json.dumps({"listing": base64.b64encode(listing).decode(), "code": code}).encode() + b"\n")
    line = worker.stdout.readline()
    assert line, worker.wait(10).stderr.data.decode()
    answer: Answer = json.loads(line)
    answer["end"] = read_report(bytes.fromhex(answer["report"]), listing)
    assert answer["end"].fault is None, answer
    return answer


def test_a_program_sees_only_itself_and_its_files(worker: Worker) -> None:
    code = """
import os
print(os.getpid(), os.getuid(), sorted(int(n) for n in os.listdir('/proc') if n.isdigit()), os.listdir('/work'), os.listdir('/tmp'))
print(sorted(os.listdir('/proc/self/fd')), open('/work/input.txt').read())
"""
    assert run(worker, code)["output"] == "2 1000 [1, 2] ['input.txt'] []\n['0', '1', '2', '3'] given\n"


def test_a_program_has_no_capability_and_the_strict_filter(worker: Worker) -> None:
    code = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNew', 'Seccomp:'))])"
    assert run(worker, code)["output"].strip() == str(["0" * 16] * 5 + ["1", "2"])


@pytest.mark.parametrize(("name", "call"), [("unshare", "unshare(0x10000000)"), ("mount", "mount(b'x', b'/work', b'tmpfs', 0, None)")])
def test_a_forbidden_call_of_a_program_is_a_violation_and_the_zygote_lives(worker: Worker, name: str, call: str) -> None:
    answer = run(worker, f"import ctypes\nprint('before', flush=True)\nctypes.CDLL(None).{call}\nprint('after')")
    assert (answer["output"], answer["end"].violation, answer["end"].signal) == ("before\n", name, 9)
    assert run(worker, "print('alive')")["output"] == "alive\n"


def test_nothing_passes_from_one_program_to_the_next(worker: Worker) -> None:
    planting = """
import os, builtins, time
builtins.planted = 1
open('/work/left', 'w'); open('/tmp/left', 'w')
if os.fork() == 0:
    os.setsid(); time.sleep(100)
"""
    assert run(worker, planting)["end"].exit_code == 0
    code = """
import os, builtins
pids = [name for name in os.listdir('/proc') if name.isdigit()]
print(hasattr(builtins, 'planted'), os.listdir('/work'), os.listdir('/tmp'), len(pids))
"""
    assert run(worker, code)["output"].strip() == "False ['input.txt'] [] 2"


def test_the_zygote_cannot_be_killed_or_seen(worker: Worker) -> None:
    code = "import os\nfor pid in (1, -1, os.getppid()):\n    try: os.kill(pid, 9)\n    except OSError as e: print(e.strerror)"
    run(worker, code)
    assert run(worker, "print('alive')")["output"] == "alive\n"


def test_ends_are_reported_as_they_are(worker: Worker) -> None:
    assert run(worker, "import os\nos.abort()")["end"].signal == 6
    assert run(worker, "import os\nos._exit(7)")["end"].exit_code == 7
    assert run(worker, "while True: pass", cpu_s=0.5)["end"].signal in {9, 24}


def test_limits_hold_for_each_program(worker: Worker) -> None:
    assert run(worker, "b = []\nwhile True: b.append(b'x' * (1 << 20))", memory_mb=96)["output"].startswith("MemoryError")
    bomb = (
        "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(60)\n        n += 1\nexcept OSError: print(n)"
    )
    assert run(worker, bomb, processes=10)["output"].strip() == "9"
    assert (
        "File too large"
        in run(worker, "f = open('/work/f', 'wb', 0)\nfor _ in range(100): f.write(b'x' * 100000)", file_bytes=1 << 20)["output"]
    )


def test_cpu_time_of_a_program_is_its_own(worker: Worker) -> None:
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    assert 0.3 <= run(worker, burn)["cpu"] < 1
    assert run(worker, "pass")["cpu"] < 0.2
