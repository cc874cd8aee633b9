"""Checks whether right programs are ever rejected, and whether verdicts repeat, also on a busy machine.

It uses programs of the pocket world: held-out tasks, rendered correctly and with a mistake,
in four languages.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from benchmarks.executor.row import Row, none_of
from posttrain.pocket.chains import listed_chains, mutate
from posttrain.pocket.heldout import held_out_tasks
from posttrain.pocket.programs import draw_style, render_program
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.verdict import judge
from synth.languages.toolchain import find_toolchain
from synth.records import ExecutionRequest, Limits, Outcome, TestSuite

LANGUAGES = ("python", "javascript", "java", "cpp")
GOLD, RUNS = 520, 5
Program = tuple[ExecutionRequest, TestSuite, bool]


async def verdict_rows() -> list[Row]:
    """Counts gold programs that are rejected, and programs whose verdict differs between five runs, the last
    of them beside busy processes."""
    judged = list(programs())
    outcomes = []
    for run in range(RUNS):
        with _busy(2 * (os.cpu_count() or 1) if run == RUNS - 1 else 0):
            outcomes.append(await _judge(judged))
    rejected = sum(
        outcome is not Outcome.PASS for (_, _, gold), outcome in zip(judged, outcomes[0], strict=True) if gold
    )
    equal = sum(len(set(found)) == 1 for found in zip(*outcomes, strict=True)) / len(judged)
    return [
        none_of("gold programs rejected", rejected, f"of {sum(gold for _, _, gold in judged)}"),
        Row(
            f"equal verdicts over {RUNS} runs, one beside busy processes",
            f"{equal:.2%} of {len(judged)}",
            "99.9%",
            equal >= 0.999,
        ),
    ]


def programs() -> Iterator[Program]:
    """A request, the suite that judges it, and whether it is right."""
    random, limits = Random(0), Limits(cpu_s=2, memory_mb=256)
    languages = [name for name in LANGUAGES if find_toolchain(name) is not None]
    tasks, chains = held_out_tasks(), listed_chains("heldout")
    for number in range(GOLD):
        at, language = number % len(tasks), languages[(number + number // len(tasks)) % len(languages)]
        suite, style = tasks[at].suite, draw_style(random)
        for gold in (True, False) if number % 4 == 0 else (True,):
            chain = chains[at] if gold else mutate(chains[at], random)
            code = render_program(chain, language, style)
            yield (
                ExecutionRequest(
                    id=f"{number}{gold}", language=language, code=code, call=suite.call(), limits=limits
                ),
                suite,
                gold,
            )


async def _judge(judged: list[Program]) -> list[Outcome]:
    sandbox = LocalSandbox()
    await sandbox.start()
    try:
        seen = await sandbox.execute([request for request, _, _ in judged])
    finally:
        await sandbox.close()
    return [
        judge(observation, suite, "s").outcome
        for observation, (_, suite, _) in zip(seen, judged, strict=True)
    ]


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """Run this many processes that only count."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
