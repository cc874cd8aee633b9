"""`python -m benchmarks.serve`: the reward server beside `codemill verify` on the same rows, and under a
hostile load.

Two parts. Speed: requests a second at 256 in flight, against rows a second of the command, and with
`--against` against another server of the protocol. Mixed: arrivals at a rate that keeps the cores half busy,
5% of them hangs, memory bombs and floods, against the same rate of honest programs alone; a time-out that is
not the program's own is a wrong answer. `--rows 0` or `--requests 0` leaves a part out; the whole is
`--requests 100000`. Exit code 1 if an answer is wrong; a ratio that misses its aim is marked.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.executor.row import Row, at_least, at_most, none_of
from benchmarks.serve.load import Sent, ServerProcess, codemill_server, send_at_once, send_at_rate
from benchmarks.serve.programs import HOSTILE_SHARE, Program, honest, hostile, mixed

RUN_S = 1.0
"""The time limit of the mixed load."""
_LOOK_S = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both parts and print a table."""
    options = _parser().parse_args(arguments)
    rows = [*(_speed(options) if options.rows else ()), *(_mixed(options) if options.requests else ())]
    table = Table("figure", "found", "aim", "", title="serve", title_justify="left")
    for row in rows:
        table.add_row(row.name, row.text, row.aim, "" if row.is_right else "missed")
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(table)
    return 0 if all(row.is_right for row in rows if row.must) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--rows", type=int, default=2000, help="programs of the speed part; 0 = leave it out")
    parser.add_argument("--in-flight", type=int, default=256, help="requests at once in the speed part")
    parser.add_argument("--alternations", type=int, default=3, help="runs of each side in the speed part")
    parser.add_argument(
        "--requests", type=int, default=2000, help="requests of each run of the mixed part; 0 = leave it out"
    )
    parser.add_argument("--rate", type=float, default=0.0, help="arrivals a second; 0 = half busy cores")
    parser.add_argument(
        "--against", default="", help="address of another server of the protocol to compare with"
    )
    return parser


def _speed(options: argparse.Namespace) -> list[Row]:
    count, ours, theirs, other, wrong, theirs_wrong = options.rows, [], [], [], 0, 0
    with codemill_server() as server:
        asyncio.run(send_at_once(server.url, map(honest, range(-64, 0)), 64, 5.0))
        for turn in range(options.alternations):
            programs = [honest(turn * count + number) for number in range(count)]
            theirs.append(_verify_rate(programs))
            rate, missed = _request_rate(server.url, programs, options.in_flight)
            ours.append(rate)
            wrong += missed
            if options.against:
                rate, missed = _request_rate(options.against.rstrip("/"), programs, options.in_flight)
                other.append(rate)
                theirs_wrong += missed
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    text = f"{statistics.median(ours):.0f}/s, verify {statistics.median(theirs):.0f}/s"
    found = [
        at_least(f"/run_code, {options.in_flight} in flight, against codemill verify", ratio, 0.5, text),
        none_of("wrong answers", wrong, f"of {count * options.alternations}"),
    ]
    if other:
        against = statistics.median(a / b for a, b in zip(ours, other, strict=True))
        text = f"{statistics.median(other):.0f}/s, {theirs_wrong} of its answers wrong"
        found.append(at_least("against the other server", against, 3.0, text))
    return found


def _request_rate(url: str, programs: Sequence[Program], in_flight: int) -> tuple[float, int]:
    """Requests a second, and how many answers were wrong."""
    began = time.monotonic()
    sent = asyncio.run(send_at_once(url, programs, in_flight, 5.0))
    return len(sent) / (time.monotonic() - began), sum(not one.is_right for one in sent)


def _verify_rate(programs: Sequence[Program]) -> float:
    """Rows a second of the command, without the start of its interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows.jsonl")
        with rows.open("w", encoding="utf-8") as file:
            for number, one in enumerate(programs):
                tests = {"kind": "stdio", "cases": [{"stdin": one.stdin, "stdout": one.prints}]}
                file.write(
                    json.dumps({"id": number, "language": "python", "code": one.code, "tests": tests}) + "\n"
                )
        command = [sys.executable, "-m", "posttrain.cli", "verify", "--json", str(rows)]
        done = subprocess.run(
            [*command, "-o", str(Path(folder, "out"))], check=True, capture_output=True, text=True
        )
        found = json.loads(done.stdout)
        if found["verdicts"] != {"pass": len(programs)}:
            raise RuntimeError(f"the command judged otherwise: {found['verdicts']}")
        return len(programs) / float(found["wall_s"])


def _mixed(options: argparse.Namespace) -> list[Row]:
    count = options.requests
    with codemill_server() as server:
        url = server.url
        rate = options.rate or _half_busy(url)
        alone = asyncio.run(send_at_rate(url, map(honest, range(count)), rate, RUN_S, 1))
        memory = _Memory(server)
        both = asyncio.run(_watched(memory, send_at_rate(url, mixed(count, 2), rate, RUN_S, 2)))
    wrong = [one for one in (*alone, *both) if not one.is_right]
    for one in wrong[:5]:
        print(f"wrong: {one.program.kind} after {one.seconds:.1f} s: {one.said}", file=sys.stderr)
    kinds = Counter(one.program.kind for one in both)
    slow = _percentile(both, 99) / _percentile(alone, 99)
    text = f"{_percentile(both, 99) * 1000:.0f} ms, alone {_percentile(alone, 99) * 1000:.0f} ms"
    return [
        none_of(f"wrong answers at {rate:.1f}/s, {dict(kinds)}", len(wrong), f"of {len(alone) + len(both)}"),
        at_most("p99 of honest programs, against honest ones alone", slow, 5.0, text),
        at_most("memory of the server, last tenth against first", memory.growth(), 1.2, memory.text()),
    ]


class _Memory:
    """What the server holds, looked at again and again."""

    def __init__(self, server: ServerProcess) -> None:
        self._server, self._seen = server, [server.memory_mb()]

    async def look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self._seen.append(self._server.memory_mb())

    def growth(self) -> float:
        """The median of the last tenth against that of the first."""
        tenth = max(1, len(self._seen) // 10)
        return statistics.median(self._seen[-tenth:]) / statistics.median(self._seen[:tenth])

    def text(self) -> str:
        return f"{self._seen[0]:.0f} MB at first, at most {max(self._seen):.0f}, {self._seen[-1]:.0f} at last"


async def _watched(memory: _Memory, sending: Coroutine[None, None, list[Sent]]) -> list[Sent]:
    looking = asyncio.create_task(memory.look())
    try:
        return await sending
    finally:
        looking.cancel()


def _half_busy(url: str) -> float:
    """Arrivals a second that keep the cores half busy, from what each kind takes when it runs alone."""
    usual = asyncio.run(send_at_once(url, map(honest, range(-120, -20)), 1, RUN_S))
    bad = asyncio.run(send_at_once(url, map(hostile, range(-6, 0)), 1, RUN_S))
    taken = [statistics.mean(one.seconds for one in sent) for sent in (usual, bad)]
    mean_s = (1 - HOSTILE_SHARE) * taken[0] + HOSTILE_SHARE * taken[1]
    return 0.5 * len(os.sched_getaffinity(0)) / mean_s


def _percentile(sent: Sequence[Sent], percent: int) -> float:
    """Of the seconds of honest programs."""
    seconds = sorted(one.seconds for one in sent if one.program.is_honest)
    return seconds[min(len(seconds) - 1, len(seconds) * percent // 100)]


if __name__ == "__main__":
    sys.exit(main())
