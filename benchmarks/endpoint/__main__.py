"""`python -m benchmarks.endpoint`: requests a second of the endpoint client with its journal, beside a bare
aiohttp loop that sends the same bodies, in alternation, against a server in a process of its own.

Exit code 1 if an answer is missing from the journal; a ratio that misses its aim is marked. Compare ratios
from one run, never requests a second from different runs.
"""

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.endpoint.server import fixed_endpoint
from synth.cli.app import collect_seldom
from synth.config import OpenaiEngineConfig, SamplingConfig
from synth.generation.journal import JournalledEngine
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.protocol import GenerationRequest
from synth.generation.responses import ResponseFiles
from synth.records import Message

AIMS = {0.0: 0.5, 0.05: 0.95}
"""Least share of the bare loop's requests a second, by the delay of the answers in seconds."""
MOST_CPU_MS = 0.6
SAMPLING = SamplingConfig(temperature=0.7, max_tokens=256)
PROMPT = "Write a function that returns the sum of the list. " * 16


class Speed(NamedTuple):
    """One run: requests a second, and CPU milliseconds of this process a request."""

    rate: float
    cpu_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure at each delay and print a table."""
    options = _parser().parse_args(arguments)
    collect_seldom()  # as each command does; for both sides alike
    table = Table("figure", "bare", "codemill", "ratio", "aim", "", title="endpoint", title_justify="left")
    complete = True
    for delay_s, aim in AIMS.items():
        with fixed_endpoint(delay_s) as url:
            bare, ours, is_complete = _alternate(url, options)
        complete &= is_complete
        ratio = statistics.median(b.rate / a.rate for a, b in zip(bare, ours, strict=True))
        rates = [statistics.median(one.rate for one in runs) for runs in (bare, ours)]
        name = f"requests/s, answers after {delay_s * 1000:.0f} ms"
        table.add_row(
            name,
            *(f"{rate:,.0f}" for rate in rates),
            f"{ratio:.2f}",
            f">= {aim}",
            "" if ratio >= aim else "missed",
        )
        cpu = [statistics.median(one.cpu_ms for one in runs) for runs in (bare, ours)]
        table.add_row(
            "CPU ms a request",
            *(f"{ms:.3f}" for ms in cpu),
            f"{cpu[1] / cpu[0]:.2f}",
            f"<= {MOST_CPU_MS} ms",
            "" if cpu[1] <= MOST_CPU_MS else "missed",
        )
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(table)
    return 0 if complete else 1


def _alternate(url: str, options: argparse.Namespace) -> tuple[list[Speed], list[Speed], bool]:
    bare, ours, complete = [], [], True
    for _ in range(options.alternations):
        bare.append(asyncio.run(_ask_bare(url, options.requests, options.in_flight)))
        with tempfile.TemporaryDirectory() as folder:
            ours.append(asyncio.run(_ask_ours(url, options.requests, options.in_flight, Path(folder))))
            complete &= len(ResponseFiles(Path(folder))) == 2 * options.requests
    return bare, ours, complete


async def _ask_bare(url: str, count: int, in_flight: int) -> Speed:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(number: int) -> None:
            body = {
                "model": "mock",
                "messages": [{"role": "user", "content": PROMPT}],
                "temperature": SAMPLING.temperature,
                "max_tokens": SAMPLING.max_tokens,
                "seed": number,
            }
            async with session.post(f"{url}/chat/completions", json=body) as response:
                await response.json()

        return await _measure(ask, count, in_flight)


async def _ask_ours(url: str, count: int, in_flight: int, folder: Path) -> Speed:
    config = OpenaiEngineConfig(base_url=url, model="mock", concurrency=in_flight)
    engine = JournalledEngine(OpenaiApiEngine(config), folder)
    await engine.start()
    messages = (Message(role="user", content=PROMPT),)
    callers = 2 * in_flight  # as in a run, where more units wait than calls may be open

    async def ask(number: int) -> None:
        await engine.generate(GenerationRequest(messages=messages, sampling=SAMPLING, seed=number))

    try:
        return await _measure(ask, count, callers)
    finally:
        await engine.close()


async def _measure(ask: Callable[[int], Awaitable[None]], count: int, in_flight: int) -> Speed:
    """As many requests again warm it up: connections are open and modules loaded."""
    await _ask_all(ask, range(count), in_flight)
    started, cpu = time.perf_counter(), _cpu_s()
    await _ask_all(ask, range(count, 2 * count), in_flight)
    return Speed(count / (time.perf_counter() - started), 1000 * (_cpu_s() - cpu) / count)


async def _ask_all(ask: Callable[[int], Awaitable[None]], numbers: range, in_flight: int) -> None:
    left = iter(numbers)

    async def work() -> None:
        for number in left:
            await ask(number)

    await asyncio.gather(*(work() for _ in range(in_flight)))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.endpoint", description="The endpoint client beside a bare aiohttp loop."
    )
    parser.add_argument("--requests", type=int, default=5000, help="requests a run")
    parser.add_argument("--in-flight", type=int, default=256, help="requests in flight")
    parser.add_argument("--alternations", type=int, default=5, help="runs of each, in turn")
    return parser


if __name__ == "__main__":
    sys.exit(main())
