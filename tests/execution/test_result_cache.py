"""Results kept over runs: found again only for the very same thing, never when they say nothing, and never in
the way."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from synth.config import LocalSandboxConfig as LocalConfig
from synth.errors import SandboxError, UserError
from synth.execution.cache.cached_sandbox import DECIDING, CachedSandbox, own_code, system_libraries
from synth.execution.cache.sqlite_store import ResultStore
from synth.execution.factory import create_sandbox
from synth.execution.isolation.launcher.slot import cache_folder
from synth.execution.local.sandbox import LocalSandbox
from synth.records import CaseObservation, ExecutionRequest, Limits, Observation, Phase, StdioCall, Stop
from synth.verify.answers import VerifyResult
from synth.verify.verify import verify
from tests.builders import Run
from tests.structure.source_tree import graph
from tests.structure.test_layers import reachable

ROOT = Path(__file__).resolve().parents[2]


class Counting:
    """A sandbox that answers with the number of the execution, so that an answer tells when it was made."""

    def __init__(
        self, level: str = "A", toolchain: str = "python 3 abc", seen: Mapping[str, object] | None = None
    ) -> None:
        self.level, self._toolchain, self._seen = level, toolchain, seen or {}
        self.executed = 0

    async def start(self) -> None:
        return

    async def toolchain(self, language: str) -> str:
        return self._toolchain

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        return [self._observe(request) for request in requests]

    def _observe(self, request: ExecutionRequest) -> Observation:
        self.executed += 1
        cases = (CaseObservation(index=0, status="returned", output=str(self.executed)),)
        fields = {
            "phase": Phase.RUN,
            "finished": True,
            "cases": cases,
            "level": self.level,
            "toolchain": self._toolchain,
            **self._seen,
        }
        return Observation.model_validate({"request_id": request.id, "language": request.language, **fields})

    async def close(self) -> None:
        return


def request(
    code: str = "x", identity: str = "a", stdins: tuple[str, ...] = ("1",), **limits: float
) -> ExecutionRequest:
    call = StdioCall(stdins=stdins)
    return ExecutionRequest(
        id=identity, language="python", code=code, call=call, limits=Limits.model_validate(limits)
    )


def executed(folder: Path, inner: Counting, one: ExecutionRequest, run: Run[Any]) -> int:
    """How many programs were run for this request by a sandbox that is opened anew on the folder."""
    sandbox, before = CachedSandbox(inner, folder), inner.executed
    (observation,) = run(sandbox.execute([one]))
    run(sandbox.close())
    assert observation.request_id == one.id
    return inner.executed - before


def test_the_same_request_is_run_once_whatever_it_is_called(tmp_path: Path, run: Run[Any]) -> None:
    inner = Counting()
    assert [executed(tmp_path, inner, request(identity=name), run) for name in "abc"] == [1, 0, 0]


OTHERS = [
    (Counting(), request(code="y")),
    (Counting(), request(cpu_s=4)),
    (Counting(), request(memory_mb=256)),
    (Counting(), request(stdins=("2",))),
    (Counting(level="B"), request()),
    (Counting(toolchain="python 3 abd"), request()),
]


@pytest.mark.parametrize(
    ("inner", "other"), OTHERS, ids=["program", "limit", "other limit", "input", "level", "toolchain"]
)
def test_another_program_limit_input_level_or_toolchain_is_run(
    inner: Counting, other: ExecutionRequest, tmp_path: Path, run: Run[Any]
) -> None:
    assert executed(tmp_path, Counting(), request(), run) == 1
    assert executed(tmp_path, inner, other, run) == 1
    assert executed(tmp_path, Counting(), request(), run) == 0


DONE = tuple(CaseObservation(index=n, status="returned", output="") for n in range(9))
MISSING = tuple(CaseObservation(index=n, status="missing") for n in range(9))
UNKEPT: dict[str, dict[str, object]] = {
    "a fault of the sandbox": {"infrastructure": "the slot broke"},
    "a missing toolchain": {"toolchain_missing": "apt-get install -y python3"},
    "a time-out when most was done": {"stop": Stop.CPU, "cases": DONE, "finished": False},
    "a time-out by wall time while it worked": {
        "stop": Stop.WALL,
        "cases": MISSING,
        "finished": False,
        "cpu_s": 2.0,
        "wall_s": 50.0,
    },
    "a kill that nobody sent": {"signal": 9, "cases": MISSING, "finished": False},
    "another toolchain than was asked for": {"toolchain": "python 3 other"},
    "another level than was asked for": {"level": "C"},
}
KEPT: dict[str, dict[str, object]] = {
    "a time-out that is none of the machine's": {
        "stop": Stop.CPU,
        "cases": MISSING,
        "finished": False,
        "cpu_s": 5.0,
    },
    "a program that only waits": {"stop": Stop.WALL, "cases": MISSING, "finished": False, "cpu_s": 0.01},
    "a memory limit": {"stop": Stop.MEMORY, "signal": 9, "cases": MISSING, "finished": False},
    "a compile error": {"phase": Phase.COMPILE, "cases": ()},
}


@pytest.mark.parametrize(
    ("seen", "runs"), [*((seen, 1) for seen in UNKEPT.values()), *((seen, 0) for seen in KEPT.values())]
)
def test_what_says_nothing_or_may_be_the_machines_is_not_kept(
    seen: dict[str, object], runs: int, tmp_path: Path, run: Run[Any]
) -> None:
    assert executed(tmp_path, Counting(seen=seen), request(), run) == 1
    assert executed(tmp_path, Counting(seen=seen), request(), run) == runs


def test_where_nobody_knows_the_toolchain_nothing_is_kept(tmp_path: Path, run: Run[Any]) -> None:
    inner = Counting(toolchain="")
    assert [executed(tmp_path, inner, request(), run) for _ in range(2)] == [1, 1]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own code, to change."""
    folder = tmp_path_factory.mktemp("copied") / "synth"
    shutil.copytree(ROOT / "synth", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def changed_key(copied: Path, name: str) -> str:
    """The key with a line more in one file."""
    file = copied / name
    before = file.read_bytes()
    file.write_bytes(before + b"\n")
    try:
        return own_code.__wrapped__(copied)
    finally:
        file.write_bytes(before)


DECIDES = (
    "execution/isolation/launcher/init.c",
    "execution/isolation/policy/seccomp.py",
    "execution/programs/program_plan.py",
    "execution/observations.py",
    "execution/remote/inside/program.py",
    "languages/ruby/driver.rb",
    "languages/python/__init__.py",
    "calls.py",
    "contracts.py",
    "records.py",
    "values.py",
)
DOES_NOT = (
    "verify/answers.py",
    "verify/formats/humaneval.py",
    "execution/local/run_queue.py",
    "execution/remote/fleet.py",
    "execution/cache/sqlite_store.py",
    "execution/verdict.py",
    "stages/execute.py",
    "config.py",
)


def test_the_key_does_not_hang_on_where_our_code_lies(copied: Path) -> None:
    assert own_code(copied) == own_code(ROOT / "synth")


@pytest.mark.parametrize("name", DECIDES)
def test_a_change_of_what_decides_an_observation_is_another_key(name: str, copied: Path) -> None:
    assert changed_key(copied, name) != own_code(ROOT / "synth")


@pytest.mark.parametrize("name", DOES_NOT)
def test_a_change_of_what_only_schedules_keeps_or_judges_is_the_same_key(name: str, copied: Path) -> None:
    assert changed_key(copied, name) == own_code(ROOT / "synth")


def covered(module: str) -> bool:
    path = module.removeprefix("synth.").replace(".", "/")
    return any(path == name.removesuffix(".py") or path.startswith(f"{name}/") for name in DECIDING)


def test_everything_that_takes_part_in_a_run_is_part_of_the_key() -> None:
    edges = graph()
    runs = reachable("synth.execution.programs.language_runner", edges)
    runs |= reachable("synth.execution.remote.items", edges)
    ours = {name for name in runs & edges.keys() if name.startswith("synth.")}
    outside = {name for name in ours if not covered(name)}
    words = {"synth.errors", "synth.plain_text", "synth.ids"}  # and hashes of equal things
    shapes = {"synth.wire_record", "synth.comparison_rules", "synth.config_base", "synth.seed_records"}
    chosen = {"synth.packages_config"}  # what is built is part of the toolchain's digest
    assert outside == words | shapes | chosen


# --- for real ---

TELLS_TIME = "import os, time\nprint(os.urandom(8).hex(), time.time_ns())\n"


def rows(count: int) -> list[dict[str, object]]:
    tests = {"kind": "stdio", "cases": [{"stdin": "", "stdout": "?"}]}
    return [
        {"id": n, "language": "python", "code": f"# {n}\n{TELLS_TIME}", "tests": tests} for n in range(count)
    ]


def told(answers: Iterator[VerifyResult]) -> dict[str, str]:
    return {answer.id: answer.cases[0].found for answer in answers}


def test_a_second_verify_executes_nothing_and_another_limit_does(
    local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    first = told(verify(rows(12), cache=tmp_path))
    assert len(set(first.values())) == 12
    assert told(verify(rows(12), cache=tmp_path)) == first
    other = told(verify(rows(12), cache=tmp_path, limits=Limits(cpu_s=4)))
    assert not set(first.values()) & set(other.values())


def test_the_recipe_switches_it_on(local_sandbox: LocalSandbox, tmp_path: Path) -> None:
    def once() -> dict[str, str]:
        return told(
            verify(rows(3), sandbox=create_sandbox(LocalConfig(cache=str(tmp_path / "cache"), cache_mb=8)))
        )

    assert once() == once()


VERIFY = """
import json, sys
from synth.execution.cache.cached_sandbox import CachedSandbox
from synth.execution.local.sandbox import LocalSandbox
from synth.verify.verify import verify
rows = [json.loads(line) for line in open(sys.argv[2])]
sandbox = CachedSandbox(LocalSandbox(2), __import__("pathlib").Path(sys.argv[1]))
found = {answer.id: answer.cases[0].found for answer in verify(rows, sandbox=sandbox)}
print(json.dumps([sandbox.run, sandbox.found, found]))
"""


def test_two_processes_at_once_share_what_they_find(local_sandbox: LocalSandbox, tmp_path: Path) -> None:
    count, file = 60, tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows(count)))
    command = [sys.executable, "-c", VERIFY, str(tmp_path / "cache"), str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    for process in both:
        printed, said = process.communicate(timeout=120)
        assert (process.returncode, said) == (0, "")
        ran, found, answers = json.loads(printed)
        assert (ran + found, len(answers)) == (count, count)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    assert json.loads(done.stdout)[:2] == [0, count]


# --- the file ---


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def seen(number: int, size: int = 0) -> Observation:
    text = random.Random(number).randbytes(size).hex()
    cases = (CaseObservation(index=0, status="returned", output=text),)
    return Observation(request_id="", language="python", phase=Phase.RUN, exit_code=number % 200, cases=cases)


def filled(folder: Path, count: int = 200) -> ResultStore:
    store = ResultStore(folder)
    store.write({key(n): seen(n, 200) for n in range(count)})
    return store


def test_what_is_written_is_read_by_the_next_one(tmp_path: Path) -> None:
    filled(tmp_path).close()
    store = ResultStore(tmp_path / "." / "")
    assert store.read([key(7), key(10**6)]) == {key(7): seen(7, 200)}
    assert len(store.read([key(n) for n in range(2000)])) == 200


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "another file":
        data = bytearray(b"not a database\n" * 1000)
    elif how == "another database":
        path.unlink()
        other = sqlite3.connect(path)
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE results (something TEXT)")
        other.close()
        return
    elif how == "cut off":
        del data[len(data) // 2 :]
    elif how == "pages overwritten":
        data[4096 : 3 * 4096] = random.Random(1).randbytes(2 * 4096)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["another file", "another database", "cut off", "pages overwritten"])
def test_a_damaged_file_is_left_with_a_note_and_a_new_one_is_begun(how: str, tmp_path: Path) -> None:
    filled(tmp_path).close()
    (path,) = tmp_path.glob("*.sqlite")
    damage(path, how)
    damaged, said = path.read_bytes(), list[str]()
    store = ResultStore(tmp_path, say=said.append)
    for n in range(200):
        assert store.read([key(n)]) in ({}, {key(n): seen(n, 200)})
        store.write({key(n): seen(n, 200)})
    assert len(store.read([key(n) for n in range(200)])) == 200
    store.close()
    assert len(said) == 1
    assert f"{path}: this result cache is damaged" in said[0]
    assert said[0] in path.with_suffix(".damaged").read_text()
    assert path.read_bytes() == damaged
    again = ResultStore(tmp_path, say=said.append)
    assert len(again.read([key(n) for n in range(200)])) == 200
    assert len(said) == 1


def test_an_entry_that_is_not_what_was_written_is_asked_again(tmp_path: Path) -> None:
    filled(tmp_path).close()
    (path,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(path) as database:
        (body,) = database.execute("SELECT body FROM results WHERE key = ?", (key(3),)).fetchone()
        database.execute(
            "UPDATE results SET body = ? WHERE key = ?",
            (body[:60] + bytes([body[60] ^ 1]) + body[61:], key(3)),
        )
    store = ResultStore(tmp_path)
    assert store.read([key(3), key(4)]) == {key(4): seen(4, 200)}
    store.write({key(3): seen(3, 200)})
    assert store.read([key(3)]) == {key(3): seen(3, 200)}


def test_the_file_stays_below_its_size_and_the_oldest_go(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, most_mb=1)
    for n in range(300):
        store.write({key(n): seen(n, 10_000)})
        assert sum(path.stat().st_size for path in tmp_path.iterdir() if path.suffix == ".sqlite") < 1.2 * (
            1 << 20
        )
    kept = store.read([key(n) for n in range(300)])
    numbers = [n for n in range(300) if key(n) in kept]
    assert numbers == list(range(300 - len(numbers), 300))
    assert 50 < len(numbers) < 110


def test_one_result_that_is_too_large_drives_out_nobody(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, most_mb=1)
    store.write({key(1): seen(1)})
    store.write({key(2): seen(2, 2 << 20)})
    assert store.read([key(1), key(2)]) == {key(1): seen(1)}


def test_a_folder_that_cannot_be_is_an_error_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="must be a writable folder"):
        ResultStore(tmp_path / "file" / "cache")


def test_a_cache_that_cannot_be_used_is_said_once_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "results-1.sqlite").mkdir()
    said = list[str]()
    store = ResultStore(tmp_path, say=said.append)
    for n in range(3):
        store.write({key(n): seen(n)})
        assert store.read([key(n)]) == {}
    assert len(said) == 1
    assert "so nothing is cached" in said[0]


def test_an_observation_is_never_given_for_another_request(tmp_path: Path) -> None:
    """A damaged index of SQLite finds a row under a wrong key; each row knows its own."""
    one, two = bytes(16), bytes([1]) * 16
    store = ResultStore(tmp_path)
    store.write({one: Observation(request_id="r", language="python", phase=Phase.RUN)})
    assert list(store.read([one])) == [one]
    store.close()
    with sqlite3.connect(tmp_path / "results-1.sqlite") as file:
        file.execute("UPDATE results SET key = ?", (two,))
    again = ResultStore(tmp_path)
    assert again.read([one, two]) == {}
    again.close()


def test_another_set_of_system_libraries_is_another_key(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "ld.so.cache").write_bytes(b"one")
    before = system_libraries(tmp_path)
    assert system_libraries(tmp_path) == before
    (tmp_path / "etc" / "ld.so.cache").write_bytes(b"another")
    assert system_libraries(tmp_path) != before


@pytest.mark.parametrize("kind", ["link", "open", "ours"])
def test_the_fallback_of_the_cache_folder_is_a_closed_folder_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder, other = tmp_path / f"codemill-{os.geteuid()}", tmp_path / "other"
    other.mkdir(mode=0o700)
    if kind == "link":
        folder.symlink_to(other)
    else:
        folder.mkdir(mode=0o755 if kind == "open" else 0o700)
    if kind == "ours":
        assert cache_folder() == folder
    else:
        with pytest.raises(SandboxError, match="XDG_CACHE_HOME"):
            cache_folder()
