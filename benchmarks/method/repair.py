"""`python -m benchmarks.method.repair FOLDER`: whether kept repair rows hold a fix that passes and a bug that
fails, on answers of known truth.

The planted endpoint answers repair turns, repair tasks and reviews, most of them badly. Every row that is
kept is run anew, in a sandbox of its own without a cache: its last program on the whole suite, and the
program that it shows. Beside that stands what the endpoint knows: whether a kept fix is the seed or a mutant,
that is a program that no test of the suite tells apart from it. What feedback is worth to a model cannot show
here, since the endpoint does not read it.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.planted.answerers import Question
from benchmarks.planted.answers import Truth
from benchmarks.planted.runs import Planted, Setting, run_planted
from benchmarks.planted.world import program_key
from synth.config import LocalSandboxConfig
from synth.execution.factory import create_sandbox
from synth.execution.verdict import judge
from synth.proportions import wilson_interval
from synth.records import ExecutionRequest, Outcome, Task, TestSuite
from synth.repair_records import Correction, Repair, ShownProgram
from synth.store.shards import StageCommit

SECTIONS = {
    "repair": {"turns": 3, "sampling": {"max_tokens": int(Question.REPAIR)}},
    "repair_tasks": {"mutants": True, "per_task": 2, "sampling": {"max_tokens": int(Question.REPAIR_TASK)}},
    "review": {"sampling": {"max_tokens": int(Question.REVIEW)}},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if a kept row is not what it says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.method.repair", description=__doc__)
    parser.add_argument("folder", help="a checkout of real Python code, or @stdlib")
    parser.add_argument("--random-seeds", default="0,1,2")
    parser.add_argument("--sample", type=int, default=20, help="files to read")
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    for seed in map(int, options.random_seeds.split(",")):
        with tempfile.TemporaryDirectory() as home:
            setting = Setting(options.folder, ("python",), options.sample, seed, data=SECTIONS)
            made = run_planted(setting, Path(home))
            counts += asyncio.run(verify(made))
    table = Table("what", "rows", "share")
    for kind in ("turn", "repair", "review"):
        asked, kept = counts[f"{kind} asked"], counts[f"{kind} kept"]
        table.add_row(f"{kind}: answers kept of those asked", f"{kept} of {asked}", _share(kept, asked))
        for what in ("the shown program is as stated", "the fix passes"):
            found = counts[f"{kind} {what}"]
            of = kept if what.startswith("the shown") else counts[f"{kind} fixes"]
            table.add_row(f"{kind}: {what}", f"{found} of {of}", _share(found, of))
    table.add_row("kept fixes that are mutants no test tells from the seed", str(counts["mutant"]), "")
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    for reason, count in sorted((name, n) for name, n in counts.items() if name.startswith("reason ")):
        console.print(f"{reason.removeprefix('reason ')}: {count}")
    sound = all(
        counts[f"{kind} the shown program is as stated"] == counts[f"{kind} kept"]
        and counts[f"{kind} the fix passes"] == counts[f"{kind} fixes"]
        for kind in ("turn", "repair", "review")
    )
    return 0 if sound else 1


def _share(part: int, whole: int) -> str:
    if not whole:
        return "-"
    found = wilson_interval(part / whole, whole)
    return f"{part / whole:.1%} ({found.low:.1%} to {found.high:.1%})"


async def verify(made: Planted) -> Counter[str]:
    """Counts over one run, with every kept row run anew."""
    commits, counts = StageCommit(made.run), Counter[str]()
    suites = {one.task_id: one for one in commits.iter_bodies(TestSuite)}
    tasks = {one.id: one for one in commits.iter_bodies(Task)}
    shown = {one.id: one for one in commits.iter_bodies(ShownProgram)}
    answers = {one.id: one for one in commits.iter_bodies(Correction)}
    for program in shown.values():
        counts[f"{program.asks} asked"] += 1
    for stage in sorted((made.run / "index").iterdir()):
        if stage.name.startswith(("repair", "review")):
            for shard in commits.shards_of(stage.name, 1):
                for decision in commits.read_index(stage.name, 1, shard):
                    counts[f"reason {stage.name} {decision.reason or 'kept'}"] += 1
    sandbox = create_sandbox(LocalSandboxConfig())
    await sandbox.start()
    try:
        for row in commits.iter_bodies(Repair):
            one, program = answers[row.correction_id], shown[row.shown_id]
            codes = [program.code, *([one.code] if one.code else [])]
            suite = suites[row.task_id]
            requests = [
                ExecutionRequest(id=f"{row.id}.{at}", language=row.language, code=code, call=suite.call())
                for at, code in enumerate(codes)
            ]
            seen = [judge(found, suite, row.id).outcome for found in await sandbox.execute(requests)]
            counts[f"{row.asks} kept"] += 1
            stated = (seen[0] is Outcome.PASS) == program.is_right
            counts[f"{row.asks} the shown program is as stated"] += stated
            if one.code:
                counts[f"{row.asks} fixes"] += 1
                counts[f"{row.asks} the fix passes"] += seen[1] is Outcome.PASS
                tag = next((word for word in tasks[row.task_id].instruction.split() if "case-" in word), "")
                truth = made.said.programs.get(program_key(tag, one.code, one.language))
                counts["mutant"] += truth is Truth.MUTANT
    finally:
        await sandbox.close()
    return counts


if __name__ == "__main__":
    raise SystemExit(main())
