"""What the accounts of CPU time and memory say, whoever reads them: the kernel's own in cgroups, those of a
process tree without any, and how long a program may be idle."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from synth.execution.isolation.cgroups import Account, CgroupPlace, make_account
from synth.execution.isolation.job import Job, JobResult
from synth.execution.isolation.launcher.zygote import zygote_files
from synth.execution.isolation.process import ProcessSandbox
from synth.execution.isolation.process_tree import ProcessTree
from synth.execution.programs.zygote_pool import WarmWorkers
from synth.languages.spec import Zygote
from synth.records import IsolationLevel, Limits, Stop
from tests.execution.conftest import ENVIRONMENT, PYTHON, SHOWN
from tests.execution.hostile.catalogue import EVASIONS, Attack
from tests.execution.test_zygote import PYTHON as TOOLCHAIN
from tests.execution.test_zygote import ZYGOTE

V1: Mapping[str, str] = {
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
    "memory/memory.memsw.limit_in_bytes": "9223372036854771712\n",
    "memory/memory.max_usage_in_bytes": "52428800\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "cpuacct/cpuacct.usage": "1500000000\n",
}
V2: Mapping[str, str] = {
    "memory.max": "max\n",
    "memory.swap.max": "max\n",
    "memory.peak": "52428800\n",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 2\noom_kill 3\noom_group_kill 0\n",
    "cpu.stat": "usage_usec 1500000\nuser_usec 1400000\nsystem_usec 100000\n",
}
OWN = {1: "4:memory:/own\n2:cpuacct:/own\n0::/\n", 2: "0::/own\n"}


def tree(root: Path, files: Mapping[str, str], version: int) -> Path:
    """A folder of the files that the kernel shows, with our own group `own` and one in it called `new`."""
    (root / "cgroup").write_text(OWN[version])
    for name, text in files.items():
        path = root / ("" if version == 2 else Path(name).parent) / "own" / "new" / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if version == 2:
        (root / "cgroup.controllers").write_text("cpu memory\n")
    return root


def account(root: Path, files: Mapping[str, str], version: int) -> Account:
    made = make_account("new", tree(root, files, version), root / "cgroup")
    assert made is not None
    return made


@pytest.mark.parametrize(("version", "files"), [(1, V1), (2, V2)])
def test_both_versions_give_the_same_account(tmp_path: Path, version: int, files: Mapping[str, str]) -> None:
    made = account(tmp_path, files, version)
    tree(tmp_path, files, version)  # what the kernel says after the peak was reset
    assert (made.cpu_s(), made.kills(), made.peak_mb()) == (1.5, 3, 50.0)
    assert all(Path(file).parent.name == "new" for file in made.files)
    assert [Path(file).name for file in made.files[2:]] == (
        ["tasks", "tasks"] if version == 1 else ["cgroup.procs"]
    )


def limits_of(root: Path, *names: str) -> list[str]:
    return [(root / name).read_text().splitlines()[0] for name in names]


def test_memory_and_swap_are_limited_together(tmp_path: Path) -> None:
    names = [f"memory/own/new/memory.{name}limit_in_bytes" for name in ("", "memsw.")]
    made = account(tmp_path, V1, 1)
    for megabytes in (96, 640, 64):
        for name in names:
            (tmp_path / name).write_text("")
        made.start(megabytes)
        assert limits_of(tmp_path, *names) == [str(megabytes << 20)] * 2


def test_swap_is_none_where_it_is_counted_apart(tmp_path: Path) -> None:
    made = account(tmp_path, V2, 2)
    (tmp_path / "own/new/memory.max").write_text("")
    made.start(96)
    assert limits_of(tmp_path, "own/new/memory.max") == [str(96 << 20)]
    assert limits_of(tmp_path, "own/new/memory.swap.max")[0].startswith("0")


@pytest.mark.parametrize(
    ("version", "files", "absent"),
    [(1, V1, "memory/memory.memsw.limit_in_bytes"), (2, V2, "memory.swap.max"), (2, V2, "memory.peak")],
)
def test_a_kernel_that_does_not_count_swap_or_peaks_gives_the_rest(
    tmp_path: Path, version: int, files: Mapping[str, str], absent: str
) -> None:
    made = account(tmp_path, {name: text for name, text in files.items() if name != absent}, version)
    made.start(96)
    assert (made.cpu_s(), made.kills()) == (1.5, 3)


@pytest.mark.parametrize(
    ("version", "files", "absent"),
    [(1, V1, "cpuacct/cpuacct.usage"), (1, V1, "memory/memory.oom_control"), (2, V2, "cpu.stat")],
)
def test_without_one_of_the_accounts_there_is_none(
    tmp_path: Path, version: int, files: Mapping[str, str], absent: str
) -> None:
    kept = {name: text for name, text in files.items() if name != absent}
    assert make_account("new", tree(tmp_path, kept, version), tmp_path / "cgroup") is None


UNIFIED = Path("/sys/fs/cgroup/unified")


@pytest.mark.skipif(not (UNIFIED / "cgroup.procs").exists(), reason="no hierarchy of version 2 beside others")
def test_the_account_of_version_2_counts_children_that_nobody_reaps(tmp_path: Path) -> None:
    tree(tmp_path, V1, 1)
    folder = UNIFIED / f"codemill-{os.getpid()}-test"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(str(error))
    counted = Account(CgroupPlace(tmp_path / "memory/own/new", 1), CgroupPlace(folder, 2))
    code = (
        "import os, signal, sys, time\nopen(sys.argv[1], 'w').write('0')\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor _ in range(5):\n    if os.fork() == 0:\n"
        "        end = time.process_time() + 0.05\n        while time.process_time() < end: pass\n"
        "        os._exit(0)\n    time.sleep(0.06)\ntime.sleep(0.3)"
    )
    subprocess.run([sys.executable, "-c", code, str(counted.places[-1].join)], check=True)
    assert 0.15 <= counted.cpu_s() < 2
    counted.remove()
    assert not folder.exists()


# --- one program, cold and warm, at every level ---

Ways = Mapping[str, Callable[[str, Limits], JobResult]]


@pytest.fixture(scope="module", params=["A", "B", "C"])
def ways(request: pytest.FixtureRequest) -> Iterator[Ways]:
    """How a program is started at this level; what a zygote leaves to a cold start is started cold."""
    level: IsolationLevel = request.param
    if zygote_files() is None:
        pytest.skip("no C compiler")
    with ProcessSandbox("C", highest_level=level) as sandbox:
        if sandbox.level != level:
            pytest.skip(f"this machine does not give level {level}")
        argv = (*PYTHON, "/work/program.py")
        cold = Job(argv, {}, b"", Limits(), ENVIRONMENT, readonly=SHOWN)
        zygote = Zygote({"zygote.py": ZYGOTE}, ("{python}", "-I", "/work/zygote.py"))
        workers = WarmWorkers(sandbox, zygote, TOOLCHAIN, {"LANG": "C.UTF-8"})

        def run_cold(code: str, limits: Limits) -> JobResult:
            return sandbox.run(replace(cold, files={"program.py": code.encode()}, limits=limits))

        def run_warm(code: str, limits: Limits) -> JobResult:
            job = Job(("none",), {"program.py": code.encode()}, b"", limits, {})
            return workers.run(job) or run_cold(code, limits)

        yield {"cold": run_cold, **({} if level == "C" else {"warm": run_warm})}
        workers.close()


FORKS = """
import os, time
data = b"x" * (100 << 20)
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        time.sleep({sleep})
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
print("done")
"""


def loaded() -> list["subprocess.Popen[bytes]"]:
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]


@pytest.mark.parametrize("sleep_s", [0.03, 0.3])
def test_memory_that_processes_share_counts_once_every_time(ways: Ways, sleep_s: float) -> None:
    beside: list[subprocess.Popen[bytes]] = []
    try:
        for turn in range(5):
            if turn == 3:
                beside = loaded()
            for name, run in ways.items():
                result = run(FORKS.replace("{sleep}", str(sleep_s)), Limits())
                assert (result.stop, result.stdout.data) == (Stop.NONE, b"done\n"), (name, turn, result)
    finally:
        for process in beside:
            process.kill()
            process.wait()


LARGE = "import os, time\nfor _ in range(2): os.fork()\nb = bytearray(b'x') * (60 << 20)\ntime.sleep(30)"
SLOW = "while True: pass"


@pytest.mark.parametrize(
    ("code", "limits", "stop"),
    [(LARGE, Limits(memory_mb=160), Stop.MEMORY), (SLOW, Limits(cpu_s=0.3), Stop.CPU)],
)
def test_a_verdict_is_the_same_five_times(ways: Ways, code: str, limits: Limits, stop: Stop) -> None:
    beside: list[subprocess.Popen[bytes]] = []
    try:
        for turn in range(5):
            if turn == 3:
                beside = loaded()
            for name, run in ways.items():
                assert run(code, limits).stop is stop, (name, turn)
    finally:
        for process in beside:
            process.kill()
            process.wait()


def test_children_that_are_waited_for_are_no_evasion(ways: Ways) -> None:
    """However many there are, and however short: each is in the account of its parent."""
    code = (
        "import os\nfor _ in range(300):\n    child = os.fork()\n    if child == 0:\n"
        "        sum(range(30000))\n        os._exit(0)\n    os.waitpid(child, 0)\nprint('done')"
    )
    for name, run in ways.items():
        result = run(code, Limits(cpu_s=5))
        assert (result.stop, result.stdout.data) == (Stop.NONE, b"done\n"), (name, result)


HOSTILE = (Path(__file__).with_name("hostile") / "attacks.py").read_text()
WARM = [attack for attack in EVASIONS if "python" in attack.languages and attack.name != "burn_after_exec"]


@pytest.mark.parametrize("attack", WARM, ids=lambda attack: attack.name)
def test_nothing_evades_the_account_of_a_warm_program(ways: Ways, attack: Attack) -> None:
    if "warm" not in ways:
        pytest.skip("no warm programs at level C")
    targets = "decoy=/x\nfolder=/x\nvictim=1\nsupervisor=1\n"
    given = f"import io, sys\nsys.argv = ['x', {attack.name!r}, 'x']\nsys.stdin = io.StringIO({targets!r})\n"
    result = ways["warm"](given + HOSTILE, Limits(**attack.limits))
    assert result.infrastructure is None
    if result.stop is Stop.NONE:
        assert "refused" in attack.ends and b"refused" in result.stdout.data, result
    else:
        assert result.stop in attack.ends, result
        assert result.cpu_s < 1.5


# --- idle ---

WAITS = "import time\nfor turn in range(7):\n    print(turn)\n    time.sleep(1)\nprint('done')"
READS = "import sys, threading\nthreading.Event().wait(3)\nprint(sys.stdin.read() + 'done')"
SLEEPS = "import time\ntime.sleep(60)"
LOCKED = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"
CHILD = "import os, time\nif os.fork() == 0: time.sleep(60)\nos.wait()"
STOPPED = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"


def test_what_sleeps_for_good_ends_soon_and_what_only_waits_does_not(ways: Ways) -> None:
    with ThreadPoolExecutor(16) as threads:
        asked = {
            (name, code): threads.submit(run, code, Limits())
            for name, run in ways.items()
            for code in (WAITS, READS, SLEEPS, LOCKED, CHILD, STOPPED)
        }
        results = {way: future.result() for way, future in asked.items()}
    for (name, code), result in results.items():
        if code in (WAITS, READS):
            assert (result.stop, result.stdout.data[-5:]) == (Stop.NONE, b"done\n"), (name, code, result)
        else:
            assert result.stop is Stop.WALL, (name, code, result)
            assert 5 <= result.wall_s < 15, (name, code, result)


def test_a_wall_limit_above_the_usual_one_lets_a_program_sleep(ways: Ways) -> None:
    result = ways["cold"]("import time\ntime.sleep(7)\nprint('done')", Limits(cpu_s=1, wall_s=51))
    assert (result.stop, result.stdout.data) == (Stop.NONE, b"done\n")


@pytest.mark.parametrize(
    ("limits", "idle_s"),
    [
        (Limits(), 5),
        (Limits(cpu_s=20), 20),
        (Limits(cpu_s=1), 5),
        (Limits(wall_s=300), 300),
        (Limits(cpu_s=60, wall_s=600), 60),
    ],
)
def test_how_long_a_program_may_be_idle(limits: Limits, idle_s: float) -> None:
    assert limits.idle_s == idle_s


def test_a_program_that_gets_no_processor_is_not_idle() -> None:
    """It wants to run, which the look at its tree says."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        assert ProcessTree(busy.pid).look().runs
        busy.kill()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as waiting:
        settled = threading.Event()
        for _ in range(100):
            if not ProcessTree(waiting.pid).look().runs:
                settled.set()
                break
            settled.wait(0.05)
        waiting.kill()
    assert settled.is_set()
