"""The process sandbox as its callers use it: jobs, workers, results, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from synth.errors import SandboxError
from synth.execution.isolation.capabilities import detect_level
from synth.execution.isolation.operations import Code, name_at, operation
from synth.execution.isolation.process import Job, JobResult, Output, ProcessSandbox
from synth.records import IsolationLevel, Limits, Stop
from tests.open_folders import open_to_others

RunPython = Callable[..., JobResult]
CAT = Job(("/bin/cat",), {}, None, Limits(), {})


def shell(script: str, **fields: object) -> Job:
    given: dict[str, object] = {
        "files": {},
        "stdin": None,
        "limits": Limits(),
        "env": {"PATH": "/usr/bin:/bin"},
        **fields,
    }
    return Job(argv=("/bin/sh", "-c", script), **given)  # type: ignore[arg-type]


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def open_descriptors() -> int:
    """How many, as the lowest of some looks: who watches the workers of other sandboxes opens a file for a
    moment every 50 ms."""

    def look(_: int) -> int:
        time.sleep(0.002)
        return len(list(Path("/proc/self/fd").iterdir()))

    return min(map(look, range(10)))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def own_sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox() as sandbox:
        yield sandbox


def test_streams_files_environment_and_exit_code_come_through(sandbox: ProcessSandbox) -> None:
    job = shell(
        "cat; cat sub/a.txt; echo $X; echo oops >&2; exit 3",
        files={"sub/a.txt": b"file "},
        stdin=b"stdin ",
        env={"X": "variable"},
    )
    result = sandbox.run(job)
    assert (result.exit_code, result.signal, result.stop) == (3, None, Stop.NONE)
    assert result.stderr.data == b"oops\n"
    assert b"stdin file" in result.stdout.data or result.stdout.data.startswith(b"stdin ")


def test_the_environment_is_the_given_one_and_nothing_else(sandbox: ProcessSandbox) -> None:
    result = sandbox.run(Job(("/usr/bin/env",), {}, None, Limits(), {"A": "1", "B": "x=y"}))
    assert result.stdout.data == b"A=1\nB=x=y\n"


def test_the_private_channel_is_apart_from_stdout(sandbox: ProcessSandbox) -> None:
    result = sandbox.run(shell("echo out; echo err >&2; echo private >&3", private_channel=True))
    assert (result.stdout.data, result.stderr.data, result.channel) == (b"out\n", b"err\n", b"private\n")


def test_without_the_private_channel_descriptor_3_is_closed(sandbox: ProcessSandbox) -> None:
    assert sandbox.run(shell("echo x >&3")).exit_code != 0


def test_two_megabytes_of_output_arrive_whole(run_python: RunPython) -> None:
    result = run_python("import sys\nsys.stdout.write('0123456789abcdef' * 131072)")
    assert result.exit_code == 0
    assert result.stdout.data == b"0123456789abcdef" * 131072 and result.stdout.length == 2 << 20


def test_fifty_megabytes_of_stdin_are_read(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 50
    source = tmp_path / "input"
    source.write_bytes(content)
    for stdin in (content, source):
        assert sandbox.run(shell("wc -c", stdin=stdin)).stdout.data.strip() == b"52428800"


def test_a_long_output_keeps_head_tail_and_length() -> None:
    captured = Output(b"a" * 5000 + b"b" * 5000, 20_000).captured(100)
    assert (captured.head, captured.tail, captured.length) == ("a" * 50, "b" * 50, 20_000)


def test_cpu_wall_and_memory_are_measured(run_python: RunPython) -> None:
    result = run_python(
        "b = b'x' * (60 << 20)\nimport time\nend = time.process_time() + 0.3\nwhile "
        "time.process_time() < end: pass"
    )
    assert result.exit_code == 0
    assert 0.3 <= result.cpu_s < 2 and result.wall_s >= result.cpu_s / 4
    assert 60 <= result.peak_memory_mb < 120


def test_cpu_time_of_children_counts_even_after_they_ended(run_python: RunPython) -> None:
    source = (
        "import os, time\nif os.fork() == 0:\n"
        "    while time.process_time() < 0.4: pass\n    os._exit(0)\n"
        "os.wait()"
    )
    assert run_python(source).cpu_s >= 0.4


def test_a_shared_folder_goes_from_the_compile_job_to_the_run(
    sandbox: ProcessSandbox, open_folder: Path
) -> None:
    assert sandbox.run(shell("echo made > /work/out", writable=open_folder)).exit_code == 0
    result = sandbox.run(shell("cat out; echo x > out", writable=open_folder, work_readonly=True))
    assert result.stdout.data == b"made\n" and result.exit_code != 0
    assert (open_folder / "out").read_text() == "made\n"


def test_a_program_that_cannot_be_executed_is_no_verdict(sandbox: ProcessSandbox) -> None:
    result = sandbox.run(Job(("/usr/bin/no-such-program",), {}, None, Limits(), {}))
    assert (
        result.infrastructure is not None
        and "exec /usr/bin/no-such-program: No such file" in result.infrastructure
    )
    assert sandbox.run(shell("exit 0")).exit_code == 0


@pytest.mark.parametrize(
    "job",
    [
        Job((), {}, None, Limits(), {}),
        Job(("/bin/true",), {"../escape": b""}, None, Limits(), {}),
        Job(("/bin/true",), {"/etc/passwd": b""}, None, Limits(), {}),
        Job(("/bin/true", "a\0b"), {}, None, Limits(), {}),
        Job(("/bin/true",), {"x": b""}, None, Limits(), {}, writable=Path("/"), work_readonly=True),
        Job(("/bin/true",), {}, Path("/dev/null"), Limits(), {}),
    ],
)
def test_a_job_that_contradicts_itself_is_refused(sandbox: ProcessSandbox, job: Job) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sandbox.run(job)
    assert sandbox.run(shell("exit 0")).exit_code == 0


def test_a_toolchain_may_lie_anywhere_even_below_tmp(sandbox: ProcessSandbox, open_folder: Path) -> None:
    tool = open_folder / "tool"
    tool.mkdir()
    tool.chmod(0o755)
    (tool / "version").write_text("1.0")
    result = sandbox.run(
        shell(f"cat {tool}/version; (: > {tool}/planted) 2>/dev/null || echo refused", readonly=(str(tool),))
    )
    assert result.stdout.data == b"1.0refused\n"


def test_a_toolchain_folder_that_is_gone_is_our_fault(sandbox: ProcessSandbox) -> None:
    result = sandbox.run(shell("exit 0", readonly=("/nowhere/toolchain",)))
    assert result.infrastructure is not None and "/nowhere/toolchain" in result.infrastructure


@pytest.mark.parametrize("in_python", [False, True], ids=["compiled", "python"])
@pytest.mark.parametrize("highest", ["A", "C"])
def test_no_descriptor_reaches_a_program_whose_supervisor_has_many(
    highest: IsolationLevel, in_python: bool
) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            stack.callback(os.close, os.dup(2))
        sandbox = stack.enter_context(ProcessSandbox("C", python_launcher=in_python, highest_level=highest))
        result = sandbox.run(shell("cd /proc/self/fd && echo *"))
    assert result.stdout.data in (b"0 1 2\n", b"0 1 2 3\n")  # a shell may hold the folder that it lists


def test_jobs_run_side_by_side(own_sandbox: ProcessSandbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(own_sandbox.run, [shell(f"sleep 0.1; echo {n}") for n in range(24)]))
    assert [result.stdout.data for result in results] == [f"{n}\n".encode() for n in range(24)]


def test_a_worker_answers_until_its_stdin_closes(sandbox: ProcessSandbox) -> None:
    with sandbox.open_worker(CAT) as worker:
        for line in (b"one\n", b"two\n"):
            worker.stdin.write(line)
            assert worker.stdout.readline() == line
        assert worker.alive
        worker.stdin.close()
        assert worker.wait(30).exit_code == 0
        assert not worker.alive


def test_a_worker_is_killed_with_its_whole_tree(sandbox: ProcessSandbox) -> None:
    with sandbox.open_worker(shell("sleep 4711 & sleep 4711 & echo up; wait")) as worker:
        assert worker.stdout.readline() == b"up\n"
        with pytest.raises(TimeoutError):
            worker.wait(0.1)
        worker.kill()
        worker.kill()
        assert worker.wait(30).signal == 9
    listed = subprocess.run(["ps", "ax", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 4711" not in listed


def test_the_limits_hold_for_a_worker_as_a_whole(sandbox: ProcessSandbox) -> None:
    job = shell("while :; do :; done & while :; do :; done", limits=Limits(cpu_s=1))
    with sandbox.open_worker(job) as worker:
        result = worker.wait(60)
    assert result.stop is Stop.CPU and result.cpu_s >= 1


def kill_a_slot(others: set[int]) -> None:
    """Of those that came after the others: slots of another sandbox are not ours to kill."""
    slots = [pid for pid in children() - others if "launcher" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(slots[0], signal.SIGKILL)
    while is_alive(slots[0]):
        time.sleep(0.001)


def test_a_slot_that_was_killed_between_two_jobs_is_replaced() -> None:
    others = children()
    with ProcessSandbox() as sandbox:
        assert sandbox.run(shell("exit 0")).exit_code == 0
        kill_a_slot(others)
        with sandbox.open_worker(CAT) as worker:
            assert worker.alive
        kill_a_slot(others)
        assert sandbox.run(shell("exit 0")).exit_code == 0


def test_a_job_whose_slot_was_killed_runs_again() -> None:
    others = children()
    with ProcessSandbox() as sandbox, ThreadPoolExecutor(1) as thread:
        running = thread.submit(sandbox.run, shell("cat; sleep 0.3"))
        while not sandbox._busy:
            time.sleep(0.001)
        kill_a_slot(others)
        assert running.result().exit_code == 0


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    def state() -> tuple[set[int], int, list[str]]:
        groups = [str(found) for found in Path("/sys/fs/cgroup").glob(f"**/codemill-{os.getpid()}-*")]
        return children(), open_descriptors(), groups

    with ProcessSandbox() as warm:  # compiles, and opens what the interpreter keeps
        warm.run(shell("exit 0"))
    before = state()
    with ProcessSandbox() as sandbox:
        sandbox.run(shell("exit 0"))
        inside = open_descriptors()
        for number in range(30):
            sandbox.run(shell("sleep 100 & echo x", stdin=b"x", private_channel=bool(number % 2)))
            with sandbox.open_worker(CAT) as worker:
                worker.stdin.write(b"x")
        sandbox.run(Job(("/nowhere",), {}, None, Limits(), {}))
        assert open_descriptors() <= inside + 1
    assert state() == before
    assert sandbox.run(shell("exit 0")).infrastructure is not None


SUPERVISOR = """
import sys, threading
from synth.execution.isolation.process import Job, ProcessSandbox
from synth.records import Limits
sandbox = ProcessSandbox(python_launcher=%r)
argv = ("/bin/sh", "-c", "setsid sleep 86399 & sleep 86399")
job = Job(argv, {}, None, Limits(wall_s=3000), {"PATH": "/usr/bin:/bin"})
threads = [threading.Thread(target=sandbox.run, args=(job,)) for _ in range(3)]
[thread.start() for thread in threads]
print("up", flush=True)
"""


def descendants(pid: int) -> set[int]:
    return {child.pid for child in psutil.Process(pid).children(recursive=True)}


@pytest.mark.parametrize("in_python", [False, True])
def test_a_supervisor_killed_with_9_leaves_no_orphan(in_python: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR % in_python], stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout is not None and supervisor.stdout.readline() == b"up\n"
        deadline = time.monotonic() + 60
        # 3 slots, 3 inits, 3 shells, 6 sleeps
        while len(started := descendants(supervisor.pid)) < 15 and time.monotonic() < deadline:
            time.sleep(0.05)
        supervisor.kill()
    assert len(started) >= 15
    while any(map(is_alive, started)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in started if is_alive(pid)]
    assert not list(Path("/sys/fs/cgroup").glob(f"**/codemill-{supervisor.pid}-*"))


def test_an_ordinary_user_gets_the_same_isolation(tmp_path: Path) -> None:
    """Runs the sandbox as nobody, from a copy of what it needs that nobody can read."""
    if os.geteuid() != 0:
        pytest.skip("the whole suite runs as an ordinary user already")
    if shutil.which("setpriv") is None or not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("needs setpriv and a system Python")
    probe = subprocess.run(
        [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "unshare",
            "--user",
            "--pid",
            "--fork",
            "true",
        ],
        capture_output=True,
        check=False,
    )
    if probe.returncode != 0:
        pytest.skip("this machine gives ordinary users no user namespaces")
    open_to_others(tmp_path)
    _check_as_nobody(tmp_path)


def _check_as_nobody(folder: Path) -> None:
    copied = folder / "site"
    shutil.copytree(
        Path(__file__).parents[2] / "synth", copied / "synth", ignore=shutil.ignore_patterns("__pycache__")
    )
    import pydantic

    packages = Path(pydantic.__file__).parents[1]
    for name in ("pydantic", "pydantic_core", "annotated_types", "typing_inspection", "typing_extensions.py"):
        source = packages / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copied / name)
    script = (
        "import os; from synth.execution.isolation.process import *; from synth.records import Limits\n"
        "with ProcessSandbox('B') as s:\n"
        "    r = s.run(Job(('/bin/sh', '-c', 'id -u; ls /proc'), {'f': b''}, None, Limits(), {}))\n"
        "    print(s.level, r.exit_code, r.infrastructure, r.stdout.data.split()[:4])\n"
    )
    home = folder / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = shutil.which(version, path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip(f"no {version} that an ordinary user can start")
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", python, "-B", "-c", script],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(copied)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("B 0 None [b'1000', b'1', b'2'"), done.stderr


def test_the_level_report_names_every_feature() -> None:
    report = detect_level()
    with ProcessSandbox("C") as sandbox:
        assert report.level == sandbox.level
    assert report.features["sandbox"] == ""
    assert {
        "user namespace",
        "network namespace",
        "memory cgroup",
        "seccomp",
        "landlock",
    } <= report.features.keys()


def test_a_level_that_this_machine_cannot_give_is_refused_with_a_way_out() -> None:
    with pytest.raises(SandboxError, match="level A was asked for") as caught:
        ProcessSandbox("A", highest_level="B")
    assert caught.value.problems[0].fix == "codemill doctor"


def test_an_operation_that_fails_is_named() -> None:
    listing = operation(Code.MKDIR, "/one") + operation(Code.SYMLINK, "/two", "/three")
    assert (name_at(listing, 1), name_at(listing, 2), name_at(listing, 3)) == (
        "mkdir /one",
        "symlink /two",
        "end of the list",
    )


def test_two_sandboxes_of_one_process_give_the_same_level() -> None:
    with ProcessSandbox() as first, ProcessSandbox() as second, ThreadPoolExecutor(4) as threads:
        results = [
            *threads.map(first.run, [shell("sleep 0.1")] * 4),
            *threads.map(second.run, [shell("sleep 0.1")] * 4),
        ]
        assert second.level == first.level
    assert all(result.is_clean for result in results), results
