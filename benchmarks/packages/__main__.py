"""`python -m benchmarks.packages`: programs per second that import a package, each in complete isolation,
compared with bare interpreters that import it and do nothing else.

Both sides see the same packages: the machine's, and the default set if it was built. They take turns, and as
many run at a time on either side, so that a busy machine slows both. One row for each package and each kind
of tests; the tests of a script import it as well, as those of HumanEval+ do. Beside the rates stands the CPU
time of a program, in which busy neighbours have less part: ours is what each program states, and what this
process and its helpers use from the sandbox's start to its end, shared among all. Exit code 1 if a program
did not end as it must; a ratio that misses its aim is marked.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.executor.row import Row, at_least
from synth.execution.local.sandbox import THREADS_PER_CORE, LocalSandbox
from synth.languages.toolchain import Toolchain, find_toolchain
from synth.packages.store import ChosenPackages
from synth.records import Call, ExecutionRequest, FunctionCall, Limits, Phase, ScriptCall, StdioCall
from synth.values import encode

AIM: Final = 5.0
SOLVE: Final = {
    "numpy": "import numpy as np\n\ndef solve(xs):\n    return int(np.array(xs).sum())\n",
    "pandas": "import pandas as pd\n\ndef solve(xs):\n    return int(pd.Series(xs).sum())\n",
}
CALLS: Final[dict[str, Call]] = {
    "typed calls": FunctionCall(
        entry_point="solve", signature="(list[int]) -> int", arguments=((encode([1, 2, 3]),),)
    ),
    "stdin and stdout": StdioCall(stdins=("1 2 3\n",)),
    "scripts": ScriptCall(script="import {package}\nassert solve([1, 2, 3]) == 6\nassert {package}\n"),
}
MAIN: Final = "\nprint(solve([int(word) for word in input().split()]))\n"
BEFORE: Final = 16
"""Programs that run before counting starts: a zygote that has loaded a package serves many."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.packages", description="Packages, warm and cold."
    )
    parser.add_argument("--package", action="append", choices=SOLVE, help="this one only; may be given again")
    parser.add_argument("--turns", type=int, default=5, help="turns of each side")
    parser.add_argument("--programs", type=int, default=200, help="our programs in a turn")
    parser.add_argument("--bare", type=int, default=16, help="bare interpreters in a turn")
    options = parser.parse_args(arguments)
    table = Table("figure", "measured", "aim", "")
    for package in options.package or SOLVE:
        for row in asyncio.run(_rows(package, options)):
            table.add_row(row.name, row.text, row.aim, "" if row.is_right else "missed")
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(table)
    return 0


async def _rows(package: str, options: argparse.Namespace) -> list[Row]:
    rows, chosen, found = list[Row](), ChosenPackages(), find_toolchain("python")
    if found is None:
        sys.exit("there is no python3")
    toolchain = chosen.extend("python", found)
    for kind in CALLS:
        sandbox = LocalSandbox(packages=chosen)
        threads, began, bare_cpu = sandbox.workers * THREADS_PER_CORE, _cpu_s(), 0.0
        await sandbox.start()
        try:
            ours, theirs, stated = 0.0, 0.0, 0.0
            await _run(sandbox, package, kind, range(BEFORE))
            _bare(toolchain, package, threads, threads)
            for turn in range(options.turns):
                first = BEFORE + turn * options.programs
                wall, cpu = await _run(sandbox, package, kind, range(first, first + options.programs))
                ours, stated = ours + wall, stated + cpu
                before = _cpu_s()
                theirs += _bare(toolchain, package, options.bare, threads)
                bare_cpu += _cpu_s() - before
        finally:
            await sandbox.close()
        programs, bare = options.turns * options.programs, options.turns * options.bare
        our_ms, their_ms = (stated + _cpu_s() - began - bare_cpu) / programs * 1000, bare_cpu / bare * 1000
        ours, theirs = programs / ours, bare / theirs
        name = f'{package} in {kind} against `python3 -c "import {package}"`'
        rows.append(at_least(name, ours / theirs, AIM, f"{ours:.1f}/s, {theirs:.1f}/s"))
        name = f"the same, CPU time of {package} in {kind}"
        rows.append(at_least(name, their_ms / our_ms, AIM, f"{their_ms:.1f} ms, {our_ms:.1f} ms"))
    return rows


def _cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended; a sandbox's programs are none."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def _run(sandbox: LocalSandbox, package: str, kind: str, numbers: range) -> tuple[float, float]:
    """The seconds that these programs take, and the CPU seconds that they state."""
    requests = [_request(package, kind, number) for number in numbers]
    started = time.perf_counter()
    seen = await sandbox.execute(requests)
    seconds = time.perf_counter() - started
    for one in seen:
        if one.phase is not Phase.RUN or one.infrastructure or one.exit_code:
            sys.exit(f"{package} in {kind}: a program did not run to its end: {one}")
    return seconds, sum(one.cpu_s for one in seen)


def _request(package: str, kind: str, number: int) -> ExecutionRequest:
    call = CALLS[kind]
    if isinstance(call, ScriptCall):
        call = ScriptCall(script=call.script.format(package=package))
    code = SOLVE[package] + (MAIN if isinstance(call, StdioCall) else "")
    limits = Limits(cpu_s=20, wall_s=120)
    return ExecutionRequest(
        id=str(number), language="python", code=f"{code}# {number}\n", call=call, limits=limits
    )


def _bare(toolchain: Toolchain, package: str, count: int, threads: int) -> float:
    """The seconds that so many interpreters take."""

    def run_one(_: int) -> None:
        command = [toolchain.tools["python3"], "-c", f"import {package}"]
        subprocess.run(command, env={**toolchain.environment, "OMP_NUM_THREADS": "1"}, cwd="/", check=True)

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run_one, range(count)))
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
