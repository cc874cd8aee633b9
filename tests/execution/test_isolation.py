"""What a program sees of the machine, and what is measured of it: properties of the sandbox that one language
is enough to show.

The attacks that are made in several languages are in test_hostile.py.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.execution.isolation.process import JobResult, ProcessSandbox
from synth.records import Stop

RunPython = Callable[..., JobResult]

ATTEMPT = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def attempt(number, *arguments):
    answer = libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    print("refused" if answer == -1 else "allowed", ctypes.get_errno() if answer == -1 else answer)
"""
X86 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="call numbers of x86-64")


def text(result: JobResult) -> str:
    assert result.infrastructure is None, result.infrastructure
    return result.stdout.data.decode() + result.stderr.data.decode()


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"])
def test_only_unix_sockets_can_be_made(run_python: RunPython, family: str) -> None:
    assert "PermissionError" in text(
        run_python(f"import socket\nsocket.socket(socket.{family}, socket.SOCK_DGRAM)")
    )


@pytest.mark.usefixtures("namespaces")
def test_the_folders_of_the_host_are_not_there(run_python: RunPython) -> None:
    with tempfile.NamedTemporaryFile(prefix="codemill-decoy-", dir="/tmp") as decoy:
        paths = ["/home", "/var", "/sys", "/boot", "/etc/shadow", "/etc/ssh", decoy.name]
        seen = text(run_python(f"import os\nprint([path for path in {paths} if os.path.exists(path)])"))
    assert seen.strip() == "[]"


@pytest.mark.parametrize("path", ["/usr/lib/planted", "/planted", "/etc/passwd", "/dev/planted", "/bin/sh"])
def test_nothing_outside_work_and_tmp_can_be_written(run_python: RunPython, path: str) -> None:
    result = run_python(f"open({path!r}, 'a').write('x')")
    assert result.exit_code == 1
    assert "Read-only file system" in text(result) or "PermissionError" in text(result)


def test_the_toolchain_folder_cannot_be_written(run_python: RunPython) -> None:
    result = run_python("import os, sys\nopen(os.path.join(sys.base_prefix, 'planted'), 'w')")
    assert result.exit_code == 1
    assert not Path(sys.base_prefix, "planted").exists()


@pytest.mark.usefixtures("namespaces")
def test_the_environment_of_the_host_leaks_nowhere(
    run_python: RunPython, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEMILL_DECOY", "decoy-secret")
    source = """
import glob, os
print(dict(os.environ))
for path in glob.glob('/proc/*/environ'):
    try: print(path, open(path, 'rb').read())
    except OSError as error: print(path, error.strerror)
"""
    seen = text(run_python(source))
    assert "decoy-secret" not in seen
    assert "/proc/1/environ Permission denied" in seen


@pytest.mark.usefixtures("namespaces")
def test_processes_of_the_host_cannot_be_seen_or_killed(run_python: RunPython) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as victim:
        source = f"""
import os
print(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))
for pid in ({victim.pid}, {os.getpid()}, 1, -1):
    try: os.kill(pid, 9)
    except OSError as error: print(pid, error.strerror)
"""
        result = run_python(source)
        assert victim.poll() is None
        victim.kill()
    assert "[1, 2]" in text(result)
    assert f"{victim.pid} No such process" in text(result)


@pytest.mark.usefixtures("own_user")
def test_a_fork_bomb_ends_at_the_limit_of_processes(run_python: RunPython) -> None:
    source = """
import os, time
made = 0
try:
    while True:
        if os.fork() == 0: time.sleep(60)
        made += 1
except OSError as error:
    print(made, error.strerror, flush=True)
"""
    seen = text(run_python(source, processes=20))
    assert seen.startswith("19 Resource temporarily unavailable")


def test_a_memory_bomb_is_stopped_or_refused(run_python: RunPython, sandbox: ProcessSandbox) -> None:
    result = run_python("blocks = []\nwhile True: blocks.append(b'x' * (1 << 22))", memory_mb=128)
    if sandbox.level == "A":
        assert result.stop is Stop.MEMORY and result.signal == 9
    else:
        assert result.stop is Stop.MEMORY or "MemoryError" in text(result)
    assert result.peak_memory_mb < (200 if sandbox.level == "A" else 500)  # of the rest, what looks let pass


def test_a_memory_bomb_without_a_data_limit_is_stopped(run_python: RunPython) -> None:
    source = "import time\nblocks = []\nwhile True:\n    blocks.append(b'x' * (1 << 22)); time.sleep(0.002)\n"
    assert run_python(source, memory_mb=128, job={"data_limit": False}).stop is Stop.MEMORY


def test_endless_output_is_stopped_and_capped(run_python: RunPython) -> None:
    result = run_python("while True: print('x' * 100000)", output_bytes=100_000)
    assert result.stop is Stop.OUTPUT
    assert len(result.stdout.data) == 100_000 < result.stdout.length < 10_000_000


def test_endless_output_on_the_private_channel_is_stopped(run_python: RunPython) -> None:
    result = run_python(
        "import os\nwhile True: os.write(3, b'x' * 65536)",
        job={"private_channel": True, "channel_bytes": 100_000},
    )
    assert result.stop is Stop.OUTPUT and len(result.channel) == 100_000


def test_planted_links_and_pipes_stay_inside(run_python: RunPython, open_folder: Path) -> None:
    decoy = open_folder / "decoy"
    decoy.write_text("untouched")
    shared = open_folder / "shared"
    shared.mkdir()
    source = (
        f"import os\nos.symlink({str(decoy)!r}, 'program.out')\nos.mkfifo('pipe')\nopen('program.out', "
        f"'w').write('x')"
    )
    planted = run_python(source, job={"writable": shared})
    assert "Error: " in text(planted) and (shared / "pipe").is_fifo()
    again = run_python("print('still fine')", job={"writable": shared})
    assert "still fine" in text(again) or again.infrastructure
    assert decoy.read_text() == "untouched"


def test_our_own_files_are_not_written_through_a_planted_link(
    run_python: RunPython, open_folder: Path
) -> None:
    (open_folder / "program.py").symlink_to("elsewhere.py")
    result = run_python("print('ran')", job={"writable": open_folder})
    assert result.infrastructure is not None and "program.py" in result.infrastructure
    assert not (open_folder / "elsewhere.py").exists()


@X86
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("personality", "attempt(135, 0xffffffff)"),
        ("io_uring_setup", "attempt(425, 1, ctypes.create_string_buffer(256))"),
        ("process_vm_readv", "attempt(310, 1, 0, 0, 0, 0, 0)"),
        ("lease", "attempt(72, os.open('/usr/bin/env', 0), 1024, 0)"),
        ("limit of our init", "attempt(302, 1, 0, (ctypes.c_ulong * 2)(9, 9), 0)"),
    ],
)
def test_a_call_that_runtimes_try_is_only_refused(run_python: RunPython, name: str, call: str) -> None:
    result = run_python(ATTEMPT + call)
    assert text(result).startswith("refused 1"), name
    assert result.stop is Stop.NONE and result.exit_code == 0


@X86
@pytest.mark.parametrize("way", ["in a thread", "in a child", "many times"])
def test_a_violation_is_seen_whoever_of_the_program_makes_it(run_python: RunPython, way: str) -> None:
    source = {
        "in a thread": (
            "import threading\n"
            "t = threading.Thread(target=attempt, args=(161, b'/work'))\nt.start(); "
            "t.join()"
        ),
        "in a child": "import time\nif os.fork() == 0: attempt(161, b'/work')\ntime.sleep(9)",
        "many times": (
            "for _ in range(4):\n    if os.fork() == 0:\n"
            "        while True: attempt(161, b'/work')\n"
            "os.wait()"
        ),
    }[way]
    result = run_python(ATTEMPT + source)
    assert (result.stop, result.violation) == (Stop.VIOLATION, "chroot")


def test_a_program_that_ends_itself_by_sigsys_is_no_violation(run_python: RunPython) -> None:
    result = run_python("import os, signal\nos.kill(os.getpid(), signal.SIGSYS)")
    assert (result.stop, result.signal, result.violation) == (Stop.NONE, 31, None)


def test_a_program_can_lower_its_own_limits(run_python: RunPython) -> None:
    limit = (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    assert text(run_python(limit)) == "(64, 64)\n"


@X86
@pytest.mark.parametrize(
    "call", ["attempt(435, ctypes.create_string_buffer(88), 88)", "attempt(0x40000000 | 39)", "attempt(600)"]
)
def test_calls_that_the_filter_cannot_judge_do_not_exist(run_python: RunPython, call: str) -> None:
    assert text(run_python(ATTEMPT + call)).startswith("refused 38")


@pytest.mark.usefixtures("own_user")
def test_no_capability_and_no_way_to_one(run_python: RunPython) -> None:
    seen = text(run_python("print(open('/proc/self/status').read())")).split()
    for name in ("CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"):
        assert seen[seen.index(name) + 1] == "0" * 16
    assert seen[seen.index("NoNewPrivs:") + 1] == "1"
    assert seen[seen.index("Seccomp:") + 1] == "2"


@pytest.mark.usefixtures("namespaces")
def test_the_host_never_sees_root(sandbox: ProcessSandbox, run_python: RunPython) -> None:
    source = "import os, time\nprint(os.getuid(), open('/proc/self/uid_map').read().split(), flush=True)"
    inside, *mapped = (
        text(run_python(source)).replace("[", "").replace("]", "").replace("'", "").replace(",", "").split()
    )
    assert inside == "1000" and mapped[0] == "1000" and mapped[1] != "0"


@pytest.mark.usefixtures("namespaces")
def test_every_namespace_is_the_programs_own(run_python: RunPython) -> None:
    kinds = ["user", "pid", "mnt", "net", "ipc", "uts"]
    seen = text(
        run_python(f"import os\nfor kind in {kinds}: print(os.readlink('/proc/self/ns/' + kind))")
    ).split()
    ours = [str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in kinds]
    assert len(seen) == len(kinds) and not set(seen) & set(ours)


def test_a_program_that_stops_itself_ends_by_the_wall(run_python: RunPython) -> None:
    result = run_python("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", wall_s=1)
    assert result.stop is Stop.WALL and result.signal == 9


def test_zombies_are_reaped_with_the_job(run_python: RunPython) -> None:
    source = (
        "import os, time\nfor _ in range(30):\n    if os.fork() == 0: os._exit(0)\ntime.sleep(0.2)\n"
        "print('made')"
    )
    assert run_python(source).stdout.data == b"made\n"
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in children]
    assert "Z" not in states


def test_burning_cpu_is_stopped_by_cpu_time(run_python: RunPython) -> None:
    result = run_python("while True: pass", cpu_s=0.5)
    assert result.stop is Stop.CPU
    assert 0.5 <= result.cpu_s < 2


def test_burning_cpu_in_many_processes_counts_as_a_whole(run_python: RunPython) -> None:
    result = run_python("import os\nfor _ in range(3): os.fork()\nwhile True: pass", cpu_s=1)
    assert result.stop is Stop.CPU
    assert 1 <= result.cpu_s < 4


def test_waiting_is_no_cpu_time(run_python: RunPython) -> None:
    result = run_python("import time\ntime.sleep(1.5)\nprint('awake')", cpu_s=1)
    assert result.stop is Stop.NONE and result.exit_code == 0 and result.cpu_s < 1


@pytest.mark.usefixtures("namespaces")
def test_semaphores_of_a_job_are_gone_in_the_next(sandbox: ProcessSandbox, run_python: RunPython) -> None:
    """They are refused where no cgroup counts their memory."""
    source = "import ctypes\nprint(ctypes.CDLL(None).semget(4711, 1, {flags}) >= 0)"
    assert text(run_python(source.format(flags=0o1600))).strip() == str(sandbox.level == "A")
    assert text(run_python(source.format(flags=0))).strip() == "False"


def test_files_of_a_job_are_gone_in_the_next(run_python: RunPython) -> None:
    environment = {"env": {"TMPDIR": "/tmp"}}
    source = "import os\nopen('left', 'w'); open(os.environ['TMPDIR'] + '/left', 'w')"
    assert run_python(source, job=environment).exit_code == 0
    seen = text(
        run_python("import os\nprint(os.listdir('.'), os.listdir(os.environ['TMPDIR']))", job=environment)
    )
    assert seen.strip() == "['program.py'] []"


def test_no_descriptor_of_ours_is_open_inside(run_python: RunPython) -> None:
    seen = text(run_python("import os\nprint(sorted(int(n) for n in os.listdir('/proc/self/fd')))"))
    assert seen.strip() == "[0, 1, 2, 3]"  # the fourth is the listing itself


def test_abort_and_crash_of_the_program_are_reported_as_they_are(run_python: RunPython) -> None:
    assert run_python("import os\nos.abort()").signal == 6
    assert run_python("import ctypes\nctypes.string_at(0)").signal == 11
    assert run_python("import os\nos.kill(os.getpid(), 9)").signal == 9
    assert run_python("import sys\nsys.exit(37)").exit_code == 37


def test_c_stack_overflow_is_a_crash_not_a_hang(run_c: RunPython, open_folder: Path) -> None:
    source = (
        "int f(int n) { volatile char room[4096]; room[0] = (char)n; return f(n + 1) + room[0]; }\nint "
        "main(void) { return f(0); }"
    )
    assert run_c(source, open_folder).signal == 11


def test_c_program_cannot_change_its_folder_when_it_is_read_only(run_c: RunPython, open_folder: Path) -> None:
    source = '#include <stdio.h>\nint main(void) { return fopen("planted", "w") ? 0 : 7; }'
    assert run_c(source, open_folder).exit_code == 7
    assert not (open_folder / "planted").exists()


def test_the_sandbox_still_works_after_all_of_that(run_python: RunPython) -> None:
    started = time.monotonic()
    assert run_python("print('alive')").stdout.data == b"alive\n"
    assert time.monotonic() - started < 30
