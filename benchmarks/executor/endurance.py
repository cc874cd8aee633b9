"""Endurance: many programs in one go, and a killed supervisor. Measures growth, leftovers and losses."""

import json
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from benchmarks.executor.row import Row, at_most, none_of
from benchmarks.resume.command import Command, run_to_end
from synth.execution.local.sandbox import LocalSandbox
from synth.records import ExecutionRequest, FunctionCall, Limits, Outcome

CHUNK: Final = 500
ROWS: Final = 3000


async def hold_out(programs: int) -> list[Row]:
    """Run this many distinct Python programs through one sandbox. Measures memory after a tenth and at the
    end, and leftovers."""
    process, temporary = psutil.Process(), Path(tempfile.gettempdir())
    before = set(temporary.iterdir())
    sandbox = LocalSandbox(remembered=CHUNK)
    await sandbox.start()
    started, early, descriptors = time.perf_counter(), 0, 0
    for start in range(0, programs, CHUNK):
        await sandbox.execute([_request(number) for number in range(start, min(programs, start + CHUNK))])
        if not early and start >= programs // 10:
            early, descriptors = process.memory_info().rss, process.num_fds()
    seconds, late = time.perf_counter() - started, process.memory_info().rss
    leaked = process.num_fds() - descriptors
    await sandbox.close()
    text = f"{early / 2**20:.0f} MB, then {late / 2**20:.0f} MB; {programs / seconds:.0f} programs/s"
    return [
        at_most(f"memory after {programs} programs against after a tenth", late / early, 1.1, text),
        none_of("descriptors more than after a tenth", max(0, leaked)),
        none_of("processes left", len(process.children(recursive=True))),
        none_of("files left in the folder for temporary files", len(set(temporary.iterdir()) - before)),
    ]


def _request(number: int) -> ExecutionRequest:
    call = FunctionCall(entry_point="solve", signature="(int) -> int", arguments=(("i2",), ("i5",)))
    return ExecutionRequest(
        id=str(number),
        language="python",
        code=f"def solve(n):\n    return n * {number}\n",
        call=call,
        limits=Limits(),
    )


def killed_supervisor() -> list[Row]:
    """Kill `codemill verify` with -9 in the middle and restart it. Some rows are slow, so that others
    wait behind them."""
    with tempfile.TemporaryDirectory() as folder:
        rows, out, log = (Path(folder) / name for name in ("rows.jsonl", "out.jsonl", "log"))
        rows.write_text("".join(_verify_row(number) for number in range(ROWS)))
        arguments = ["verify", str(rows), "-o", str(out)]
        first = Command(arguments, log)
        while first.is_running and (not out.exists() or out.stat().st_size < 50_000):
            time.sleep(0.05)
        killed = first.kill()
        kept = out.read_bytes().count(b"\n")
        second = run_to_end(arguments, log)
        answers = [json.loads(line) for line in out.read_text().splitlines()]
    wrong = sum(answer["verdict"] != Outcome.PASS.value for answer in answers)
    return [
        none_of(f"processes left by kill -9, with {kept} of {ROWS} verdicts written", len(killed.survivors)),
        none_of(
            "verdicts lost or made twice",
            abs(len(answers) - ROWS) + abs(len({answer["id"] for answer in answers}) - ROWS),
        ),
        none_of("verdicts other than pass", wrong),
        none_of("exit code of the command that went on", second.code),
    ]


def _verify_row(number: int) -> str:
    tests = {
        "kind": "function",
        "entry_point": "f",
        "signature": "(int) -> int",
        "cases": [{"input": [2], "output": 2 + number}],
    }
    slow = "    import time\n    time.sleep(1)\n" if number % 50 == 3 else ""
    code = f"def f(x):\n{slow}    return x + {number}\n"
    return json.dumps({"id": f"r{number}", "language": "python", "code": code, "tests": tests}) + "\n"
