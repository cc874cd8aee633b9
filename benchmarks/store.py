"""Benchmark of the store: write, funnel, conservation, one page and one unit over many index rows.

`python benchmarks/store.py [--rows 1000000] [--shard-rows 1000]` prints milliseconds (median and worst of the
warm repeats) and, for the funnel, the share of its 100 ms budget. Everything goes through the store's public
functions.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from synth.records import Decision, IndexRow
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.units import find_unit
from synth.store.views import conservation_problems, funnel, rejected

STAGES = ("snippet", "instruct", "inputs", "solve", "execute", "verdict", "select", "near_dedup")
REASONS = ("wrong_answer", "runtime_error", "timeout", "near_duplicate")
LANGUAGES = ("python", "javascript", "java", "cpp")
FUNNEL_BUDGET_MS = 100.0


def write_run(folder: RunFolder, rows: int, shard_rows: int) -> float:
    """Commit this many rows, spread over the stages. Returns the seconds."""
    started = time.perf_counter()
    shards = rows // (len(STAGES) * shard_rows)
    for stage in STAGES:
        for shard in range(shards):
            found = [_row(stage, f"{shard:05d}", shard * shard_rows + number) for number in range(shard_rows)]
            folder.commits.record_entered(stage, 1, f"{shard:05d}", [row.unit_id for row in found])
            folder.commits.commit(stage, 1, f"{shard:05d}", found, {})
    return time.perf_counter() - started


def time_ms(call: Callable[[], object], repeats: int = 7) -> tuple[float, float]:
    """Median and worst of the repeats, after a warm-up."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times), max(times)


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shard-rows", type=int, default=1000)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        RunFolder.create_or_resume(Path(folder), "bench", RunIdentity(recipe={})) as run,
    ):
        seconds = write_run(run, options.rows, options.shard_rows)
        files = sum(1 for _ in run.path.rglob("*.parquet"))
        print(
            f"write                {options.rows / seconds:10,.0f} rows/s ({options.rows:,} rows, "
            f"{files:,} files, {seconds:.1f} s)"
        )
        calls: dict[str, Callable[[], object]] = {
            "funnel": lambda: funnel(run.path),
            "page of rejected": lambda: rejected(
                run.path, reason="timeout", limit=50, after_key="1/solve/00003/solution-0000000003000"
            ),
            "one unit": lambda: find_unit(run.path, "solution-0000000000042"),
            "conservation": lambda: conservation_problems(run.path),
        }
        for name, call in calls.items():
            median, worst = time_ms(call)
            share = (
                f"  {median / FUNNEL_BUDGET_MS:.2f} of the budget of {FUNNEL_BUDGET_MS:.0f} ms"
                if name == "funnel"
                else ""
            )
            print(f"{name:20s} {median:8.1f} ms (worst {worst:.1f}){share}")


def _row(stage: str, shard: str, number: int) -> IndexRow:
    is_rejected = number % 3 == 0
    return IndexRow(
        round=1,
        stage=stage,
        shard=shard,
        unit_id=f"solution-{number:013d}",
        kind="solution",
        parents=(f"task-{number // 8:013d}",),
        language=LANGUAGES[number % 4],
        decision=Decision.REJECTED if is_rejected else Decision.KEPT,
        reason=REASONS[number % 4] if is_rejected else "",
        evidence='{"passed": 3, "total": 12}',
        ms=12.5,
        tokens=120,
    )


if __name__ == "__main__":
    main()
