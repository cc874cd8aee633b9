"""A server in a process of its own, and clients that send it programs: so many at once, or so many a second.

Place in the flow: `__main__.py` measures with it. The one rule: an answer counts only if it is the right one.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import aiohttp
import psutil

from benchmarks.serve.programs import Program, is_right

_PATIENCE_S = 600


class Sent(NamedTuple):
    """One request: its program, seconds to the answer, whether that was right, and what was wrong with it."""

    program: Program
    seconds: float
    is_right: bool
    said: str


class ServerProcess(NamedTuple):
    """A server under test."""

    url: str
    process: psutil.Process

    def memory_mb(self) -> float:
        """What the server itself holds; its sandboxes have limits of their own."""
        return float(self.process.memory_info().rss) / (1 << 20)


@contextmanager
def codemill_server(*options: str) -> Iterator[ServerProcess]:
    """`codemill serve` on a free port."""
    command = [sys.executable, "-m", "posttrain.cli", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the server did not start")
            yield ServerProcess(url, psutil.Process(process.pid))
        finally:
            process.terminate()


async def send_at_once(url: str, programs: Iterable[Program], in_flight: int, run_s: float) -> list[Sent]:
    """All programs, `in_flight` at a time."""
    waiting, found = iter(programs), list[Sent]()

    async def client(session: aiohttp.ClientSession) -> None:
        for program in waiting:
            found.append(await _ask(session, url, program, run_s))

    async with _session() as session:
        await asyncio.gather(*(client(session) for _ in range(in_flight)))
    return found


async def send_at_rate(
    url: str, programs: Iterable[Program], rate: float, run_s: float, seed: int
) -> list[Sent]:
    """All programs, at random moments, `rate` of them a second, whatever the server does."""
    rng, tasks = random.Random(seed), list[asyncio.Task[Sent]]()
    async with _session() as session:
        begin, at = time.monotonic(), 0.0
        for program in programs:
            at += rng.expovariate(rate)
            await asyncio.sleep(max(0.0, begin + at - time.monotonic()))
            tasks.append(asyncio.create_task(_ask(session, url, program, run_s)))
        return list(await asyncio.gather(*tasks))


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=_PATIENCE_S)
    )


async def _ask(session: aiohttp.ClientSession, url: str, program: Program, run_s: float) -> Sent:
    body = {
        "code": program.code,
        "language": "python",
        "stdin": program.stdin,
        "run_timeout": run_s,
        "memory_limit_MB": 256,
    }
    began = time.monotonic()
    async with session.post(f"{url}/run_code", json=body) as response:
        answer = await response.json() if response.status == 200 else await response.text()
    right = response.status == 200 and is_right(program, answer)
    return Sent(program, time.monotonic() - began, right, "" if right else str(answer)[:300])
