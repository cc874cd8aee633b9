"""`python -m benchmarks.method.speed_pairs`: whether pairs by speed are right about which program is faster.

Each planted task has two fast programs and a slow one, and each of them once more under other names. The
stage that times programs, and the rule that pairs them, run in the sandbox of this machine as it is, and
beside programs that keep every core twice busy. A pair is right if its chosen program is fast and its
rejected one slow; one of two fast or of two slow programs is a false one. `one run` is the same rule with the
times of the first repeat alone, which is what a single measurement would pair.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.method.planted_speed import TASKS, PlantedTask, renamed
from synth.config import LocalSandboxConfig, Recipe
from synth.execution.factory import create_sandbox
from synth.execution.protocol import Sandbox
from synth.proportions import wilson_interval
from synth.records import (
    Case,
    EvidenceRank,
    FunctionContract,
    Outcome,
    Solution,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.rules.speed_pairs import Timed, Timing, choose_speed_pairs
from synth.select_config import SpeedConfig
from synth.stages.context import Context
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.speed import SpeedStage
from synth.values import encode

LANGUAGE = "python"


class Counts(NamedTuple):
    """What was paired over all tasks."""

    right: int
    wrong: int
    """The slow one chosen."""
    same: int
    """Two of one kind."""
    possible: int
    """Tasks, each of which has programs to pair."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.speed_pairs", description=__doc__)
    parser.add_argument("--random-seeds", default="0,1,2", help="seeds of the order of programs")
    options = parser.parse_args(arguments)
    seeds = [int(seed) for seed in options.random_seeds.split(",")]
    table = Table(
        "machine", "rule", "pairs", "right", "the slow one chosen", "two of one kind", "tasks paired"
    )
    for load in (0, 2):
        with busy(load * (os.cpu_count() or 1)):
            found = [asyncio.run(measure(seed)) for seed in seeds]
        for rule in ("every repeat", "one run"):
            table.add_row("busy" if load else "as it is", rule, *_row([one[rule] for one in found]))
    console = Console(width=None if sys.stdout.isatty() else 130)
    console.print(table)
    return 0


def _row(counts: Sequence[Counts]) -> Iterator[str]:
    right, wrong, same = (sum(one[at] for one in counts) for at in range(3))
    pairs, possible = right + wrong + same, sum(one.possible for one in counts)
    yield str(pairs)
    yield _share(right, pairs)
    yield str(wrong)
    yield str(same)
    yield _share(right, possible)


def _share(count: int, of: int) -> str:
    if not of:
        return "-"
    low, high = wilson_interval(count / of, of)
    return f"{count / of:.1%} ({low:.1%} to {high:.1%})"


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that compute all the time."""
    spin = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spin:
            process.kill()
            process.wait()


async def measure(seed: int) -> dict[str, Counts]:
    """Pairs of all tasks by both rules."""
    random = Random(seed)
    sandbox = create_sandbox(LocalSandboxConfig())
    await sandbox.start()
    try:
        found: dict[str, list[Counts]] = {"every repeat": [], "one run": []}
        for task in TASKS:
            for rule, counts in (await _of_task(task, random, sandbox)).items():
                found[rule].append(counts)
    finally:
        await sandbox.close()
    return {
        rule: Counts(*(sum(one[at] for one in counts) for at in range(4))) for rule, counts in found.items()
    }


async def _of_task(planted: PlantedTask, random: Random, sandbox: Sandbox) -> dict[str, Counts]:
    programs = [(code, True) for code in planted.fast] + [(planted.slow, False)]
    programs += [(renamed(code), is_fast) for code, is_fast in programs]
    random.shuffle(programs)
    config = SpeedConfig(per_prompt=3)
    units, kinds = _units(planted, programs)
    state = ShardState(1, "00000")
    state.add("", StageResult((), tuple(units)))
    stage = SpeedStage(_context(sandbox, config))
    result = await stage.run(state)
    solutions = {one.id: one for one in units if isinstance(one, Solution)}
    timings = [one for one in result.made if isinstance(one, Timing)]
    single = [one.model_copy(update={"cpu_ms": one.cpu_ms[:1]}) for one in timings]
    return {
        rule: _count([Timed(solutions[one.solution_id], one) for one in times], config, kinds)
        for rule, times in (("every repeat", timings), ("one run", single))
    }


def _count(timed: Sequence[Timed], config: SpeedConfig, kinds: dict[str, bool]) -> Counts:
    pairs = [
        (kinds[one.fast.solution.id], kinds[one.slow.solution.id])
        for one in choose_speed_pairs(timed, config, 100.0)
    ]
    right = sum(fast and not slow for fast, slow in pairs)
    wrong = sum(slow and not fast for fast, slow in pairs)
    # two slow programs, so at most two right pairs of a task
    return Counts(right, wrong, len(pairs) - right - wrong, 2)


def _units(planted: PlantedTask, programs: Sequence[tuple[str, bool]]) -> tuple[list[Unit], dict[str, bool]]:
    contract = FunctionContract(entry_point="solve", signature=planted.signature, parameter_names=("xs",))
    cases = tuple(
        Case(arguments=tuple(map(encode, row)), expected="i1")  # type: ignore[arg-type]
        for row in planted.rows
    )
    suite = TestSuite(task_id="task", contract=contract, cases=cases, rank=EvidenceRank.REFERENCE)
    task = Task(id="task", round=1, instruction=planted.name, natural_language="en", contract=contract)
    units: list[Unit] = [task, suite]
    for at, (code, _) in enumerate(programs):
        units.append(
            Solution(id=f"s{at}", task_id="task", language=LANGUAGE, code=code, index=at, policy="planted")
        )
        units.append(
            Verdict(
                solution_id=f"s{at}",
                task_id="task",
                outcome=Outcome.PASS,
                passed=1,
                total=1,
                rank=suite.rank,
            )
        )
    return units, {f"s{at}": is_fast for at, (_, is_fast) in enumerate(programs)}


def _context(sandbox: Sandbox, config: SpeedConfig) -> Context:
    from pathlib import Path

    data = {"seeds": {"kind": "pocket"}, "instruct": {}, "solve": {}, "pairs": {"speed": config.model_dump()}}
    recipe = Recipe.model_validate({"name": "speed", "engine": {"kind": "vllm_server"}, "data": data})
    assert recipe.data is not None
    return Context(recipe, recipe.data, Path(), sandbox)


if __name__ == "__main__":
    sys.exit(main())
